"""Which rules were brought, put in force, tried and taken back."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from audit.api import Entry, Kind
from console.trail.wording import Names, plain

type Teller = Callable[[Entry, Names], str]

_SHOWN: Final = 12


def _bundle(digest: object) -> str:
    return f"the bundle {plain(str(digest)[:_SHOWN])}" if digest else "no rules at all"


def _stored(entry: Entry, names: Names) -> str:
    payload = entry.payload
    did = "stored" if payload.get("is_new") else "signed anew"
    told = f"{names.actor(payload.get('by'))} {did} {_bundle(payload.get('digest'))}, {plain(payload.get('name'))}"
    return f"{told}, signed by {plain(payload['signed_by'])}" if payload.get("signed_by") else told


def _step(told: Callable[[Mapping[str, Any]], str]) -> Teller:
    def tell(entry: Entry, names: Names) -> str:
        payload = entry.payload
        said = f"{names.actor(payload.get('by'))} {told(payload)}"
        gone = payload.get("gives_up")
        if isinstance(gone, list) and gone:
            said += f", and gave up what was promised, {plain(', '.join(map(str, gone)))}"
        waived = payload.get("waives")
        if isinstance(waived, list) and waived:
            said += f", of which is not proved {'; '.join(_waived(one) for one in waived if isinstance(one, dict))}"
        return f"{said}: {plain(payload['because'])}" if payload.get("because") else said

    return tell


def _waived(one: Mapping[str, Any]) -> str:
    word = f"{plain(one.get('owner'))} until {plain(one.get('until'))} ({plain(one.get('because'))})"
    return f"{plain(one.get('promise'))}, waived by {word}"


def _staged(payload: Mapping[str, Any]) -> str:
    candidate, active = _bundle(payload.get("candidate")), _bundle(payload.get("active"))
    if payload.get("mode") == "shadow":
        return f"had {candidate} tried in the shadow of {active}"
    return f"put {candidate} in force for some tenants, beside {active}"


RULED: Final[Mapping[str, Teller]] = MappingProxyType(
    {
        Kind.BUNDLE_STORED: _stored,
        Kind.BUNDLE_ACTIVATED: _step(
            lambda payload: f"put {_bundle(payload.get('active'))} in force, where {_bundle(payload.get('was'))} was"
        ),
        Kind.BUNDLE_STAGED: _step(_staged),
        Kind.BUNDLE_WITHDRAWN: _step(lambda payload: f"withdrew {_bundle(payload.get('candidate_was'))}"),
        Kind.BUNDLE_ROLLED_BACK: _step(
            lambda payload: f"went back to {_bundle(payload.get('active'))} from {_bundle(payload.get('was'))}"
        ),
    }
)
