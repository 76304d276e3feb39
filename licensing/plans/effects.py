"""What a change does to what a tenant may use: pure, as data and in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiergate import Entitlement, FeatureKind, join


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One feature's value or requirement, before and after; plain JSON, None where there is none."""

    feature: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a tenant gains and loses.

    gains, loses: features. limits, configs: of features that it has before and after. assurance: what is asked
    otherwise than before, of features that it has afterwards.
    """

    gains: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    limits: tuple[Shift, ...] = ()
    configs: tuple[Shift, ...] = ()
    assurance: tuple[Shift, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Say whether nothing changes."""
        return self == Effect()


def effect_of(before: Mapping[str, Entitlement], after: Mapping[str, Entitlement]) -> Effect:
    """Compare what a tenant may use before and after something; features by key."""
    granted = [{key for key, one in found.items() if one.is_granted} for found in (before, after)]
    both = sorted(granted[0] & granted[1])
    return Effect(
        gains=tuple(sorted(granted[1] - granted[0])),
        loses=tuple(sorted(granted[0] - granted[1])),
        limits=_shifts(both, before, after, FeatureKind.LIMIT),
        configs=_shifts(both, before, after, FeatureKind.CONFIG),
        assurance=tuple(
            Shift(feature=key, old=was, new=now)
            for key in sorted(granted[1])
            if (was := _asked(before.get(key))) != (now := _asked(after[key]))
        ),
    )


def effect_json(effect: Effect) -> dict[str, Any]:
    """Write an effect for programs."""
    return {
        "gains": list(effect.gains),
        "loses": list(effect.loses),
        "limits": [_shift_json(one) for one in effect.limits],
        "configs": [_shift_json(one) for one in effect.configs],
        "assurance": [_shift_json(one) for one in effect.assurance],
    }


def effect_sentences(effect: Effect) -> list[str]:
    """Say what changes; one sentence where nothing does."""
    out = [f"gains {key}" for key in effect.gains] + [f"loses {key}" for key in effect.loses]
    out += [f"{one.feature}: {_worth(one.old)} -> {_worth(one.new)}" for one in (*effect.limits, *effect.configs)]
    out += [f"{one.feature} asks {_asks(one.new)}, was {_asks(one.old)}" for one in effect.assurance]
    return out or ["nothing changes"]


def _shifts(
    keys: list[str], before: Mapping[str, Entitlement], after: Mapping[str, Entitlement], kind: FeatureKind
) -> tuple[Shift, ...]:
    found = ((key, _value(before[key]), _value(after[key])) for key in keys if after[key].kind == kind)
    return tuple(Shift(feature=key, old=old, new=new) for key, old, new in found if old != new)


def _value(one: Entitlement) -> Any:
    if one.kind != FeatureKind.LIMIT:
        return one.value
    per = one.reset_period.value if one.reset_period else None
    said = {"limit": one.limit, "unlimited": one.unlimited, "per": per}
    said |= {"overage": True} if one.overage is True else {}
    return said | ({"rollover": one.rollover} if one.rollover is not None else {})


def _asked(one: Entitlement | None) -> Any:
    asked = join(one.contributions) if one is not None and one.is_granted else None
    return None if asked is None else asked.to_json()


def _shift_json(one: Shift) -> dict[str, Any]:
    return {"feature": one.feature, "old": one.old, "new": one.new}


def _worth(value: Any) -> str:
    if isinstance(value, dict) and value.keys() >= {"limit", "unlimited", "per"}:
        amount = "unlimited" if value["unlimited"] else str(value["limit"])
        parts = [f"{amount}/{value['per']}" if value["per"] else amount]
        parts += ["more as overage"] if value.get("overage") else []
        parts += [f"{value['rollover']} of which may go on"] if "rollover" in value else []
        return ", ".join(parts)
    return str(value)


def _asks(asked: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in asked.items()) if asked else "nothing"
