"""What was said about risk: by a tenant of what it asks, by a person of what was theirs; and what is known of networks."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from audit.api import Entry, Kind
from console.trail.wording import Names, plain

_MODES: Final = {
    "off": "is no longer looked at",
    "observe": "is only looked at",
    "enforce": "asks for more",
}


def _policy(entry: Entry, names: Names) -> str:
    old, new = (one if isinstance(one, Mapping) else {} for one in (entry.payload.get("old"), entry.payload.get("new")))
    by, tenant = names.actor(entry.payload.get("by")), plain(names.tenant)
    if new.get("mode") != old.get("mode"):
        mode = _MODES.get(str(new.get("mode")), plain(new.get("mode")))
        return f"{by} changed the risk policy of {tenant}: risk {mode} now"
    return f"{by} changed what risk asks for in {tenant}"


def _said(what: str) -> Callable[[Entry, Names], str]:
    def tell(entry: Entry, names: Names) -> str:
        who, by = names.member(entry.subject), entry.payload.get("by")
        is_themselves = entry.subject is not None and by == ":".join(entry.subject)
        told = f"{who} said" if is_themselves else f"{names.actor(by)} said for {who}"
        return f"{told} that what looked {plain(entry.payload.get('band'))} {what}"

    return tell


def _imported(entry: Entry, names: Names) -> str:
    payload = entry.payload
    name, source = plain(payload.get("name")), payload.get("source")
    told = f"{names.actor(payload.get('by'))} brought in {name}, {plain(payload.get('networks'))} networks"
    return f"{told}, from {plain(source)}" if source else told


def _dropped(entry: Entry, names: Names) -> str:
    return f"{names.actor(entry.payload.get('by'))} took {plain(entry.payload.get('name'))} out of what is known of networks"


def _exported(entry: Entry, names: Names) -> str:
    return f"{names.actor(entry.payload.get('by'))} had written out how risky {names.member(entry.subject)} looked"


def _erased(entry: Entry, names: Names) -> str:
    by, who = names.actor(entry.payload.get("by")), names.member(entry.subject)
    because = plain((entry.personal or {}).get("because") or "")
    return f"{by} erased how risky {who} looked" + (f": {because}" if because else "")


RISKY: Final[Mapping[str, Callable[[Entry, Names], str]]] = MappingProxyType(
    {
        Kind.RISK_POLICY_CHANGED: _policy,
        Kind.RISK_CONFIRMED: _said("was them"),
        Kind.RISK_DISOWNED: _said("was not them"),
        Kind.RISK_EXPORTED: _exported,
        Kind.RISK_ERASED: _erased,
        Kind.RISK_DATA_IMPORTED: _imported,
        Kind.RISK_DATA_DROPPED: _dropped,
    }
)
