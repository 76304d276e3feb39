"""What a product tells of how people look outside our decisions, and what is said afterwards of whose a session was."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

import audit.api
from authlevels.attempts import AttemptLimit, charge
from authlevels.errors import SessionNotFound, VerbMissing
from authlevels.looks import seen_in
from authlevels.models import SessionRow
from authlevels.models.people import ACCOUNT
from authlevels.principals import Credential, Session
from authlevels.public_ids import parse_session_handle, session_handle
from authlevels.risk import assess
from authlevels.session_facts import see_session
from authlevels.sessions import end_session
from authlevels.sign_in import is_active_member
from isolation.api import keyed_digests, tenant_transaction
from riskengine import api as riskengine
from tiergate import Level, Verb, held_level

MOST_AT_ONCE: Final = 100
MOST_AGO: Final = timedelta(hours=1)
LIMIT: Final = AttemptLimit(attempts=600, pause=timedelta(minutes=1), window=timedelta(minutes=1))
"""Requests of one credential for one tenant."""

_NAMES: Final = uuid5(NAMESPACE_URL, "urn:tiergate:signals")
_TRUST_OF_WORD: Final = 0.25


class Event(StrEnum):
    """What a product may tell."""

    SEEN = "seen"
    SIGN_IN_FAILED = "sign_in_failed"
    STEP_UP_FAILED = "step_up_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that a product tells. id: its own name for it; the same one again is the same thing. session: ``ses_…``."""

    id: str
    event: Event
    subject: tuple[str, str]
    told: riskengine.Told
    session: str | None = None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of what was told.

    ignored: of people or sessions that the tenant does not have, or of a tenant without the engine, or that only looks on where the
    engine failed.
    """

    taken: int
    ignored: int


def tell_signals(*, tenant_id: UUID, credential: Credential, said: list[Said], at: datetime) -> Taken:
    """Take what a product tells, each thing once.

    :raises VerbMissing: the credential may not tell of people in this tenant.
    :raises Throttled: it tells too often.
    """
    if not credential.reaches(tenant_id) or Verb.RISK_SIGNAL not in credential.verbs:
        raise VerbMissing("This credential may not tell of people in this tenant.")
    charge(bucket=f"signals:{tenant_id}:{credential.id}", limit=LIMIT, at=at)
    mode = riskengine.get_policy(tenant_id=tenant_id).mode
    if mode == riskengine.Mode.OFF:
        return Taken(taken=0, ignored=len(said))
    taken = sum(_tell_one(tenant_id, mode, credential, one, at=at) for one in said)
    return Taken(taken=taken, ignored=len(said) - taken)


def _tell_one(tenant_id: UUID, mode: riskengine.Mode, credential: Credential, one: Said, *, at: datetime) -> bool:
    """Take one thing, and say whether it was of anybody here, and is kept.

    :raises riskengine.RiskUnavailable: the engine could not say how it looked, where the tenant acts on what it says.
    """
    if one.subject[0] in {ACCOUNT, riskengine.NOBODY}:
        # Of our own sign-in nobody else tells, and nobody is no one's name.
        return False
    with tenant_transaction(tenant_id):
        is_member = is_active_member(tenant_id, *one.subject)
        session_id = _session_of(tenant_id, one)
        if (one.session is not None and session_id is None) or (one.event == Event.SEEN and not is_member):
            return False
        if one.event == Event.SEEN:
            seen, assessment = assess(
                tenant_id, mode, one.subject, one.told, session_id=session_id, at=one.at, told_at=at
            )
        else:
            seen, assessment = seen_in(tenant_id, one.told, at=one.at), riskengine.NOT_ASSESSED
        # How a session looks is learned from its first sight already.
        is_learned = one.event == Event.SEEN and session_id is None and seen != riskengine.NOTHING_SEEN
        # A name that nobody has may be anything that was typed.
        digest = keyed_digests("trail/name", ":".join(one.subject))[0].hex()[:16]
        with riskengine.LookingOn(mode, "signal"):
            riskengine.record_signal(
                tenant_id=tenant_id,
                subject=one.subject if is_member else (riskengine.NOBODY, digest),
                session_id=session_id,
                kind=riskengine.Kind.TOLD if one.event == Event.SEEN else one.event.value,
                seen=seen,
                trust=_trust_in(assessment) if is_learned else 0.0,
                ip=one.told.ip,
                assessment=assessment,
                signal_id=uuid5(_NAMES, f"{tenant_id} {credential.id} {one.id}"),
                at=one.at,
            )
            return True
    return False


def _trust_in(assessment: riskengine.Assessment) -> float:
    has_history = all(one.code != riskengine.FIRST_TIME for one in assessment.reasons)
    return riskengine.trust_of(band=assessment.band, has_history=has_history)


def _session_of(tenant_id: UUID, one: Said) -> UUID | None:
    """Find the session that is named: it must be the person's own, and nobody else may act in it."""
    session_id = None if one.session is None else parse_session_handle(one.session)
    if session_id is None:
        return None
    row = SessionRow.objects.select_related("user").filter(tenant_id=tenant_id, id=session_id).first()
    if row is None or (row.subject_type, row.subject_id) != one.subject:
        return None
    return session_id if row.kind == SessionRow.Kind.ASSERTED and not row.is_over(one.at) else None


