"""What connects this installation to Stripe, read from the environment. Without a key there is no billing, and it says so."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import env

_KEY: Final = re.compile(r"(?:sk|rk)_(test|live)_[A-Za-z0-9_]{8,}")
_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """How Stripe is reached, and by what its webhooks are known.

    key: the secret key; "" for no billing at all.
    secrets: of the webhook endpoint; two while one is being replaced.
    api_base: where the API answers; "" for Stripe itself.
    """

    key: str = ""
    secrets: tuple[str, ...] = ()
    api_base: str = ""

    @property
    def is_on(self) -> bool:
        """Say whether there is billing here."""
        return bool(self.key)

    @property
    def is_live(self) -> bool:
        """Say whether real money is meant: what happens in a sandbox is then none of ours."""
        return bool(self.key) and not self.key.split("_")[1].startswith("test")


def read_stripe() -> StripeSettings:
    """Read how Stripe is reached.

    :raises ImproperlyConfigured: in a sentence that names the setting and never a secret.
    """
    key: str = env.str("STRIPE_API_KEY", default="")
    secrets = tuple(one.strip() for one in env.list("STRIPE_WEBHOOK_SECRETS", default=[]) if one.strip())
    said: str = env.str("STRIPE_API_BASE", default="")
    base = said.rstrip("/")
    if key and not _KEY.fullmatch(key):
        raise ImproperlyConfigured(
            "STRIPE_API_KEY is no secret key of Stripe: it begins with sk_test_, sk_live_, rk_test_ or rk_live_."
        )
    if any(not _SECRET.fullmatch(one) for one in secrets):
        raise ImproperlyConfigured("STRIPE_WEBHOOK_SECRETS must be secrets that begin with whsec_, comma-separated.")
    if key and not secrets:
        raise ImproperlyConfigured(
            "STRIPE_WEBHOOK_SECRETS is not set: with STRIPE_API_KEY, webhooks come, and are believed by their signature."
        )
    if base:
        _refuse_elsewhere(base, key)
    return StripeSettings(key=key, secrets=secrets, api_base=base)


def _refuse_elsewhere(base: str, key: str) -> None:
    try:
        parts = urlsplit(base)
        is_here = parts.scheme == "http" and parts.hostname in _LOOPBACK and parts.port and not parts.path
    except ValueError:
        is_here = False
    if not is_here:
        raise ImproperlyConfigured(
            "STRIPE_API_BASE is for a stand-in on this machine, http://127.0.0.1:12111: elsewhere the key would go astray."
        )
    if key and not key.startswith(("sk_test_", "rk_test_")):
        raise ImproperlyConfigured("STRIPE_API_BASE takes no live key: it would be shown to a stand-in.")
