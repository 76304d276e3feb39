"""What a bundle adds to the facts that a decision is made from."""

from typing import Final

from msgspec.structs import replace

from tiergate.actions import is_everybodys
from tiergate.facts import Facts
from tiergate.policy.bundle import Bundle

SOURCE: Final = "policy"
"""Where what a bundle says comes from: this, or this with the id of a rule. No other source may be named so."""
_OF_A_RULE: Final = f"{SOURCE}:"


def with_bundle(facts: Facts, bundle: Bundle | None) -> Facts:
    """Judge facts by a bundle: what it says takes the place of whatever one had said before.

    bundle: None: no bundle is in force, and nothing comes of rules. Nor does any of what is everybody's right: a
    step-up that needs a step-up to begin could never begin. Never raises, as `Bundle.ask_about` does not.
    """
    if bundle is None or is_everybodys(facts.action):
        return without_bundle(facts)
    judged = bundle.ask_about(facts)
    facts = without_bundle(facts)
    return replace(
        facts,
        contributions=facts.contributions + judged.contributions,
        forbids=facts.forbids + judged.forbids,
        rules_change_at=judged.next_change_at,
        versions=replace(facts.versions, bundle=bundle.digest),
    )


def without_bundle(facts: Facts) -> Facts:
    """Take out of facts what a bundle said."""
    if not facts.versions.bundle:
        return facts
    return replace(
        facts,
        contributions=tuple(one for one in facts.contributions if not is_of_policy(one.source)),
        forbids=tuple(one for one in facts.forbids if not is_of_policy(one.source)),
        rules_change_at=None,
        versions=replace(facts.versions, bundle=""),
    )


def is_of_policy(source: str) -> bool:
    """Say whether a contribution or a flat no comes from a bundle."""
    return source == SOURCE or source.startswith(_OF_A_RULE)
