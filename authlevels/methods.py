"""Which of our methods a person can use for a challenge, and which authenticator each means."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from tiergate import OWN_ISSUER, Authenticator, Proof, Requirement, SessionFacts, Target, could_satisfy


class ChallengeMethod(StrEnum):
    """What ``verify`` takes."""

    TOTP = "totp"
    PASSWORD = "password"  # noqa: S105 (a method's name)
    PASSKEY = "passkey"


_BY_AMR = {
    "otp": ChallengeMethod.TOTP,
    "pwd": ChallengeMethod.PASSWORD,
    "hwk": ChallengeMethod.PASSKEY,
    "swk": ChallengeMethod.PASSKEY,
}


def usable_methods(
    *,
    requirement: Requirement,
    facts: SessionFacts,
    pending: Sequence[Proof],
    target: Target,
    at: datetime,
) -> dict[ChallengeMethod, tuple[Authenticator, ...]]:
    """Return the methods that bring something still missing, each with the authenticators that would do.

    pending: what was shown to this challenge already.
    """
    shown = {proof.authenticator for proof in pending}
    useful = could_satisfy(
        requirement,
        [*facts.proofs, *pending],
        facts.enrolled,
        target=target,
        activity=facts.activity,
        at=at,
    )
    found: dict[ChallengeMethod, tuple[Authenticator, ...]] = {}
    for one in useful:
        if one.issuer == OWN_ISSUER and one.method in _BY_AMR and one.authenticator not in shown:
            method = _BY_AMR[one.method]
            found[method] = (*found.get(method, ()), one)
    return found


def method_of(amr: str) -> ChallengeMethod | None:
    """Return the method that brings a proof of this RFC 8176 value; None for what is no method of ours."""
    return _BY_AMR.get(amr)