def say_whose(
    *,
    tenant_id: UUID,
    handle: str,
    is_mine: bool,
    session: Session | None = None,
    credential: Credential | None = None,
    at: datetime,
) -> None:
    """Note that a person says that a session was theirs, or was not, which ends it; again changes nothing.

    Who looks risky themselves, and has not confirmed, teaches nothing by it and takes nothing back.

    handle: ``ses_…``. Exactly one of session, the person's own, and credential is the caller. A product passes on the word of people
    whom it vouches for.
    :raises SessionNotFound: the person has no such session; likewise ``riskengine.LookNotFound`` where nobody told how it looked.
    """
    session_id = parse_session_handle(handle)
    with tenant_transaction(tenant_id):
        row = None
        if session_id is not None:
            # First, as whoever erases does: nobody waits for somebody who waits for them.
            row = SessionRow.objects.select_for_update().filter(tenant_id=tenant_id, id=session_id).first()
        if row is None or not _may_speak_of(row, session, credential):
            raise SessionNotFound("There is no such session.")
        by = f"credential:{credential.name}" if credential else f"{row.subject_type}:{row.subject_id}"
        subject, trust = (row.subject_type, row.subject_id), _trust_in_word(session, tenant_id, at=at)
        if not is_mine and not trust:
            # It is signed out, as anybody may; but of what is usual for somebody nobody takes away who looks risky themselves.
            end_session(tenant_id=tenant_id, session_id=row.id, by=by, at=at)
            return
        band = riskengine.confirm_session(
            tenant_id=tenant_id,
            subject=subject,
            session_id=row.id,
            is_mine=is_mine,
            trust=trust,
            at=at,
        )
        if band is None:
            return
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.RISK_CONFIRMED if is_mine else audit.api.Kind.RISK_DISOWNED,
            at=at,
            subject=subject,
            session_id=row.id,
            payload={"session": session_handle(row.id), "band": band, "by": by},
        )
        if not is_mine:
            end_session(tenant_id=tenant_id, session_id=row.id, by=by, at=at)


def _may_speak_of(row: SessionRow, session: Session | None, credential: Credential | None) -> bool:
    if session is not None:
        return (row.tenant_id, row.subject_type, row.subject_id) == (session.tenant_id, *session.subject)
    return (
        credential is not None
        and credential.reaches(row.tenant_id)
        and Verb.RISK_FEEDBACK in credential.verbs
        and row.kind == SessionRow.Kind.ASSERTED
    )


def _trust_in_word(session: Session | None, tenant_id: UUID, *, at: datetime) -> float:
    """Say how much somebody's word teaches: as a second factor does, of whoever has just shown one.

    INVARIANT: who looks risky themselves, and has not confirmed, vouches for nothing, least of all for their own session, and denies nothing.
    """
    if session is None:
        return _TRUST_OF_WORD
    seen = see_session(tenant_id=tenant_id, session=session.id, subject=session.subject, at=at)
    if held_level(seen.facts.proofs, activity=seen.facts.activity, at=at) > Level.AAL1:
        return 2 * _TRUST_OF_WORD
    return 0.0 if riskengine.rank(seen.risk_band) > 0 else _TRUST_OF_WORD
