"""Trying a bundle by its own cases, and telling which of its rules they do not try."""

from collections.abc import Sequence

from msgspec import Struct

from tiergate.policy import limits
from tiergate.policy.bundle import Bundle, Judged, Verdict
from tiergate.policy.cases import Case, Want, outcome_of, read_cases
from tiergate.policy.errors import BundleRefused, PolicyError
from tiergate.policy.rules import Rule
from tiergate.policy.wording import in_words, listed
from tiergate.requirements import join


class Tried(Struct, frozen=True, kw_only=True):
    """What came of one case. complaints: how the answer differs from what is wanted; () where it does not."""

    case: Case
    complaints: tuple[str, ...]


class Untried(Struct, frozen=True, kw_only=True):
    """A rule that the cases do not try. why: what they leave out."""

    rule: Rule
    why: str


class Trial(Struct, frozen=True, kw_only=True):
    """What came of all cases of a bundle.

    untried: rules that ought to be tried. waived: rules that say themselves why nothing tries them.
    """

    cases: tuple[Tried, ...]
    untried: tuple[Untried, ...]
    waived: tuple[Untried, ...]

    @property
    def failed(self) -> tuple[Tried, ...]:
        """Give the cases whose answer is not what is wanted."""
        return tuple(one for one in self.cases if one.complaints)

    @property
    def is_good(self) -> bool:
        """Say whether every case passes and no rule is left untried."""
        return not self.failed and not self.untried


def try_bundle(bundle: Bundle) -> Trial:
    """Try a bundle by the cases that it brings.

    :raises BundleRefused: a case that is none; all that is wrong is named, with places.
    """
    return try_cases(bundle, read_cases(bundle))


def try_cases(bundle: Bundle, cases: Sequence[Case]) -> Trial:
    """Try a bundle by cases, which may have been read with another bundle.

    :raises BundleRefused: they are about so many rules between them that it would take too long.
    """
    asked = 0
    held: set[str] = set()
    not_held: set[str] = set()
    tried = []
    for case in cases:
        verdicts = bundle.judge(case.given)
        asked += len(verdicts)
        if asked > limits.MAX_ASKED:
            message = f"the cases of a bundle are about at most {limits.MAX_ASKED} rules between them"
            raise BundleRefused([PolicyError(file=case.file, line=case.line, column=1, message=message)])
        about = {one.rule.id for one in verdicts}
        held |= {one.rule.id for one in verdicts if one.holds is True}
        not_held |= {one.rule.id for one in verdicts if one.holds is False}
        # A rule that holds always fails to hold where it is not about the request.
        not_held |= {one.id for one in bundle.rules.values() if one.when is None and one.id not in about}
        tried.append(Tried(case=case, complaints=_complaints(case.want, bundle.ask(case.given), verdicts)))
    untried = [
        Untried(rule=rule, why=why)
        for rule in bundle.rules.values()
        if (why := _untried(is_held=rule.id in held, is_not=rule.id in not_held))
    ]
    return Trial(
        cases=tuple(tried),
        untried=tuple(one for one in untried if not one.rule.waives_tests),
        waived=tuple(one for one in untried if one.rule.waives_tests),
    )


def _untried(*, is_held: bool, is_not: bool) -> str:
    if is_held:
        return "" if is_not else "there is no case in which it does not hold"
    return "there is no case in which it holds" if is_not else "there is no case that it is tried by"


def _complaints(want: Want, judged: Judged, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Say how an answer differs from what is wanted."""
    out = []
    outcome, asked = outcome_of(judged), join(judged.contributions)
    unjudged = {one.rule.id: one.note for one in verdicts if one.holds is None}
    if outcome != want.outcome:
        out.append(f"outcome: wanted {want.outcome.value}, got {outcome.value} (rules: {listed(judged.matched)})")
    if want.require is not None and asked != want.require:
        got = "nothing" if asked is None else in_words(asked)
        out.append(f"require: wanted {in_words(want.require)}; got {got}")
    sentences = [one.because for one in judged.forbids] + [one.because for one in judged.contributions]
    if want.because is not None and want.because not in sentences:
        out.append(f"because: wanted {want.because!r}, got {listed(map(repr, sentences))}")
    if want.rules is not None and judged.matched != want.rules:
        out.append(f"rules: wanted {listed(want.rules)}; got {listed(judged.matched)}")
    if tuple(unjudged) != want.unjudged:
        got = listed(unjudged.values())
        out.append(f"unjudged: wanted {listed(want.unjudged)}; got {got}")
    # INVARIANT: `ask` refuses where something goes wrong that is no rule's; no case is meant to see that.
    out += [f"the policy itself: {one.because}" for one in judged.forbids if one.source == "policy"]
    return tuple(out)
