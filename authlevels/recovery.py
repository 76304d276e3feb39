"""Recovery codes: what a person keeps on paper for the day on which a factor is lost.

A code is no factor. It is shown to no challenge and lifts no session: with a fresh password it lets that session enrol
one app in the place of the lost one, which leads no higher than a password does until the tenant's cool-down is over.
"""

import hmac
import os
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import audit.api
from authlevels.attempts import charge, give_back
from authlevels.errors import NothingToRecover, RecoveryNotGranted, WrongCode
from authlevels.factors import FRESH_FOR_FACTORS, Factor, let_go, record_factor, require_held_level
from authlevels.models import PasskeyDevice, RecoveryCode, RecoveryCodes, RecoveryGrant, TotpDevice, User
from authlevels.notices import NoticeKind, notify
from authlevels.policy import limit_for
from authlevels.principals import Session
from authlevels.totp import place_of
from authlevels.totp_enrolment import Enrolment, begin, confirm
from isolation.api import seal, tenant_transaction, unseal
from tiergate import OWN_ISSUER, Action, Level, Requirement, SessionFacts, SessionState, Target, satisfied_until

COUNT: Final = 10
GRANT_LIVES: Final = timedelta(minutes=15)
_CODE_BYTES: Final = 10
_PEPPER_BYTES: Final = 32
_PURPOSE: Final = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryGranted:
    """What a used code leaves: until then, this session may begin and confirm one replacement."""

    expires_at: datetime
    codes_left: int


