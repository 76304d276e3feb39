"""What another bundle would have made of one decision, and which of its rules make the difference."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tiergate.decide import decide
from tiergate.decision import Decision, Outcome, Reason
from tiergate.facts import Facts, Forbid
from tiergate.policy.applying import SOURCE, is_of_policy, with_bundle
from tiergate.policy.bundle import Bundle
from tiergate.requirements import Contribution


class Change(StrEnum):
    """What becomes of an answer, what is worst first. Public and stable: add, never rename.

    newly_allowed: it was anything else. no_longer_refused: what nothing would have helped can be had by a step-up or
    an upgrade. requirement_lowered: the answer is the same and something is no longer asked, whatever else is.
    requirement_raised: the answer is the same and more is asked. other_reason: refused, but for another reason.
    """

    NEWLY_ALLOWED = "newly_allowed"
    NO_LONGER_REFUSED = "no_longer_refused"
    REQUIREMENT_LOWERED = "requirement_lowered"
    NEWLY_REFUSED = "newly_refused"
    NEWLY_CHALLENGED = "newly_challenged"
    REQUIREMENT_RAISED = "requirement_raised"
    OTHER_REASON = "other_reason"
    UNCHANGED = "unchanged"


CHANGE_WORDS: Final[Mapping[str, str]] = {
    Change.NEWLY_ALLOWED: "newly allowed",
    Change.NO_LONGER_REFUSED: "no longer refused",
    Change.REQUIREMENT_LOWERED: "asked for less",
    Change.NEWLY_REFUSED: "newly refused",
    Change.NEWLY_CHALLENGED: "newly challenged",
    Change.REQUIREMENT_RAISED: "asked for more",
    Change.OTHER_REASON: "refused for another reason",
    Change.UNCHANGED: "unchanged",
}
"""How each is told to people."""

LOOSER: Final = frozenset({Change.NEWLY_ALLOWED, Change.NO_LONGER_REFUSED, Change.REQUIREMENT_LOWERED})
"""What asks for less than before: to be looked at before anything else."""


class Compared(Struct, frozen=True, kw_only=True):
    """One decision under two bundles. facts_before, facts_after: with what each bundle says of them."""

    facts_before: Facts
    before: Decision
    facts_after: Facts
    after: Decision
    change: Change

    @property
    def is_locked_out(self) -> bool:
        """Say whether it newly takes something that the person has not enrolled."""
        return self.after.reason == Reason.ENROLMENT_REQUIRED != self.before.reason


def compare(facts: Facts, *, base: Bundle | None, candidate: Bundle | None) -> Compared:
    """Decide what was recorded under two bundles, whatever a bundle had said of it then. None: no bundle.

    Never raises: what cannot be decided is refused, as it would have been.
    """
    facts_before, facts_after = with_bundle(facts, base), with_bundle(facts, candidate)
    before = decide(facts_before)
    if replace(facts_after, versions=facts_before.versions) == facts_before:
        # A decision is a function of the facts, and reads no version among them.
        after = replace(before, versions=facts_after.versions)
    else:
        after = decide(facts_after)
    return Compared(
        facts_before=facts_before,
        before=before,
        facts_after=facts_after,
        after=after,
        change=change_of(before, after),
    )


def change_of(before: Decision, after: Decision) -> Change:
    """Name what becomes of an answer."""
    if before.outcome != after.outcome:
        return change_of_outcome(before.outcome, after.outcome)
    if before.requirement != after.requirement:
        # One that asks for more of this and less of that asks for less of that.
        is_raised = (
            before.requirement is not None
            and after.requirement is not None
            and after.requirement.is_at_least(before.requirement)
        )
        return Change.REQUIREMENT_RAISED if is_raised else Change.REQUIREMENT_LOWERED
    return Change.UNCHANGED if before.reason == after.reason else Change.OTHER_REASON


def change_of_outcome(before: Outcome, after: Outcome) -> Change:
    """Name what becomes of an answer, as far as the outcomes say."""
    if before == after:
        return Change.UNCHANGED
    if after == Outcome.ALLOW:
        return Change.NEWLY_ALLOWED
    if after == Outcome.DENY:
        return Change.NEWLY_REFUSED
    return Change.NO_LONGER_REFUSED if before == Outcome.DENY else Change.NEWLY_CHALLENGED


def rules_of(compared: Compared) -> tuple[str, ...]:
    """Name the rules that make the difference, in order: "" for what is said of no rule.

    Of an answer that asks for more, those of the rules of the second bundle without which it would be another one; of
    one that asks for less, likewise those of the first. Where none makes it alone, all that differ make it together.
    """
    if compared.change == Change.UNCHANGED:
        return ()
    gone = _said(compared.facts_before) - _said(compared.facts_after)
    new = _said(compared.facts_after) - _said(compared.facts_before)
    if compared.change in LOOSER:
        return _made(gone, compared.facts_before, compared.before) or _named(gone | new)
    return _made(new, compared.facts_after, compared.after) or _named(gone | new)


type _Said = frozenset[Contribution | Forbid]


def _said(facts: Facts) -> _Said:
    said: list[Contribution | Forbid] = [*facts.contributions, *facts.forbids]
    return frozenset(one for one in said if is_of_policy(one.source))


def _made(differing: _Said, facts: Facts, decision: Decision) -> tuple[str, ...]:
    """Name those without which the decision would be another one; all, where each could go alone."""
    if len(differing) < 2:  # noqa: PLR2004 - there is nothing to choose from
        return _named(differing)
    return _named(one for one in differing if _is_other(decide(_without(facts, one)), decision)) or _named(differing)


def _is_other(one: Decision, other: Decision) -> bool:
    return (one.outcome, one.reason, one.requirement) != (other.outcome, other.reason, other.requirement)


def _without(facts: Facts, left_out: Contribution | Forbid) -> Facts:
    return replace(
        facts,
        contributions=tuple(one for one in facts.contributions if one != left_out),
        forbids=tuple(one for one in facts.forbids if one != left_out),
    )


def _named(said: Iterable[Contribution | Forbid]) -> tuple[str, ...]:
    return tuple(sorted({one.source.removeprefix(SOURCE).removeprefix(":") for one in said}))
