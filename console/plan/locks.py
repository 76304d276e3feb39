"""What each feature is worth, and what keeps a person from it. Pure: entitlements and decisions in, words out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.plan.wording import LEVELS, asked_in_words, price_of, worth
from decisions.api import for_person
from tiergate import (
    ActionSpec,
    Decision,
    Entitlement,
    FeatureSpec,
    Level,
    Need,
    NeedKind,
    Outcome,
    Requirement,
    Unlock,
    UnlockKind,
    join,
)

_NO_SALE: Final = "No plan on offer has it."
_WAYS: Final = {UnlockKind.PLAN: "plan", UnlockKind.ADD_ON: "add-on", UnlockKind.TRIAL: "trial"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that can be done by a feature. sentence: whether this person may now, and if not, what would help."""

    title: str
    sentence: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """One feature.

    needs_plan: what would have to be bought, with its price; "" where it is held. way: what that is: a plan, an
    add-on; "" where nothing on offer has it. needs_level: what is asked of
    whoever uses it; "" where that is a sign-in.
    """

    key: str
    title: str
    is_included: bool
    worth: str
    needs_plan: str = ""
    way: str = ""
    needs_level: str = ""
    steps: tuple[Step, ...] = ()


def locks_of(
    features: Iterable[FeatureSpec],
    *,
    entitlements: Mapping[str, Entitlement],
    unlocks: Mapping[str, tuple[Unlock, ...]],
    actions: Mapping[str, ActionSpec],
    decisions: Mapping[str, Decision],
) -> list[Lock]:
    """Say of each feature what it is worth and what it needs; those that are included first."""
    found = []
    for feature in features:
        entitlement = entitlements.get(feature.key)
        if entitlement is None:
            continue
        ways = unlocks.get(feature.key, ())
        steps = [
            _step(actions[name], decision)
            for name, decision in decisions.items()
            if actions[name].feature == feature.key
        ]
        found.append(
            Lock(
                key=feature.key,
                title=feature.title or feature.key,
                is_included=entitlement.is_granted is True,
                worth=worth(entitlement),
                needs_plan="" if entitlement.is_granted is True else _plan(ways),
                way=_WAYS[ways[0].kind] if ways and entitlement.is_granted is not True else "",
                needs_level=_level(entitlement, ways),
                steps=tuple(sorted(steps, key=lambda one: one.title)),
            )
        )
    return sorted(found, key=lambda one: not one.is_included)


def _plan(ways: Sequence[Unlock]) -> str:
    return f"{ways[0].title}, {price_of(ways[0])}" if ways else _NO_SALE


def _level(entitlement: Entitlement, ways: Sequence[Unlock]) -> str:
    asked: Requirement | None = join(entitlement.contributions)
    if entitlement.is_granted is not True and ways and ways[0].requirement is not None:
        asked = ways[0].requirement if asked is None else asked | ways[0].requirement
    return LEVELS[asked.level] if asked is not None and asked.level > Level.AAL1 else ""


def _step(action: ActionSpec, decision: Decision) -> Step:
    title = action.title or action.name
    if decision.outcome == Outcome.ALLOW:
        return Step(title=title, sentence="Open to you now.", is_open=True)
    helped = [text for need in decision.needs if (text := _need(need))]
    return Step(title=title, sentence=" ".join(helped) or for_person(decision), is_open=False)


def _need(need: Need) -> str:
    match need.kind:
        case NeedKind.UPGRADE:
            return f"Needs {need.unlocks[0].title}." if need.unlocks else ""
        case NeedKind.STEP_UP:
            return f"Needs {_asked(need)}: you are asked for it then."
        case NeedKind.ENROL:
            return f"Needs {_asked(need)}: you have added nothing yet that could show it."
        case NeedKind.APPROVAL:
            return f"Needs {need.approvals} other{'s' if need.approvals > 1 else ''} to agree."
        case NeedKind.WAIT:
            return f"Works again from {need.until:%-d %B %Y %H:%M} UTC." if need.until else ""


def _asked(need: Need) -> str:
    return asked_in_words(need.requirement) or "a fresh sign-in"
