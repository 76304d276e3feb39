"""How risky a request looks, and what comes of that for its decision.

What the engine knows wins over what the product says. What it cannot say is not known, and no request is answered that it was to
be asked about: an error is never a low risk.
"""

from datetime import datetime
from math import exp
from typing import Any, Final
from uuid import UUID

import structlog
from msgspec.structs import replace

from authlevels import api as authlevels
from decisions.errors import FactsUnavailable
from decisions.frames import Frame
from decisions.looked import NOT_LOOKED, Looked, Recorded, find_look, keep_look
from decisions.people import Person
from decisions.question import Question
from licensing import api as licensing
from riskengine import api as riskengine
from tiergate import (
    OWN_PREFIX,
    Action,
    ActionSpec,
    CallerKind,
    Contribution,
    Entitlement,
    Forbid,
    Level,
    Sensitivity,
    SessionFacts,
    SessionState,
    is_everybodys,
)

log = structlog.get_logger(__name__)

# Everybody's right that changes who is believed from now on: asked no more, since who lost a factor could never mend it, but a
# request that is blocked goes no further here either.
_CLOSED_TO_THE_BLOCKED: Final = frozenset(
    {
        Action.FACTORS_MANAGE,
        Action.FACTORS_RECOVER,
        Action.TOKEN_ISSUE,
        Action.APPROVAL_GRANT,
        Action.RISK_FEEDBACK,
    }
)
_BEFORE: Final = "the session looked so before, and its person has not confirmed since"
# Not one that another browser shows: whoever copied its token has it.
_KNOWN_DEVICE: Final = frozenset({"usual_device", "rare_device", "usual_device_browser", "rare_device_browser"})
_MOST_CODES: Final = 5
_FAR: Final = 50.0


def look(
    question: Question,
    frame: Frame,
    person: Person,
    action: ActionSpec | None,
    entitlement: Entitlement | None,
    *,
    at: datetime,
    is_noted: bool = True,
) -> Looked:
    """Have the engine say how risky a request looks, and price that by the tenant's table.

    Nothing comes of it for a service, a stranger, a session that is over, and what support does: they have no usual looks.
    is_noted: False where nobody asks in earnest.
    :raises FactsUnavailable: the engine could not say, where the tenant acts on what it says.
    """
    session = person.session
    if (
        session is None
        or action is None
        or question.tenant_id is None
        or question.caller != CallerKind.PERSON
        or session.state != SessionState.LIVE
        or session.is_impersonated
    ):
        return NOT_LOOKED
    policy = riskengine.policy_at(tenant_id=question.tenant_id, version=frame.versions.snapshot)
    is_quiet = person.risk_band == "unknown"
    if policy.mode == riskengine.Mode.OFF or (is_quiet and question.context.told.is_nothing):
        return NOT_LOOKED
    found = find_look(question, frame, person, policy, at=at)
    if found is not None:
        return found
    seen = riskengine.seen_of(question.context.told, zone=frame.zone, at=at)
    if is_quiet and seen == riskengine.NOTHING_SEEN:
        return NOT_LOOKED
    answered = _answered(question, question.tenant_id, person, policy, seen, at=at, is_noted=is_noted)
    if answered is None:
        return NOT_LOOKED
    if is_noted and policy.mode == riskengine.Mode.ENFORCE and _is_news(answered.assessment, session):
        # Whoever remembers the session as it was is told; of the others each sees it within a second.
        licensing.publish("session", session.handle)
    looked = _priced(answered.assessment, seen, person, policy, action, entitlement)
    keep_look(looked, answered, question, frame, person, policy, at=at)
    return looked


def _answered(
    question: Question,
    tenant_id: UUID,
    person: Person,
    policy: riskengine.RiskPolicy,
    seen: riskengine.Seen,
    *,
    at: datetime,
    is_noted: bool,
) -> riskengine.Answered | None:
    """Have the engine assess a look; None where it cannot, and only looks on."""
    try:
        # Who only looks on changes no answer, not even by failing.
        with riskengine.LookingOn(policy.mode, "decision"):
            return riskengine.answered(
                tenant_id=tenant_id,
                subject=(question.subject.type, question.subject.id),
                session_id=authlevels.parse_session_handle(question.context.session or ""),
                seen=seen,
                at=at,
                told_at=at,
                least_version=person.risk_version,
                is_noted=is_noted,
            )
    except Exception as error:
        log.warning(
            "risk_unknown", error=type(error).__name__, exc_info=not isinstance(error, riskengine.RiskUnavailable)
        )
        raise FactsUnavailable("How risky this looks cannot be told just now; ask again.", retry_after=1) from error
    return None


