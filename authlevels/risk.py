"""What signing in and confirming tell the risk engine, and what it says of a sign-in.

What is told is told within the transaction of what it tells of. A tenant that has switched the engine off is looked at by nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import structlog

from authlevels.errors import RiskBlocked
from authlevels.looks import seen_in
from authlevels.models import Challenge
from authlevels.recorded_decision import look_of_decision
from riskengine import api as riskengine
from tiergate import Activity, FactorKind, Level, Proof, Sensitivity, held_level

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How an attempt looked. mode: of the tenant. assessment: of the risk, where it was asked for."""

    mode: riskengine.Mode
    ip: str | None
    seen: riskengine.Seen = riskengine.NOTHING_SEEN
    assessment: riskengine.Assessment = riskengine.NOT_ASSESSED

    @property
    def is_off(self) -> bool:
        """Say whether nothing is to be told."""
        return self.mode == riskengine.Mode.OFF

    def members(self) -> dict[str, object]:
        """Write for the trail what was found, where it was more than usual."""
        if riskengine.rank(self.assessment.band) == 0:
            return {}
        codes = [one.code for one in self.assessment.reasons[:5] if one.weight > 0]
        return {"risk": {"band": self.assessment.band, "codes": codes}}


def assess(
    tenant_id: UUID,
    mode: riskengine.Mode,
    subject: tuple[str, str],
    told: riskengine.Told,
    *,
    session_id: UUID | None = None,
    at: datetime,
    told_at: datetime | None = None,
) -> tuple[riskengine.Seen, riskengine.Assessment]:
    """Read how something looked, and have the engine say how risky that is; where the tenant only looks on, nothing is no error.

    :raises riskengine.RiskUnavailable: the engine could not say, where the tenant acts on what it says.
    """
    what: Literal["sign_in", "signal"] = "sign_in" if told_at is None else "signal"
    seen = riskengine.NOTHING_SEEN
    try:
        with riskengine.LookingOn(mode, what):
            seen = seen_in(tenant_id, told, at=at)
            return seen, riskengine.assess(
                tenant_id=tenant_id, subject=subject, session_id=session_id, seen=seen, at=at, told_at=told_at
            )
    except riskengine.RiskUnavailable:
        raise
    except Exception as error:
        log.exception("risk_unknown", error=type(error).__name__)
        raise riskengine.RiskUnavailable("How risky this looks cannot be told just now.") from error
    return seen, riskengine.NOT_ASSESSED


def look_at(tenant_id: UUID, told: riskengine.Told, *, at: datetime) -> Look:
    """Read how an attempt looks, without asking how risky that is."""
    mode = riskengine.get_policy(tenant_id=tenant_id).mode
    if mode == riskengine.Mode.OFF:
        return Look(mode=mode, ip=None)
    return Look(mode=mode, ip=told.ip, seen=seen_in(tenant_id, told, at=at))


def look_at_sign_in(tenant_id: UUID, subject: tuple[str, str], told: riskengine.Told, *, at: datetime) -> Look:
    """Have the engine say how risky a sign-in looks that would otherwise be let in.

    :raises RiskBlocked: it is critical, and what hardly errs says so too.
    :raises riskengine.RiskUnavailable: the engine could not say, where the tenant acts on what it says.
    """
    policy = riskengine.get_policy(tenant_id=tenant_id)
    if policy.mode == riskengine.Mode.OFF:
        return Look(mode=policy.mode, ip=None)
    seen, assessment = assess(tenant_id, policy.mode, subject, told, at=at)
    look = Look(mode=policy.mode, ip=told.ip, seen=seen, assessment=assessment)
    priced = riskengine.price(assessment, Sensitivity.STANDARD, policy.table)
    if priced.forbid is not None and policy.mode == riskengine.Mode.ENFORCE:
        raise RiskBlocked("This does not look like the person.", look=look)
    return look


def look_at_answer(row: Challenge, told: riskengine.Told | None, *, at: datetime) -> Look:
    """Read how an answer to a challenge looks, within its tenant's transaction.

    told: of the browser that it came from. None where a service passes it on, or it counts for another browser: then it looks as the
    request did that was refused.
    """
    if told is not None:
        return look_at(row.tenant_id, told, at=at)
    mode = riskengine.get_policy(tenant_id=row.tenant_id).mode
    if mode == riskengine.Mode.OFF:
        return Look(mode=mode, ip=None)
    seen, assessment = look_of_decision(tenant_id=row.tenant_id, decision_id=row.decision_id)
    return Look(mode=mode, ip=None, seen=seen, assessment=assessment)


