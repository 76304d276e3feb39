"""One invariant against one bundle: what Z3 finds against it, and whether the bundle itself confirms that."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import z3

from tiergate.policy.bundle import Bundle, Judged
from tiergate.policy.proving.domain import Domain
from tiergate.policy.proving.factors import is_good_for
from tiergate.policy.proving.invariants import Invariant
from tiergate.policy.proving.patience import Patience
from tiergate.policy.proving.terms import YES, either, every
from tiergate.policy.proving.translate import Translation
from tiergate.policy.proving.witness import request_from
from tiergate.policy.request import Request
from tiergate.policy.rules import Rule
from tiergate.policy.wording import in_words
from tiergate.requirements import Requirement, join

_NAMED: Final = 5


class Answer(NamedTuple):
    """What came of it. is_proved: None where neither that nor its contrary is known.

    counterexample: a request of which the bundle itself says that it breaks the invariant; None but where it is broken.
    """

    is_proved: bool | None
    reason: str = ""
    counterexample: Request | None = None


class _Said(NamedTuple):
    """What a bundle says of any request, as Z3 has it. fires: where each rule that asks for something holds."""

    fires: Sequence[tuple[Requirement, Any]]
    refused: Any


class Proof:
    """One invariant against one bundle, beside the one before it where there is one."""

    def __init__(
        self, bundle: Bundle, base: Bundle | None, invariant: Invariant, timeout_ms: int, patience: Patience
    ) -> None:
        patience.check()
        self._bundle = bundle
        # Nobody else asks what was before.
        self._base = base if invariant.never_lowered else None
        self._invariant = invariant
        before = () if self._base is None else tuple(self._base.rules.values())
        self._domain = Domain((invariant.about, *bundle.rules.values(), *before), patience)
        translation = Translation(self._domain)
        meant = translation.holds(invariant.about)
        # Where it cannot be judged whether an invariant is about a request, it is.
        self._meant = z3.And(translation.is_about(invariant.about), z3.Or(meant.value, meant.errs))
        self._said = _say(bundle.rules.values(), translation, patience)
        self._before = _say(before, translation, patience)
        self._outside = translation.outside
        self._timeout_ms = timeout_ms
        self._patience = patience
        self._asked: dict[Requirement, Any] = {}

    def find(self) -> Answer:
        """Look for a request that breaks the invariant; without one it is proved."""
        broken, is_refused = z3.And(self._meant, self._is_broken()), self._said.refused
        # Most often no rule need refuse for it to hold, and that is found out sooner.
        answer = self._check(self._solver(broken))
        if answer != z3.unsat:
            solver = self._solver(broken, z3.Not(is_refused))
            answer = self._check(solver)
            if answer == z3.sat:
                return self._refute(solver)
            if answer == z3.unknown:
                return self._unproved(f"Z3 gave up: {solver.reason_unknown()}")
        if answer != z3.unsat:
            return self._unproved(f"Z3 answered {answer}")
        # What is about nothing is true of everything, and says nothing.
        if self._check(self._solver(self._meant)) != z3.sat:
            return self._unproved("no request is found that it is about")
        is_alone = self._invariant.never_lowered and self._base is None
        return Answer(is_proved=True, reason="there is no bundle before it to compare with" if is_alone else "")

    def _solver(self, *said: Any) -> z3.Solver:
        """Make a solver for one question: Z3 is slower by far with a second one."""
        solver = z3.Solver()
        solver.add(*self._domain.constraints(), *said)
        return solver

    def _check(self, solver: z3.Solver, *more: Any) -> Any:
        solver.set("timeout", self._patience.limit(self._timeout_ms))
        return solver.check(*more)

    def _is_broken(self) -> Any:
        """Say that what the rules ask, where none refuses, breaks the invariant."""
        invariant = self._invariant
        if invariant.forbidden:
            return YES
        if invariant.never_below is not None:
            return z3.Not(every([self._asks(part) for part in _split(invariant.never_below)]))
        if invariant.never_lowered:
            lowered = [
                z3.And(fires, z3.Not(self._asks(part)))
                for before, fires in self._before.fires
                for part in _split(before)
            ]
            return z3.And(self._is_named(), z3.Or(self._before.refused, *lowered))
        useless = [
            either([fires for asked, fires in self._said.fires if not is_good_for(one, asked)])
            for one in invariant.satisfiable_by
        ]
        return z3.And(self._is_named(), *useless)

    def _is_named(self) -> Any:
        """Say that it is known what is asked for.

        What is no action a decision refuses, whatever rules say. And every rule is about it: whichever goes, less would be
        asked there; and all that any asks at once nobody meets.
        """
        name, feature = self._domain.field("action.name"), self._domain.field("action.feature")
        return z3.Not(z3.Or(name.errs, feature.errs, self._domain.is_empty("action.name")))

    def _asks(self, part: Requirement) -> Any:
        """Say that some rule asks for one part of a requirement."""
        if part not in self._asked:
            self._patience.check()
            self._asked[part] = either([fires for asked, fires in self._said.fires if asked.is_at_least(part)])
        return self._asked[part]

    def _refute(self, solver: z3.Solver) -> Answer:
        """Ask the bundle itself about what Z3 found: first about a request that somebody might make, and of which most is known."""
        named = [z3.Not(self._domain.is_empty("action.name"))]
        known = [*self._domain.known.values(), *(one.known for one in self._domain.lists.values())]
        for more in ([*named, *known, *self._domain.likely()], [*named, *known], named, []):
            if self._check(solver, *more) != z3.sat:
                continue
            request = request_from(solver.model(), self._domain)
            reason = self._confirm(request)
            if reason:
                return Answer(is_proved=False, reason=reason, counterexample=request)
        return self._unproved("what Z3 found against it the bundle itself does not confirm")

    def _confirm(self, request: Request) -> str:
        """Say how the bundle itself breaks the invariant with a request; "" where it does not."""
        about = Bundle(self._bundle.about, [self._invariant.about], (), (), None)
        judged, meant = self._bundle.ask(request), about.ask(request).forbids
        if not meant or judged.forbids:
            return ""
        reason = self._break(request, join(judged.contributions))
        # Where that cannot be judged, the sentence says what is not known.
        is_doubtful = reason and meant[0].because != self._invariant.about.because
        return f"{reason}, and {meant[0].because}" if is_doubtful else reason

    def _break(self, request: Request, asked: Requirement | None) -> str:
        """Say how what is asked breaks the invariant; "" where it does not."""
        given = f"the rules ask for {'nothing' if asked is None else in_words(asked)} there"
        least, names = self._invariant.never_below, self._invariant.satisfiable_by
        if self._invariant.forbidden:
            return f"{given}, and do not forbid it"
        if least is not None:
            return "" if _is_enough(asked, least) else f"{given}, and not for {in_words(least)}"
        if not request.action.name or request.action.feature is None:
            return ""
        if self._base is not None:
            return _lower(self._base.ask(request), asked, given)
        is_met = not names or asked is None or any(is_good_for(one, asked) for one in names)
        return "" if is_met else f"{given}, which none of {', '.join(names)} meets"

    def _unproved(self, reason: str) -> Answer:
        """Say why it is unproved, and which conditions were out of reach."""
        outside = [f"{id_} ({', '.join(sorted(what))})" for id_, what in sorted(self._outside.items())]
        if outside:
            more = f" and {len(outside) - _NAMED} more" if len(outside) > _NAMED else ""
            reason += f"; out of reach: {', '.join(outside[:_NAMED])}{more}"
        return Answer(is_proved=None, reason=reason)


def _say(rules: Iterable[Rule], translation: Translation, patience: Patience) -> _Said:
    fires, refused = [], []
    for rule in rules:
        patience.check()
        is_about, holds = translation.is_about(rule), translation.holds(rule)
        refused.append(z3.And(is_about, holds.errs))
        if rule.requirement is None:
            refused.append(z3.And(is_about, holds.is_true))
        else:
            fires.append((rule.requirement, z3.And(is_about, holds.is_true)))
    return _Said(fires, either(refused))


def _lower(before: Judged, asked: Requirement | None, given: str) -> str:
    """Say how less is asked than was before; "" where it is not. given: what is asked, in words."""
    if before.forbids:
        return f"{given}, and those before forbade it: {before.forbids[0].because}"
    least = join(before.contributions)
    return "" if least is None or _is_enough(asked, least) else f"{given}, and those before asked for {in_words(least)}"


def _is_enough(asked: Requirement | None, least: Requirement) -> bool:
    return asked is not None and asked.is_at_least(least)


def _split(requirement: Requirement) -> Sequence[Requirement]:
    """Cut a requirement into parts of one member each: it is met where each is, if by different rules.

    One that asks for no more than is always asked is one such part: that somebody asks at all.
    """
    least = Requirement()
    said = {name: value for name, value in requirement.to_json().items() if value != least.to_json().get(name)}
    return [Requirement.from_json({name: value}) for name, value in said.items()] or [least]
