"""Whose bundles of rules are believed."""

from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from tiergate.policy.signing import KeyUnusable, checked_public_key

_NAME: Final = "TIERGATE_POLICY_PUBLISHERS"


def publishers(said: Sequence[str]) -> dict[str, str]:
    """Read publishers and their public keys, each ``name=key``; empty: bundles need no signature."""
    found: dict[str, str] = {}
    for one in said:
        name, _, key = (part.strip() for part in one.partition("="))
        if not name or not name.isprintable() or name in found:
            raise ImproperlyConfigured(f"{_NAME} reads name=key,name=key, with each name once, not {one!r}.")
        try:
            found[name] = checked_public_key(key)
        except KeyUnusable as error:
            raise ImproperlyConfigured(f"{_NAME}, {name}: {error}.") from error
    return found
