"""What an event of Stripe's says of itself. It is taken for a hint that something changed, and for nothing more."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from billing.errors import InvalidEvent

_ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}")
_SNAPSHOT: Final = "event"
_THIN: Final = "v2.core.event"
# Written as JSON, a NUL is an odd number of backslashes before u0000; PostgreSQL holds none.
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """One event.

    kind: ``snapshot``, which holds its object, or ``thin``, which names it.
    customer: "" where it does not say whose it is. object_id: what it is about, or "".
    payload: as JSON that the database can hold.
    """

    id: str
    kind: str
    type: str
    customer: str
    object_id: str
    livemode: bool
    created_at: datetime
    payload: str

    @property
    def is_open(self) -> bool:
        """Say whether its customer has to be asked for."""
        return not self.customer and self.kind == "thin" and bool(self.object_id)


def read_event(raw: bytes) -> StripeEvent:
    """Read an event of either kind from its body.

    :raises InvalidEvent: it is none.
    """
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidEvent("The body is no JSON.") from error
    return event_of(said, encoded=raw)


def event_of(said: Any, *, encoded: bytes | None = None) -> StripeEvent:
    """Read an event of either kind from what its JSON says.

    :raises InvalidEvent: it is none.
    """
    try:
        if said["object"] == _THIN:
            about = said.get("related_object") or {}
            found = _checked(said, kind="thin", object_id=str(about.get("id") or ""), customer="")
            created_at = datetime.fromisoformat(said["created"]).astimezone(UTC)
        elif said["object"] == _SNAPSHOT:
            about = said["data"]["object"]
            found = _checked(said, kind="snapshot", object_id=str(about.get("id") or ""), customer=_customer(about))
            created_at = datetime.fromtimestamp(said["created"], tz=UTC)
        else:
            raise InvalidEvent("The body is no event.")
        body = msgspec.json.encode(said) if encoded is None else encoded
        payload = _NUL.sub(rb"\1\\ufffd", body).decode()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise InvalidEvent("The body is no event.") from error
    return StripeEvent(**found, created_at=created_at, payload=payload)


def _checked(said: Mapping[str, Any], *, kind: str, object_id: str, customer: str) -> dict[str, Any]:
    if object_id.startswith("cus_") and not customer:
        customer = object_id
    for one in (said["id"], *(one for one in (object_id, customer) if one)):
        if not isinstance(one, str) or not _ID.fullmatch(one):
            raise InvalidEvent("The event's ids are none.")
    is_live, type_of = said["livemode"], said["type"]
    if not isinstance(is_live, bool) or not isinstance(type_of, str):
        raise InvalidEvent("The event does not say what it is.")
    return {
        "id": said["id"],
        "kind": kind,
        "type": type_of.replace("\x00", "")[:255],
        "object_id": object_id,
        "customer": customer,
        "livemode": is_live,
    }


def _customer(about: Mapping[str, Any]) -> str:
    if about.get("object") == "customer":
        return str(about["id"])
    owner = about.get("customer")
    return str(owner["id"]) if isinstance(owner, Mapping) else str(owner or "")
