"""Hold a bundle to what it promises, beside the bundle that it would follow."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from decisions.policy.errors import BundleRefused, BundleUnproved
from tiergate import policy
from tiergate.policy import Bundle, PolicyError

if TYPE_CHECKING:
    from tiergate.policy.proving import GivenUp, Waiver

WITHIN_S: Final = 20.0
"""For all promises of a bundle: somebody waits for the answer, and a process of the server with them."""


_UNPROVED: Final = "The bundle does not keep what is promised, or it cannot be proved."


class Proved(Struct, frozen=True, kw_only=True):
    """What became of a bundle's promises.

    findings: of each, and of what the bundle in force promised never to lower: ``invariant``, ``outcome``, ``reason``.
    given_up: what the bundle in force promises, and this one says that it does not: ``promise``, ``owner``, ``until``,
    ``because``. waives: likewise what is not proved, and stands on somebody's word.
    """

    findings: tuple[Mapping[str, str], ...] = ()
    given_up: tuple[Mapping[str, str], ...] = ()
    waives: tuple[Mapping[str, str], ...] = ()


def prove(bundle: Bundle, *, base: Bundle | None, today: date) -> Proved:
    """Prove each invariant of a bundle.

    base: what is in force, below which some promise never to go.
    :raises BundleUnproved: one is refuted, or unproved and not waived; or one of the base's is given up without a word.
    :raises BundleRefused: one is none.
    """
    if not bundle.invariants and (base is None or not base.invariants):
        return Proved()
    # Z3 takes a third of a second to load, and what answers requests never proves anything.
    from tiergate.policy.proving import verify  # noqa: PLC0415

    try:
        report = verify(bundle, today=today, base=base, within_s=WITHIN_S)
    except policy.BundleRefused as refused:
        raise BundleRefused("An invariant of the bundle is none.", refused.errors) from refused
    if not report.is_accepted:
        errors = [
            PolicyError(
                file=one.invariant.about.file,
                line=one.invariant.about.line,
                column=1,
                message=f"{one.invariant.about.id}{_whose(one.is_of_base)} is {one.outcome.value}: {one.reason}",
            )
            for one in report.findings
            if not one.is_accepted
        ]
        raise BundleUnproved(_UNPROVED, [*errors, *_without_a_word(report.given_up)])
    findings = tuple(
        {
            "invariant": f"{one.invariant.about.id}{_whose(one.is_of_base)}",
            "outcome": one.outcome.value,
            "reason": one.reason,
        }
        for one in report.findings
    )
    waives = tuple(
        word_of(f"{one.invariant.id}{_whose(one.is_of_base)}", one.waiver) for one in report.findings if one.waiver
    )
    return Proved(findings=findings, given_up=_told(report.given_up), waives=waives)


def check_given_up(bundle: Bundle, *, base: Bundle | None, today: date) -> tuple[Mapping[str, str], ...]:
    """Tell what a bundle gives up of what another promises, as in `Proved`; nothing is proved.

    :raises BundleUnproved: something, and nobody says so in it. :raises BundleRefused: an invariant is none.
    """
    found = given_up_by(bundle, base=base, today=today)
    errors = list(_without_a_word(found))
    if errors:
        raise BundleUnproved(_UNPROVED, errors)
    return _told(found)


def given_up_by(bundle: Bundle, *, base: Bundle | None, today: date) -> "tuple[GivenUp, ...]":
    """Find what a bundle gives up of what another promises, said or not.

    :raises BundleRefused: an invariant is none.
    """
    if base is None or not base.invariants:
        return ()
    from tiergate.policy import proving  # noqa: PLC0415 - as above

    try:
        return proving.given_up_by(bundle, base, today=today)
    except policy.BundleRefused as refused:
        raise BundleRefused("An invariant of the bundle is none.", refused.errors) from refused


def waivers_of(bundle: Bundle, *, today: date) -> tuple[Mapping[str, str], ...]:
    """Tell which promises of a bundle may go unproved by somebody's word that is not over, as in `Proved`.

    :raises BundleRefused: an invariant is none.
    """
    if not waives(bundle):
        return ()
    from tiergate.policy import proving  # noqa: PLC0415 - as above

    try:
        found = proving.read_invariants(bundle)
    except policy.BundleRefused as refused:
        raise BundleRefused("An invariant of the bundle is none.", refused.errors) from refused
    return tuple(word_of(one.id, one.waiver) for one in found if one.waiver and one.waiver.until >= today)


def compares(*bundles: Bundle) -> bool:
    """Say whether some promise of these bundles is about what was in force before."""
    return any("never_lowered" in one.members for bundle in bundles for one in bundle.invariants)


def waives(bundle: Bundle) -> bool:
    """Say whether something that is not proved of a bundle stands on somebody's word, which ends."""
    return any("waiver" in one.members for one in bundle.invariants)


def word_of(promise: str, word: "Waiver") -> Mapping[str, str]:
    """Tell somebody's word about a promise: ``promise``, ``owner``, ``until``, ``because``."""
    return {"promise": promise, "owner": word.owner, "until": word.until.isoformat(), "because": word.because}


def _without_a_word(given_up: "Iterable[GivenUp]") -> Iterable[PolicyError]:
    for one in given_up:
        if not one.is_accepted:
            about = one.promise.about
            message = f"{about.id} (of the bundle in force) is given up: {one.reason}"
            yield PolicyError(file=about.file, line=about.line, column=1, message=message)


def _told(given_up: "Iterable[GivenUp]") -> tuple[Mapping[str, str], ...]:
    return tuple(word_of(one.promise.id, one.word) for one in given_up if one.word is not None)


def _whose(is_of_base: bool) -> str:  # noqa: FBT001 - what a finding says of itself
    return " (of the bundle in force)" if is_of_base else ""
