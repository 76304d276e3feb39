"""What was handed on as a token, and taken back; and the keys that sign them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from audit.api import Entry, Kind
from console.trail.wording import Names, plain

_DROPPED: Final = {
    "expired": "its time was over",
    "revoked": "it was given back",
    "task_ended": "the task had ended",
    "membership_ended": "the membership had ended",
    "no_longer_agreed": "what was agreed to had ended",
    "credential_ended": "the credential had ended",
    "session_ended": "the session had ended",
    "risk_raised": "the session came to look riskier",
    "no_longer_allowed": "it would be allowed no longer",
}


def _raised(entry: Entry, names: Names) -> str:
    payload, who = entry.payload, names.member(entry.subject)
    told = f"{plain(payload.get('scope'))} of {who} was raised for {plain(payload.get('audience'))}"
    return f"{told} by {names.actor(payload.get('by'))}"


def _dropped(entry: Entry, names: Names) -> str:
    payload, who = entry.payload, names.member(entry.subject)
    why = _DROPPED.get(str(payload.get("why")), plain(payload.get("why")))
    return f"{plain(payload.get('scope'))} of {who} was dropped for {plain(payload.get('audience'))}: {why}"


def _key(did: str) -> Callable[[Entry, Names], str]:
    def tell(entry: Entry, names: Names) -> str:
        return f"{names.actor(entry.payload.get('by'))} {did} the signing key {plain(entry.payload.get('key'))}"

    return tell


HANDED_ON: Final[Mapping[str, Callable[[Entry, Names], str]]] = MappingProxyType(
    {
        Kind.SCOPE_RAISED: _raised,
        Kind.SCOPE_DROPPED: _dropped,
        Kind.SIGNING_KEY_CREATED: _key("made"),
        Kind.SIGNING_KEY_REVOKED: _key("revoked"),
    }
)
