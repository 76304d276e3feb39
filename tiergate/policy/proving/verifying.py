"""Proves a bundle's invariants, or refutes them by requests that the bundle itself is asked."""

from datetime import date
from enum import StrEnum
from threading import Lock
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tiergate.policy.bundle import Bundle
from tiergate.policy.proving.giving_up import GivenUp, give_up, promise_of
from tiergate.policy.proving.invariants import Invariant, Waiver, read_invariants, read_promises
from tiergate.policy.proving.patience import OutOfTime, Patience
from tiergate.policy.proving.proof import Proof
from tiergate.policy.request import Request

# For each question to Z3: up to three where an invariant is proved, up to six where it is refuted.
TIMEOUT_MS: Final = 10_000
# Z3's own context is one for the process, and is not for several threads.
_one_at_a_time: Final = Lock()


class Outcome(StrEnum):
    """What became of an invariant."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNPROVED = "unproved"


class Finding(Struct, frozen=True, kw_only=True):
    """What became of one invariant.

    reason: why it is refuted or unproved, for people; of what is proved, what that says less than it seems to; or "".
    counterexample: a request of which the bundle itself says so.
    waiver: somebody's word that still holds, of what is unproved; None where it is of no use or over.
    is_of_base: the bundle before promised this, and this one does not.
    """

    invariant: Invariant
    outcome: Outcome
    reason: str = ""
    counterexample: Request | None = None
    waiver: Waiver | None = None
    is_of_base: bool = False

    @property
    def is_accepted(self) -> bool:
        """Say whether the bundle may go on with this: what is refuted nobody waives."""
        return self.outcome == Outcome.PROVED or (self.outcome == Outcome.UNPROVED and self.waiver is not None)


class Report(Struct, frozen=True, kw_only=True):
    """What became of all invariants of a bundle, by id; after them of those that the bundle before promised for this one.

    given_up: what that promised, and this one does not.
    """

    findings: tuple[Finding, ...]
    given_up: tuple[GivenUp, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Say whether every invariant is proved, or waived, and every promise of before kept, or given up by somebody's word.

        Each word until a day that is not over.
        """
        return all(one.is_accepted for one in self.findings) and all(one.is_accepted for one in self.given_up)


def verify(
    bundle: Bundle,
    *,
    today: date,
    timeout_ms: int = TIMEOUT_MS,
    base: Bundle | None = None,
    within_s: float | None = None,
) -> Report:
    """Prove or refute each invariant of a bundle.

    What is ``never_lowered`` is compared with the bundle before. Where that one promised so, it holds of this one whether
    it promises so again or not: nobody takes away a promise and what it kept in one step. Nor does anybody by a waiver
    that is new with the change: where that one promised so without, this one has to be proved without, too. Whatever it
    promised, this one promises as much, or somebody says in it that it does not.

    today: by which waivers are over. timeout_ms: of each question to Z3; what takes longer is unproved. base: the bundle
    before; None: there is none. within_s: seconds for all of it; what is not proved by then is unproved.

    :raises BundleRefused: an invariant is none; all that is wrong is named, with places.
    """
    promises = read_promises(bundle)
    own = promises.invariants
    promised = {promise_of(one) for one in own}
    before = () if base is None else read_invariants(base)
    lasting = [one for one in before if one.never_lowered and promise_of(one) not in promised]
    firm = {promise_of(one) for one in before if one.never_lowered and one.waiver is None}
    patience = Patience(within_s)
    with _one_at_a_time:
        findings = [
            _accept(_find(bundle, base, one, timeout_ms, patience), today, is_firm=promise_of(one) in firm)
            for one in own
        ]
        kept = [_accept(_find(bundle, base, one, timeout_ms, patience), today) for one in lasting]
    return Report(
        findings=(*findings, *(replace(one, is_of_base=True) for one in kept)),
        given_up=give_up(promises, before, today=today),
    )


def _accept(finding: Finding, today: date, *, is_firm: bool = False) -> Finding:
    """Note somebody's word for what is not proved, where it counts.

    is_firm: the bundle before promised the same without one, so that none counts that is new.
    """
    waiver = finding.invariant.waiver
    if finding.outcome != Outcome.UNPROVED or waiver is None:
        return finding
    if is_firm:
        return replace(finding, reason=f"{finding.reason}; its waiver is new, and it was promised before without one")
    if waiver.until < today:
        return replace(finding, reason=f"{finding.reason}; its waiver was over on {waiver.until}")
    return replace(finding, waiver=waiver)


def _find(bundle: Bundle, base: Bundle | None, invariant: Invariant, timeout_ms: int, patience: Patience) -> Finding:
    """Prove or refute one; whatever goes wrong, it is unproved."""
    try:
        found = Proof(bundle, base, invariant, timeout_ms, patience).find()
    except OutOfTime as error:
        return Finding(invariant=invariant, outcome=Outcome.UNPROVED, reason=str(error))
    except Exception as error:  # noqa: BLE001 - an exception proves nothing, whatever it is
        reason = f"it could not be tried: {type(error).__name__}: {error}"
        return Finding(invariant=invariant, outcome=Outcome.UNPROVED, reason=reason)
    outcome = Outcome.UNPROVED if found.is_proved is None else Outcome.PROVED if found.is_proved else Outcome.REFUTED
    return Finding(invariant=invariant, outcome=outcome, reason=found.reason, counterexample=found.counterexample)
