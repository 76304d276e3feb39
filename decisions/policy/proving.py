"""Hold a bundle to what it promises, beside the bundle that it would follow."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from msgspec import Struct

from decisions.policy.errors import BundleRefused, BundleUnproved
from tiergate import policy
from tiergate.policy import Bundle, PolicyError

WITHIN_S: Final = 20.0
"""For all promises of a bundle: somebody waits for the answer, and a process of the server with them."""


class Proved(Struct, frozen=True, kw_only=True):
    """What became of a bundle's promises.

    findings: of each, and of what the bundle in force promised never to lower: ``invariant``, ``outcome``, ``reason``.
    given_up: what the bundle in force promises, and this one does not.
    """

    findings: tuple[Mapping[str, str], ...] = ()
    given_up: tuple[str, ...] = ()


def prove(bundle: Bundle, *, base: Bundle | None, today: date) -> Proved:
    """Prove each invariant of a bundle.

    base: what is in force, below which some promise never to go.
    :raises BundleUnproved: one is refuted, or unproved and not waived.
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
        raise BundleUnproved("The bundle does not keep what it promises, or it cannot be proved.", errors)
    findings = tuple(
        {
            "invariant": f"{one.invariant.about.id}{_whose(one.is_of_base)}",
            "outcome": one.outcome.value,
            "reason": one.reason,
        }
        for one in report.findings
    )
    return Proved(findings=findings, given_up=tuple(one.about.id for one in report.given_up))


def compares(*bundles: Bundle) -> bool:
    """Say whether some promise of these bundles is about what was in force before."""
    return any("never_lowered" in one.members for bundle in bundles for one in bundle.invariants)


def waives(bundle: Bundle) -> bool:
    """Say whether something that is not proved of a bundle stands on somebody's word, which ends."""
    return any("waiver" in one.members for one in bundle.invariants)


def _whose(is_of_base: bool) -> str:  # noqa: FBT001 - what a finding says of itself
    return " (of the bundle in force)" if is_of_base else ""