def tell_sign_in(
    tenant_id: UUID, subject: tuple[str, str], session_id: UUID, look: Look, proofs: Iterable[Proof], *, at: datetime
) -> UUID | None:
    """Tell of a sign-in that was let in, and give the signal's id; None where nobody tells how it looked."""
    if look.is_off or look.seen == riskengine.NOTHING_SEEN:
        return None
    with riskengine.LookingOn(look.mode, "sign_in"):
        riskengine.begin_session(
            tenant_id=tenant_id,
            subject=subject,
            session_id=session_id,
            seen=look.seen,
            assessment=look.assessment,
            at=at,
        )
        is_two_factors = held_level(list(proofs), activity=Activity(last_seen_at=at), at=at) > Level.AAL1
        trust = _trust_in(look, second_factor=is_two_factors)
        return _tell(riskengine.Kind.SIGN_IN, tenant_id, subject, session_id, look, trust=trust, at=at)
    return None


def tell_failed_sign_in(tenant_id: UUID, subject: tuple[str, str], look: Look, *, at: datetime) -> None:
    """Tell of one that was not; the person's failures count even where nobody tells how it looked."""
    if look.is_off:
        return
    with riskengine.LookingOn(look.mode, "sign_in"):
        _tell(riskengine.Kind.SIGN_IN_FAILED, tenant_id, subject, None, look, trust=0.0, at=at)


def tell_step_up(row: Challenge, look: Look, proofs: Iterable[Proof], *, teaches: bool, at: datetime) -> None:
    """Tell of a challenge that was passed and counts: what it looked like is the person's from now on, as far as they have shown.

    teaches: False where what was shown came from another browser than the one that it now counts for.
    """
    if look.is_off:
        return
    subject, kind = (row.subject_type, row.subject_id), riskengine.Kind.STEP_UP_PASSED
    second_factors = [one for one in proofs if _is_second_factor(one)]
    resistant = [one.at for one in second_factors if one.phishing_resistant is True]
    trust = 0.0
    if teaches and look.seen != riskengine.NOTHING_SEEN:
        trust = _trust_in(look, second_factor=bool(second_factors), phishing_resistant=bool(resistant))
    with riskengine.LookingOn(look.mode, "step_up"):
        if second_factors:
            riskengine.settle_session(
                tenant_id=row.tenant_id,
                session_id=row.session_id,
                seen=look.seen,
                confirmed_at=max(one.at for one in second_factors),
                phishing_resistant_at=max(resistant, default=None),
            )
        _tell(kind, row.tenant_id, subject, row.session_id, look, trust=trust, was_challenged=True, at=at)


def tell_failed_step_up(row: Challenge, look: Look, *, at: datetime) -> None:
    """Tell of a wrong answer to a challenge."""
    subject, kind = (row.subject_type, row.subject_id), riskengine.Kind.STEP_UP_FAILED
    if look.is_off:
        return
    with riskengine.LookingOn(look.mode, "step_up"):
        _tell(kind, row.tenant_id, subject, row.session_id, look, trust=0.0, was_challenged=True, at=at)


def _is_second_factor(proof: Proof) -> bool:
    """Say whether a proof says more of who is there than a password does.

    INVARIANT: a factor leads no higher here than at any door. One that is new, or came by a recovery code, is of whoever enrolled it.
    """
    is_capped = proof.ceiling is not None and proof.ceiling <= Level.AAL1
    return proof.factor_kind == FactorKind.POSSESSION and not is_capped


def _trust_in(look: Look, *, second_factor: bool, phishing_resistant: bool = False) -> float:
    assessment = look.assessment
    return riskengine.trust_of(
        band=assessment.band,
        has_history=all(one.code != riskengine.FIRST_TIME for one in assessment.reasons),
        second_factor=second_factor,
        phishing_resistant=phishing_resistant,
    )


def _tell(
    kind: riskengine.Kind,
    tenant_id: UUID,
    subject: tuple[str, str],
    session_id: UUID | None,
    look: Look,
    *,
    trust: float,
    was_challenged: bool = False,
    at: datetime,
) -> UUID:
    return riskengine.record_signal(
        tenant_id=tenant_id,
        subject=subject,
        session_id=session_id,
        kind=kind,
        seen=look.seen,
        trust=trust,
        ip=look.ip,
        assessment=look.assessment,
        was_challenged=was_challenged,
        at=at,
    )
