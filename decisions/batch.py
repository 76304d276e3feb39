"""Several evaluations in one request (AuthZEN 1.0 section 7): defaults filled in, and when to stop."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from decisions.errors import BadRequest

MAX_ITEMS = 200


class Semantics(StrEnum):
    """When a batch stops (section 7.1.2)."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


# An item's member replaces the default whole; only these are filled in when it lacks them, never properties.
_IDENTIFYING = {"subject": ("type", "id"), "resource": ("type", "id"), "action": ("name",)}


def items_of(document: Mapping[str, Any]) -> tuple[list[object], Semantics]:
    """List a batch's evaluations with their defaults filled in; none means a single evaluation.

    :raises BadRequest: ``evaluations`` or ``options`` has the wrong shape, or there are too many.
    """
    items = document.get("evaluations", [])
    if not isinstance(items, list):
        raise BadRequest("evaluations must be an array.")
    if len(items) > MAX_ITEMS:
        raise BadRequest(f"At most {MAX_ITEMS} evaluations go into one request.")
    options = document.get("options", {})
    if not isinstance(options, dict):
        raise BadRequest("options must be an object.")
    try:
        semantics = Semantics(options.get("evaluations_semantic", Semantics.EXECUTE_ALL))
    except ValueError:
        known = ", ".join(one.value for one in Semantics)
        raise BadRequest(f"evaluations_semantic must be one of {known}.") from None
    return [_with_defaults(item, document) for item in items], semantics


def _with_defaults(item: object, document: Mapping[str, Any]) -> object:
    if not isinstance(item, dict):
        return item
    out = {key: document[key] for key in ("subject", "action", "resource", "context") if key in document} | item
    for key, names in _IDENTIFYING.items():
        own, default = item.get(key), document.get(key)
        if isinstance(own, dict) and isinstance(default, dict):
            out[key] = {name: default[name] for name in names if name in default} | own
    return out
