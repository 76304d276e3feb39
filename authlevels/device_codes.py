"""Codes for programs: shown where something waits, typed where its person is (RFC 8628)."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import audit.api
from authlevels.approvals import check_granter
from authlevels.attempts import CODE_LIMIT, AttemptLimit, charge, refund
from authlevels.challenge_refusal import refuse_challenge
from authlevels.challenges import Presenter, facts_of, is_answerable
from authlevels.errors import (
    ApprovalNotFound,
    ApprovalNotYours,
    ChallengeClosed,
    ChallengeNotFound,
    CodeUnknown,
    SessionNotFound,
)
from authlevels.models import Approval, Challenge, DeviceCode, SessionRow
from authlevels.network_attempts import counted_attempt
from authlevels.principals import Session
from authlevels.prompts import check_prompts
from authlevels.public_ids import approval_ref, challenge_ref, parse_approval_ref, parse_challenge_ref
from authlevels.sessions import get_session
from isolation.api import keyed_digests, tenant_transaction

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Twenty consonants: no code is a word, and none has a letter that reads as a digit (RFC 8628 section 6.1)."""
LENGTH: Final = 8
INTERVAL: Final = 5

_FIRST, _LAST = 10, 99
_CHOICES: Final = 3
NUMBER_LIMIT: Final = AttemptLimit(attempts=3, pause=timedelta(hours=1), window=timedelta(hours=1))
"""One of three is soon guessed. Whoever began asks for a new code after a wrong number, so the codes of one person count together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A code, shown this once. number: what the program shows beside it. interval: seconds between two polls."""

    user_code: str
    number: int
    interval: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What a typed code is of.

    kind: ``challenge`` or ``approval``. ref: its public id. numbers: of which the program shows one.
    asked_by: who wants it. began_by: their account, or of a service the approval. ip, user_agent, began_at: of the session that began; "" where none is known.
    """

    kind: str
    ref: str
    numbers: tuple[int, ...]
    display: dict[str, Any]
    asked_by: str
    began_by: UUID
    ip: str
    user_agent: str
    began_at: datetime


def issue_code(*, ref: str, at: datetime) -> IssuedCode | None:
    """Make the code of a challenge or an approval that is open, in place of the one before; None where none is waited for.

    ref: ``chl_…`` of a session of our own sign-in, or ``apr_…``; the caller has opened it.
    :raises Throttled: too much of this person's waits elsewhere already.
    """
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    numbers = secrets.SystemRandom().sample(range(_FIRST, _LAST + 1), _CHOICES)
    found = parse_challenge_ref(ref) or parse_approval_ref(ref)
    if found is None:
        return None
    tenant_id, thing_id = found
    with tenant_transaction(tenant_id):
        of: dict[str, UUID] = {"challenge_id": thing_id}
        thing: Challenge | Approval | None = Challenge.objects.filter(tenant_id=tenant_id, id=thing_id).first()
        if parse_challenge_ref(ref) is None:
            of = {"approval_id": thing_id}
            thing = Approval.objects.filter(tenant_id=tenant_id, id=thing_id).first()
        if thing is None or thing.closed_at is not None or thing.refused_at is not None or thing.expires_at <= at:
            return None
        before = DeviceCode.objects.select_for_update().filter(tenant_id=tenant_id, **of).first()
        if before is None and isinstance(thing, Challenge):
            check_prompts(tenant_id=tenant_id, subject=(thing.subject_type, thing.subject_id), at=at)
        row = before or DeviceCode(
            tenant_id=tenant_id,
            **of,
            subject_type=thing.subject_type,
            subject_id=thing.subject_id,
            interval=INTERVAL,
            created_at=at,
        )
        row.digest, row.number, row.numbers = _digests(code)[0], secrets.choice(numbers), numbers
        row.expires_at, row.activated_by, row.denied_at = thing.expires_at, None, None
        row.save()
    return IssuedCode(
        user_code=f"{code[:4]}-{code[4:]}", number=row.number, interval=row.interval, expires_at=row.expires_at
    )


def find_activation(*, session: Session, code: str, network: str, at: datetime) -> Activation:
    """Find what a typed code is of, for somebody who may answer it; attempts are counted.

    session: of the person who types, never the one that waits. A challenge is answered by the same person in another
    session, an approval by somebody who may agree to it.
    :raises CodeUnknown: there is no such code for this person.
    :raises Throttled: too many wrong ones, of this person or from this network.
    """
    bucket = f"user_code:{session.user_id}"
    with counted_attempt(network, at=at, what="user_code"):
        charge(bucket=bucket, limit=CODE_LIMIT, at=at)
        with tenant_transaction(session.tenant_id):
            row = _typed(session, code, at=at)
            found = _activation(row, session, at=at) if row is not None else None
            if found is not None:
                refund(bucket=bucket, limit=CODE_LIMIT, at=at)
        if found is None:
            with tenant_transaction(session.tenant_id, durable=True):
                _record(audit.api.Kind.CODE_FAILED, session, {}, at=at)
            raise CodeUnknown("There is no such code for you, or it is too old.")
    return found


def choose_number(*, session: Session, code: str, number: int, network: str, at: datetime) -> Activation:
    """Take the number that the person says the program shows: the right one opens it to them, another ends it.

    Wrong ones are counted for whoever began it, over all the codes that they are given.

    :raises CodeUnknown: there is no such code for this person, or the number was another: then it is refused.
    :raises Throttled: as for `find_activation`, or too many wrong numbers for who began it.
    """
    found = find_activation(session=session, code=code, network=network, at=at)
    bucket = f"user_code/number:{found.began_by}"
    charge(bucket=bucket, limit=NUMBER_LIMIT, at=at)
    with tenant_transaction(session.tenant_id, durable=True):
        row = _typed(session, code, at=at, is_locked=True)
        is_right = row is not None and number == row.number
        if row is None or is_right:
            # Of one that was pressed twice, or answered in another tab, no number was judged.
            refund(bucket=bucket, limit=NUMBER_LIMIT, at=at)
        if row is not None:
            row.activated_by, row.denied_at = (session.id, None) if is_right else (None, at)
            row.save(update_fields=["activated_by", "denied_at"])
            kind = audit.api.Kind.CODE_ACTIVATED if is_right else audit.api.Kind.CODE_DENIED
            _record(kind, session, {found.kind: found.ref}, at=at)
        began = _challenge_of(row) if row is not None else None
    if row is None:
        raise CodeUnknown("There is no such code for you, or it is too old.")
    if is_right:
        return found
    if began is not None:
        # A session that ended meanwhile, and a challenge that closed, leave nothing to refuse.
        with suppress(SessionNotFound, ChallengeNotFound, ChallengeClosed):
            waiting = get_session(tenant_id=began.tenant_id, session_id=began.session_id, at=at)
            refuse_challenge(ref=found.ref, presenter=Presenter(session=waiting), at=at)
    raise CodeUnknown("That is not what the program shows. Nothing was confirmed; begin there again.")


def _typed(session: Session, code: str, *, at: datetime, is_locked: bool = False) -> DeviceCode | None:
    plain = "".join(letter for letter in code.upper() if letter in ALPHABET)
    if len(plain) != LENGTH:
        return None
    rows = DeviceCode.objects.select_for_update() if is_locked else DeviceCode.objects.all()
    return rows.filter(
        tenant_id=session.tenant_id,
        digest__in=_digests(plain),
        activated_by__isnull=True,
        denied_at__isnull=True,
        expires_at__gt=at,
    ).first()


def _activation(row: DeviceCode, session: Session, *, at: datetime) -> Activation | None:
    is_impersonated = SessionRow.objects.filter(tenant_id=row.tenant_id, id=session.id).exclude(impersonator="")
    if is_impersonated.exists():
        return None
    challenge = _challenge_of(row)
    if challenge is not None:
        is_theirs = (challenge.subject_type, challenge.subject_id) == session.subject and session.is_own
        is_other = challenge.session_id != session.id
        if is_theirs and is_other and is_answerable(challenge, facts_of(challenge, at=at), at=at):
            return _told("challenge", challenge_ref(row.tenant_id, challenge.id), row, challenge)
        return None
    return _of_approval(row, session, at=at)


def _of_approval(row: DeviceCode, session: Session, *, at: datetime) -> Activation | None:
    found = Approval.objects.filter(tenant_id=row.tenant_id, id=row.approval_id or row.id).first()
    try:
        approval = check_granter(found, session)
    except (ApprovalNotFound, ApprovalNotYours):
        return None
    if approval.refused_at is not None or approval.closed_at is not None or approval.expires_at <= at:
        return None
    return _told("approval", approval_ref(row.tenant_id, approval.id), row, approval)


def _challenge_of(row: DeviceCode) -> Challenge | None:
    if row.challenge_id is None:
        return None
    return Challenge.objects.filter(tenant_id=row.tenant_id, id=row.challenge_id).first()


def _told(kind: str, ref: str, row: DeviceCode, thing: Challenge | Approval) -> Activation:
    began = (
        SessionRow.objects.filter(tenant_id=row.tenant_id, id=thing.session_id).first() if thing.session_id else None
    )
    return Activation(
        kind=kind,
        ref=ref,
        numbers=tuple(row.numbers),
        display=thing.display,
        asked_by=f"{thing.subject_type}:{thing.subject_id}",
        began_by=began.user_id if began else thing.id,
        ip=(began.ip or "") if began else "",
        user_agent=began.user_agent if began else "",
        began_at=row.created_at,
    )


def _digests(code: str) -> list[bytes]:
    return keyed_digests("user_code", code)


def _record(kind: audit.api.Kind, session: Session, more: dict[str, str], *, at: datetime) -> None:
    audit.api.append(
        tenant_id=session.tenant_id,
        kind=kind,
        at=at,
        subject=session.subject,
        session_id=session.id,
        payload={"by": ":".join(session.subject), **more},
    )
