"""What a person types of one feature, read as a term; and a term, written as they would type it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import DecodeError
from msgspec import json as msgjson

from tiergate import FeatureKind, FeatureSpec, Level, Requirement, ResetPeriod, Scope, Term

NOT_SAID: Final = ""
SAID: Final[Mapping[FeatureKind, tuple[tuple[str, str], ...]]] = {
    FeatureKind.SWITCH: (("on", "included"), ("off", "withheld")),
    FeatureKind.LIMIT: (("limit", "a limit"), ("unlimited", "unlimited")),
    FeatureKind.CONFIG: (("value", "a value"),),
}
LEVELS: Final = tuple(one.value for one in (Level.AAL1, Level.AAL2, Level.AAL3))
PERIODS: Final = tuple(one.value for one in ResetPeriod)
SCOPES: Final = tuple(one.value for one in Scope if one != Scope.SESSION)
FIELDS: Final = ("said", "limit", "period", "overage", "rollover", "value")
ASKED: Final = ("level", "max_age", "phishing_resistant", "device_bound", "scope", "approvals")
_DIGITS: Final = 19


@dataclass(slots=True)
class Reading:
    """One cell as it is being read. mistakes: what is wrong, by field."""

    typed: Mapping[str, str]
    mistakes: dict[str, str] = field(default_factory=dict)

    def said(self, name: str) -> str:
        """Give what was typed into a field, without the blanks around it."""
        return self.typed.get(name, "").strip()

    def number(self, name: str, what: str) -> int | None:
        """Read a whole number from 0 on; None for nothing, or for a mistake."""
        text = self.said(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
            self.mistakes[name] = f"{what} is a whole number from 0 on."
            return None
        return int(text)


def read_term(feature: FeatureSpec, reading: Reading) -> Term | None:
    """Read what a cell says; None where it says nothing, or something that is none: then there are mistakes.

    What was typed into fields that what is said has no use for is left out.
    """
    said = reading.said("said")
    if said == NOT_SAID:
        return None
    if said not in {value for value, _ in SAID[feature.kind]}:
        reading.mistakes["said"] = "Choose what is said of it."
        return None
    content: dict[str, Any] = {}
    match said:
        case "on" | "off":
            content["value"] = said == "on"
        case "unlimited":
            content["unlimited"] = True
            content["reset_period"] = _period(reading)
        case "limit":
            content = _limit(reading)
        case _:
            content["value"] = _value(reading)
    requirement = read_requirement(reading)
    if reading.mistakes:
        return None
    return Term(feature=feature.key, requirement=requirement, **content)


def read_requirement(reading: Reading) -> Requirement | None:
    """Read what is asked of people; None where nothing is, or where something of it is a mistake."""
    given: dict[str, object] = {}
    if level := reading.said("level"):
        given["level"] = level
    if (max_age := reading.number("max_age", "An age in seconds")) is not None:
        given["max_age"] = max_age
    given |= {name: True for name in ("phishing_resistant", "device_bound") if reading.said(name)}
    if scope := reading.said("scope"):
        given["scope"] = scope
    if approvals := reading.number("approvals", "How many agree"):
        given["approvals"] = approvals
    if not given:
        return None
    try:
        return Requirement.from_json(given)
    except ValueError as error:
        reading.mistakes.setdefault("level", f"{error}.")
        return None


def typed_of(feature: FeatureSpec, term: Term | None) -> dict[str, str]:
    """Write a term as it would be typed."""
    if term is None:
        return {}
    out = typed_requirement(term.requirement)
    if feature.kind == FeatureKind.LIMIT:
        out["said"] = "unlimited" if term.unlimited else "limit"
        out["limit"] = "" if term.limit is None else str(term.limit)
        out["period"] = term.reset_period.value if term.reset_period else ""
        out["overage"] = "1" if term.overage else ""
        out["rollover"] = "" if term.rollover is None else str(term.rollover)
    elif feature.kind == FeatureKind.SWITCH:
        out["said"] = "on" if term.value else "off"
    else:
        out["said"] = "value"
        out["value"] = msgjson.encode(term.value).decode()
    return out


def typed_requirement(asked: Requirement | None) -> dict[str, str]:
    """Write what is asked as it would be typed."""
    if asked is None:
        return {}
    return {
        "level": asked.level.value,
        "max_age": "" if asked.max_age is None else str(asked.max_age),
        "phishing_resistant": "1" if asked.phishing_resistant else "",
        "device_bound": "1" if asked.device_bound else "",
        "scope": "" if asked.scope == Scope.SESSION else asked.scope.value,
        "approvals": str(asked.approvals) if asked.approvals else "",
    }


def _limit(reading: Reading) -> dict[str, Any]:
    limit = reading.number("limit", "A limit")
    if limit is None:
        reading.mistakes.setdefault("limit", "Write how many, or choose unlimited.")
    return {
        "limit": limit,
        "reset_period": _period(reading),
        "overage": bool(reading.said("overage")),
        "rollover": reading.number("rollover", "What rolls over"),
    }


def _period(reading: Reading) -> ResetPeriod | None:
    period = reading.said("period")
    if period and period not in PERIODS:
        reading.mistakes["period"] = "Choose a period."
        return None
    return ResetPeriod(period) if period else None


def _value(reading: Reading) -> Any:
    text = reading.said("value")
    if not text:
        reading.mistakes["value"] = "Write a value."
        return None
    try:
        return msgjson.decode(text)
    except (DecodeError, RecursionError):
        reading.mistakes["value"] = 'Write JSON: "a text" in quotes, 5, true, ["a", "b"].'
        return None