def _is_news(assessment: riskengine.Assessment, session: SessionFacts) -> bool:
    raised_at, known = assessment.raised_at, session.activity.riskier_since
    return raised_at is not None and (known is None or known < raised_at)


def _priced(
    assessment: riskengine.Assessment,
    seen: riskengine.Seen,
    person: Person,
    policy: riskengine.RiskPolicy,
    action: ActionSpec,
    entitlement: Entitlement | None,
) -> Looked:
    # INVARIANT: a request that leaves out how it looks is no less risky than its session was seen to be.
    is_below = riskengine.rank(assessment.band) < riskengine.rank(person.risk_band)
    # What blocks is one look that is both critical and hardly errs: of a band that is remembered something can be shown.
    effective = replace(assessment, band=person.risk_band, hard=()) if is_below else assessment
    priced = riskengine.price(
        effective, _sensitivity(action, entitlement), policy.table, because=_BEFORE if is_below else ""
    )
    contribution, forbid = _left_open(action, priced)
    told = Recorded(
        mode=policy.mode,
        band=effective.band,
        score=effective.score,
        codes=tuple(one.code for one in effective.reasons[:_MOST_CODES] if one.weight > 0),
        requirement=None if contribution is None else contribution.requirement,
        is_blocked=forbid is not None,
    )
    is_worth_telling = told.is_blocked or told.requirement is not None or riskengine.rank(told.band) > 0
    if policy.mode == riskengine.Mode.OBSERVE:
        return Looked(told=told if is_worth_telling else None)
    return Looked(
        contributions=() if contribution is None else (contribution,),
        forbids=() if forbid is None else (forbid,),
        known=_known(effective, seen),
        riskier_since=effective.raised_at,
        told=told if is_worth_telling else None,
        seen=seen,
    )


def _left_open(action: ActionSpec, priced: riskengine.Priced) -> tuple[Contribution | None, Forbid | None]:
    """Ask nothing of what is everybody's right, and close of it only what changes who is believed."""
    if not is_everybodys(action):
        return priced.contribution, priced.forbid
    return None, priced.forbid if action.name in _CLOSED_TO_THE_BLOCKED else None


def _sensitivity(action: ActionSpec, entitlement: Entitlement | None) -> Sensitivity:
    """Say how sensitive an action is: what needs a feature that nobody knows is as sensitive as can be."""
    if action.feature is not None:
        is_known = entitlement is not None and entitlement.feature == action.feature
        return entitlement.sensitivity if is_known and entitlement is not None else Sensitivity.REGULATED
    # Of Tiergate's own, what asks for more than being signed in changes who may do what.
    is_weighty = action.name.startswith(OWN_PREFIX) and (
        action.requirement is not None and action.requirement.level > Level.AAL1
    )
    return Sensitivity.PREMIUM if is_weighty else Sensitivity.STANDARD


def _known(assessment: riskengine.Assessment, seen: riskengine.Seen) -> dict[str, Any]:
    """Tell what rules may read; a member that the engine knows nothing of is left to the product's word."""
    known: dict[str, Any] = {"risk_band": assessment.band, "risk_score": _from_nought_to_one(assessment.score)}
    if seen.country is not None:
        known["country"] = seen.country
    if seen.network_class is not None and seen.network_class != "unknown":
        known["network_class"] = seen.network_class
    if seen.device is not None:
        known["is_known_device"] = any(one.code in _KNOWN_DEVICE for one in assessment.reasons)
    return known


def _from_nought_to_one(score: float | None) -> float | None:
    """Write log-odds as the odds' probability."""
    if score is None:
        return None
    return round(1.0 / (1.0 + exp(-max(-_FAR, min(_FAR, score)))), 4)
