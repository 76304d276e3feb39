"""What is agreed with one tenant alone, as a form: put in place, and ended."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime

from console.operating.cells import ASKED, FIELDS, LEVELS, PERIODS, Reading, read_requirement, read_term
from tiergate import FeatureKind, FeatureSpec, OverrideEffect

EFFECTS: Final = (
    (OverrideEffect.VALUE.value, "has this instead"),
    (OverrideEffect.REMOVED.value, "does not have it"),
    (OverrideEffect.INHERIT.value, "has what its plan says, and more is asked"),
)
_NAMES: Final = ("feature", "effect", "unlimited", *FIELDS, *ASKED, "reason", "expires_at")
_SAID: Final[Mapping[FeatureKind, str]] = {FeatureKind.SWITCH: "on", FeatureKind.CONFIG: "value"}


def empty_agreement() -> dict[str, Any]:
    """Give a form that nobody has filled in."""
    return {"typed": {}, "mistakes": {}, "effects": EFFECTS, "levels": LEVELS, "periods": PERIODS}


def agreement_of(typed: Mapping[str, str], mistakes: Mapping[str, str]) -> dict[str, Any]:
    """Give a form as it was filled in, with what is wrong with it by field; ``""`` of all of it."""
    kept = {name: typed.get(name, "") for name in _NAMES}
    return {**empty_agreement(), "typed": kept, "mistakes": mistakes}


def read_agreement(
    typed: Mapping[str, str], features: Mapping[str, FeatureSpec]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read a form as what `licensing.put_override` takes, with what is wrong with it by field."""
    reading = Reading(typed)
    feature, effect = features.get(reading.said("feature")), reading.said("effect")
    if feature is None:
        return {}, {"feature": "Choose a feature."}
    if effect not in {value for value, _ in EFFECTS}:
        return {}, {"effect": "Choose what the tenant has."}
    wanted: dict[str, Any] = {"feature": feature.key, "effect": effect, "reason": reading.said("reason")}
    if not wanted["reason"]:
        reading.mistakes["reason"] = "Say why: the trail keeps it."
    wanted["expires_at"] = _expiry(reading)
    if effect == OverrideEffect.VALUE:
        if feature.kind == FeatureKind.LIMIT and reading.said("unlimited") and reading.said("limit"):
            reading.mistakes["limit"] = "Write how many, or choose unlimited: not both."
        said = _SAID.get(feature.kind, "unlimited" if reading.said("unlimited") else "limit")
        inner = Reading({**typed, "said": said, "overage": "", "rollover": ""})
        term = read_term(feature, inner)
        reading.mistakes |= inner.mistakes
        if term is not None:
            wanted |= {
                "value": term.value,
                "limit": term.limit,
                "unlimited": term.unlimited,
                "reset_period": term.reset_period.value if term.reset_period else None,
            }
    wanted["requirement"] = read_requirement(reading)
    return wanted, reading.mistakes


def _expiry(reading: Reading) -> datetime | None:
    text = reading.said("expires_at")
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        reading.mistakes["expires_at"] = "Write an instant like 2026-12-31T00:00, UTC; or nothing."
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
