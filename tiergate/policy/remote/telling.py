"""What a server, or its own command, says of which rules are in force: as lines for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from tiergate.policy.wording import Alarm


def lines_of_stage(stage: Mapping[str, Any]) -> list[str]:
    """Tell what is active since when, by whom and why, and what is a candidate. stage: as `GET /v1/policy` gives it."""
    active, candidate = stage.get("active"), stage.get("candidate")
    lines = ["No bundle is in force: rules ask for nothing."]
    if active is not None:
        since, by, because = (active.get(name, "") for name in ("activated_at", "by", "because"))
        lines = [f"{_named(active)} is in force since {since}, by {by}, because: {because}"]
    if candidate is not None:
        lines.append(f"{_named(candidate)} is the candidate: {_for_whom(candidate)}")
    return lines


def lines_of_steps(steps: Sequence[object]) -> list[str]:
    """Tell steps, each as its sentence; those that gave up a promise, or all rules, as an alarm."""
    told = [one for one in steps if isinstance(one, Mapping)]
    lines = [_sentence(one) for one in told]
    return lines or ["No bundle was ever put in force."]


def lines_of_given_up(given_up: object) -> list[str]:
    """Tell which promises a bundle says that it gives up, by whose word."""
    found = given_up if isinstance(given_up, Sequence) and not isinstance(given_up, str) else ()
    return [
        f"{one.get('promise')}: given up by {one.get('owner')} until {one.get('until')}, "
        f"which the bundle in force promises: {one.get('because')}"
        for one in found
        if isinstance(one, Mapping)
    ]


def lines_of_waived(waives: object) -> list[str]:
    """Tell which promises of a bundle are not proved, and by whose word it goes on."""
    found = waives if isinstance(waives, Sequence) and not isinstance(waives, str) else ()
    return [
        f"{one.get('promise')}: not proved, waived by {one.get('owner')} until {one.get('until')}: {one.get('because')}"
        for one in found
        if isinstance(one, Mapping)
    ]


def _sentence(step: Mapping[str, Any]) -> str:
    sentence = str(step.get("sentence", ""))
    is_without_rules = step.get("digest", "") is None
    return Alarm(sentence) if step.get("gives_up") or is_without_rules else sentence


def _named(part: Mapping[str, Any]) -> str:
    return f"{part.get('name')} ({str(part.get('digest'))[:12]})"


def _for_whom(candidate: Mapping[str, Any]) -> str:
    tenants = candidate.get("tenants")
    named = ", ".join(map(str, tenants)) if isinstance(tenants, list | tuple) else ""
    return f"{candidate.get('mode')}, for {f'{named} and ' if named else ''}{candidate.get('percent', 0)} % of tenants"
