"""What rules that are only tried would have answered, beside those in force."""

from typing import Any

from decisions.facts import Gathered
from decisions.metrics import SHADOW
from tiergate import Decision, decide
from tiergate.policy import with_bundle


def tried_beside(gathered: Gathered, decision: Decision) -> dict[str, Any] | None:
    """Decide by the rules that are only tried; None where there are none, or they ask for the same."""
    bundle = gathered.policy.shadow
    if bundle is None:
        return None
    tried = decide(with_bundle(gathered.facts, bundle))
    is_same = tried.outcome == decision.outcome and tried.requirement == decision.requirement
    SHADOW.labels("same" if is_same else "differs").inc()
    if is_same:
        return None
    return {
        "bundle": bundle.digest,
        "outcome": tried.outcome,
        "reason": tried.reason,
        "requirement": tried.requirement,
    }