def create_recovery_codes(*, session: Session, facts: SessionFacts, at: datetime) -> tuple[str, ...]:
    """Make a person's list of ten codes and return them, this once; an earlier list is dead from now on.

    With it goes what its codes left, in whatever session.

    :raises HeldLevelNeeded: the session does not hold the highest level that the person can reach.
    :raises NothingToRecover: the person has nothing but a password, in whose place no code stands.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    codes = tuple(_shown(b32encode(os.urandom(_CODE_BYTES)).decode()) for _ in range(COUNT))
    pepper = secrets.token_bytes(_PEPPER_BYTES)
    with tenant_transaction(session.tenant_id):
        user = User.objects.select_for_update().get(id=session.user_id)
        if not _has_other(user):
            raise NothingToRecover("Add an authenticator app or a passkey first.")
        old = RecoveryCodes.objects.filter(user=user).first()
        if old is not None:
            let_go(session, old, why="replaced", at=at)
        row = RecoveryCodes(user=user, name="Recovery codes", confirmed=True, created_at=at)
        row.pepper_sealed = seal(pepper, purpose=_PURPOSE, bound_to=place_of(row))
        row.save()
        RecoveryCode.objects.bulk_create([RecoveryCode(codes=row, digest=_digest(pepper, code)) for code in codes])
        record_factor(audit.api.Kind.FACTOR_ADDED, session, row, {}, at=at)
    return codes


def use_recovery_code(*, session: Session, facts: SessionFacts, code: str, at: datetime) -> RecoveryGranted:
    """Use a code up, once; commits before it answers or raises.

    :raises RecoveryNotGranted: the session's password is not fresh.
    :raises WrongCode: it is none of the person's unused codes.
    :raises Throttled: too many wrong ones, over whatever sessions.
    """
    require_fresh_password(facts, at=at)
    with tenant_transaction(session.tenant_id):
        person = User.objects.get(id=session.user_id)
        limit = limit_for(person, tenant_id=session.tenant_id)
    bucket = f"recovery:{session.user_id}"
    left = charge(bucket=bucket, limit=limit, at=at)
    granted = None
    with tenant_transaction(session.tenant_id, durable=True):
        user = User.objects.select_for_update().get(id=session.user_id)
        row = RecoveryCodes.objects.filter(user=user).first()
        if row is not None and _use(row, code, at=at):
            granted = RecoveryGrant.objects.create(
                tenant_id=session.tenant_id,
                session_id=session.id,
                of_list=row.handle,
                created_at=at,
                expires_at=at + GRANT_LIVES,
            )
            unused = RecoveryCode.objects.filter(codes=row, used_at__isnull=True).count()
            give_back(bucket=bucket, at=at)
            notify(tenant_id=session.tenant_id, user=user, kind=NoticeKind.RECOVERY_USED, at=at)
            _record(audit.api.Kind.RECOVERY_USED, session, {"codes_left": unused}, at=at)
        else:
            _record(audit.api.Kind.FACTOR_FAILED, session, {"why": "wrong", "attempts_left": left}, at=at)
    if granted is None:
        raise WrongCode("This is none of your unused recovery codes.", attempts_left=left)
    return RecoveryGranted(expires_at=granted.expires_at, codes_left=unused)


def find_recovery_grant(*, session: Session, at: datetime) -> RecoveryGranted | None:
    """Find what a recovery code left this session that is not spent yet; None where there is nothing."""
    with tenant_transaction(session.tenant_id):
        grant = _grants(session, at=at).order_by("-expires_at").first()
        if grant is None:
            return None
        unused = RecoveryCode.objects.filter(codes__handle=grant.of_list, used_at__isnull=True).count()
    return RecoveryGranted(expires_at=grant.expires_at, codes_left=unused)


def begin_replacement(
    *, session: Session, facts: SessionFacts, at: datetime, name: str = "Authenticator app", algorithm: str = "SHA1"
) -> Enrolment:
    """Begin to enrol an app in the place of the person's lost one.

    :raises RecoveryNotGranted: this session used no code in the last fifteen minutes, or its password is not fresh.
    """
    require_fresh_password(facts, at=at)
    with tenant_transaction(session.tenant_id):
        require_grant(session, at=at)
        apps = TotpDevice.objects.filter(user_id=session.user_id, confirmed=True)
        lost = apps.order_by("disabled_at").last() if not (live := apps.filter(disabled_at=None).first()) else live
    replaces = str(lost.handle) if lost else ""
    return begin(session=session, at=at, name=name, algorithm=algorithm, replaces=replaces, by="")


def confirm_replacement(*, session: Session, facts: SessionFacts, code: str, at: datetime) -> Factor:
    """Confirm the replacement with a first code; the lost app goes, and what the recovery code left is used up.

    :raises RecoveryNotGranted: as for beginning it.
    :raises FactorNotFound: none was begun in the last fifteen minutes.
    :raises WrongCode: nor does any code but a right one confirm it.
    """
    require_fresh_password(facts, at=at)

    with tenant_transaction(session.tenant_id):
        require_grant(session, at=at)
    return confirm(
        session=session, ceiling=Level.AAL1.value, code=code, by="", at=at, spend=partial(spend_grant, session, at=at)
    )


def _grants(session: Session, *, at: datetime):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a queryset
    # Of a list that is gone, nothing is left: not in another tenant either, whose rows are not seen here.
    return RecoveryGrant.objects.filter(
        tenant_id=session.tenant_id,
        session_id=session.id,
        of_list__in=list(RecoveryCodes.objects.filter(user_id=session.user_id).values_list("handle", flat=True)),
        used_at__isnull=True,
        expires_at__gt=at,
    )


def spend_grant(session: Session, *, at: datetime) -> None:
    """Use up what a recovery code left this session, in the transaction of what it was for.

    :raises RecoveryNotGranted: nothing of it is left.
    """
    if not _grants(session, at=at).update(used_at=at):
        raise RecoveryNotGranted("Show a recovery code first.")


def require_grant(session: Session, *, at: datetime) -> None:
    """Refuse a session that used no recovery code in the last fifteen minutes, or has spent what that left."""
    if not _grants(session, at=at).exists():
        raise RecoveryNotGranted("Show a recovery code first.")


def require_fresh_password(facts: SessionFacts, *, at: datetime) -> None:
    """Refuse a session without a fresh password of ours: one channel never counts twice, so a code brings no proof."""
    typed = [proof for proof in facts.proofs if proof.method == "pwd" and proof.issuer == OWN_ISSUER]
    fresh = satisfied_until(
        Requirement(level=Level.AAL1, max_age=FRESH_FOR_FACTORS),
        typed,
        target=Target(action=Action.FACTORS_RECOVER, resource="", binding=""),
        activity=facts.activity,
        at=at,
    )
    if facts.state != SessionState.LIVE or fresh is None:
        raise RecoveryNotGranted("Sign in with your password again first.")


def _has_other(user: User) -> bool:
    return any(table.objects.filter(user=user, confirmed=True).exists() for table in (TotpDevice, PasskeyDevice))


def _use(row: RecoveryCodes, code: str, *, at: datetime) -> bool:
    pepper = unseal(bytes(row.pepper_sealed), purpose=_PURPOSE, bound_to=place_of(row))
    unused = RecoveryCode.objects.filter(codes=row, digest=_digest(pepper, code), used_at__isnull=True)
    return bool(unused.update(used_at=at))


def _digest(pepper: bytes, code: str) -> bytes:
    plain = "".join(one for one in code.upper() if one.isascii() and one.isalnum())
    return hmac.new(pepper, plain.encode(), "sha256").digest()


def _shown(text: str) -> str:
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _record(kind: audit.api.Kind, session: Session, told: dict[str, object], *, at: datetime) -> None:
    audit.api.append(
        tenant_id=session.tenant_id,
        kind=kind,
        at=at,
        subject=session.subject,
        session_id=session.id,
        payload={"factor": "recovery_codes", **told, "by": ":".join(session.subject)},
    )
