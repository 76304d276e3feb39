"""What became of a challenge, clause by clause."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from audit.api import Entry, Kind
from console.trail.wording import Names, instant_of, lasted, later, listed, plain

_THING: Final = {"totp": "code", "password": "password", "passkey": "passkey"}
_WRONG: Final = {
    "wrong": "gave a wrong {thing}",
    "already_used": "gave a {thing} that was used before",
    "locked": "tried again while locked out",
    "unusable": "used a factor that cannot be used",
    "cloned": "gave a {thing} of which there seem to be two",
    "not_asked": "gave a {thing} that was asked for elsewhere or before",
    "not_verified": "gave a {thing} whose user was not verified",
    "unknown": "gave a {thing} that would not do",
    "wrong_origin": "gave a {thing} on another site",
}

PARTS: Final = frozenset(
    {
        Kind.CHALLENGE_OPENED,
        Kind.CHALLENGE_HANDED_OFF,
        Kind.CHALLENGE_ANSWERED,
        Kind.CHALLENGE_PASSED,
        Kind.CHALLENGE_FAILED,
        Kind.CHALLENGE_REFUSED,
        Kind.ELEVATION_CREATED,
        Kind.ELEVATION_USED,
        Kind.ELEVATION_ENDED,
        Kind.FACTOR_DISABLED,
        Kind.FACTOR_CLONED,
    }
)


_ENDINGS: Final = frozenset({Kind.CHALLENGE_PASSED, Kind.CHALLENGE_REFUSED})


def clauses(entries: list[Entry], names: Names) -> list[str]:
    """Tell what followed a beginning, each part as a clause without its subject: ``gave a code after 8 s``."""
    begun, kinds = entries[0].at, {entry.kind for entry in entries}
    out = [clause(entry, names, begun=begun) for entry in entries[1:]]
    if len(entries) > 1 and not kinds & _ENDINGS and Kind.CHALLENGE_OPENED in kinds:
        out.append("a challenge was opened and not passed")
    elif any(entry.payload.get("awaits_redemption") for entry in entries) and Kind.ELEVATION_CREATED not in kinds:
        out.append("what that left was not redeemed")
    return [one for one in out if one]


def clause(entry: Entry, names: Names, *, begun: datetime) -> str:
    """Tell one part of a story that began at ``begun``; "" of what the others tell."""
    tell = _CLAUSES.get(entry.kind)
    return tell(entry, names, begun) if tell else ""


def alone(entry: Entry, names: Names) -> str:
    """Tell a part whose story is not at hand."""
    who, action = names.member(entry.subject), plain(entry.payload.get("action", "something"))
    told = clause(entry, names, begun=entry.at)
    pattern = _ALONE.get(entry.kind, "{who} {told} for {action}")
    return pattern.format(who=who, action=action, told=told, by=names.actor(entry.payload.get("by")))


def _answered(entry: Entry, _names: Names, _begun: datetime) -> str:
    left = listed(_THING.get(str(one), one) for one in entry.payload.get("left", ()))
    return f"gave a {_thing(entry)} after {_waited(entry)}, which left a {left} to give"


def _passed(entry: Entry, _names: Names, _begun: datetime) -> str:
    return f"gave a {_thing(entry)} after {_waited(entry)}"


def _failed(entry: Entry, _names: Names, _begun: datetime) -> str:
    why = str(entry.payload.get("why"))
    told = f"{_WRONG.get(why, _WRONG['wrong']).format(thing=_thing(entry))} after {_waited(entry)}"
    return f"{told}, the last try for now" if why == "wrong" and entry.payload.get("attempts_left") == 0 else told


def _denied(entry: Entry, _names: Names, _begun: datetime) -> str:
    return f"said after {_waited(entry)} that this was not their doing"


def _disabled(entry: Entry, _names: Names, _begun: datetime) -> str:
    return f"the authenticator app was disabled after {plain(entry.payload.get('why', 'too many wrong codes'))}"


def _cloned(_entry: Entry, _names: Names, _begun: datetime) -> str:
    return "the passkey's counter had not grown, as if there were two of it: it was ended"


def _created(entry: Entry, _names: Names, begun: datetime) -> str:
    once = "allowed once, until" if entry.payload.get("scope") == "transaction" else "allowed until"
    return f"{once} {later(instant_of(entry.payload['expires_at']), than=begun)}"


def _used(entry: Entry, _names: Names, begun: datetime) -> str:
    return f"used at {later(entry.at, than=begun)}"


def _ended(entry: Entry, names: Names, begun: datetime) -> str:
    if entry.payload.get("why") == "membership_ended":
        return f"ended at {later(entry.at, than=begun)} with the membership"
    if entry.payload.get("why") == "risk_raised":
        return f"ended at {later(entry.at, than=begun)}, since the session came to look riskier"
    return f"ended at {later(entry.at, than=begun)} by {names.actor(entry.payload.get('by'))}"


def _went_ahead(entry: Entry, _names: Names, begun: datetime) -> str:
    return f"went ahead at {later(entry.at, than=begun)}"


_CLAUSES: Final[Mapping[str, Callable[[Entry, Names, datetime], str]]] = MappingProxyType(
    {
        Kind.CHALLENGE_ANSWERED: _answered,
        Kind.CHALLENGE_PASSED: _passed,
        Kind.CHALLENGE_FAILED: _failed,
        Kind.CHALLENGE_REFUSED: _denied,
        Kind.FACTOR_DISABLED: _disabled,
        Kind.FACTOR_CLONED: _cloned,
        Kind.ELEVATION_CREATED: _created,
        Kind.ELEVATION_USED: _used,
        Kind.ELEVATION_ENDED: _ended,
        Kind.DECISION: _went_ahead,
    }
)

_ALONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        Kind.CHALLENGE_OPENED: "{who} was challenged to prove more for {action}",
        Kind.CHALLENGE_HANDED_OFF: "{who} opened the link of a challenge for {action} in a browser",
        Kind.ELEVATION_CREATED: "{who} was {told} to do {action}",
        Kind.ELEVATION_USED: "{who} used the confirmation of {action}",
        Kind.ELEVATION_ENDED: "{by} ended what {who} had confirmed of {action}",
        Kind.FACTOR_DISABLED: "of {who} {told}",
        Kind.FACTOR_CLONED: "of {who} {told}",
    }
)


def _thing(entry: Entry) -> str:
    return _THING.get(str(entry.payload.get("method")), "proof")


def _waited(entry: Entry) -> str:
    return lasted(entry.payload.get("response_seconds"))
