"""Enrolling an authenticator app: begun with a secret that is shown once, confirmed with a first code of it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import segno
from django_otp import verify_token

import audit.api
import licensing.api
from authlevels.attempt_errors import refuse
from authlevels.errors import FactorAlreadyEnrolled, FactorNotFound
from authlevels.factors import (
    Factor,
    ceiling_of_new,
    let_go,
    list_factors,
    parse_factor_id,
    record_factor,
    require_held_level,
)
from authlevels.models import TotpDevice, User
from authlevels.policy import limit_for
from authlevels.principals import Session
from authlevels.totp import SECRET_BYTES, PresentedCode, otpauth_uri, seal_secret, secret_text
from isolation.api import tenant_transaction
from tiergate import SessionFacts

ENROLMENT_LIVES: Final = timedelta(minutes=15)
_ISSUER: Final = "Tiergate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A begun enrolment: what the authenticator app needs, shown this once.

    qr_svg: an SVG document. secret: base32 for typing.
    """

    id: str
    otpauth_uri: str
    secret: str
    qr_svg: str


def begin_totp_enrolment(
    *,
    session: Session,
    facts: SessionFacts,
    at: datetime,
    name: str = "Authenticator app",
    algorithm: str = "SHA1",
    replaces: str = "",
    by: str = "",
) -> Enrolment:
    """Make an unconfirmed device and return what the app needs; an earlier unconfirmed one is dropped.

    facts: the session as it is now; it must hold the highest level that the person can reach.
    algorithm: ``SHA1``, which every app knows, or ``SHA256`` (RFC 6238 §1.2).
    replaces: the id of the app that goes when this one is confirmed, and not before.
    by: the service that passes it on; empty where the person does it.
    :raises HeldLevelNeeded: it does not, or its newest proof is too old.
    :raises FactorAlreadyEnrolled: the person has another app than the one that goes.
    :raises FactorNotFound: what is to be replaced is no app of the person.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    return begin(session=session, at=at, name=name, algorithm=algorithm, replaces=replaces, by=by)


def confirm_totp_enrolment(*, session: Session, facts: SessionFacts, code: str, at: datetime, by: str = "") -> Factor:
    """Confirm a begun enrolment with a first code, which is thereby used.

    Until the tenant's cool-down is over, the app leads no higher than this session does.

    by: as for beginning it.
    :raises HeldLevelNeeded: as for beginning it.
    :raises FactorNotFound: none was begun in the last fifteen minutes.
    :raises WrongCode: nor does any code but a right one confirm it.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    return confirm(session=session, ceiling=ceiling_of_new(facts, at=at).value, code=code, by=by, at=at)


def begin(*, session: Session, at: datetime, name: str, algorithm: str, replaces: str, by: str) -> Enrolment:
    """Begin an enrolment for a session that may; who calls has made sure of that."""
    secret = os.urandom(SECRET_BYTES)
    with tenant_transaction(session.tenant_id):
        user = User.objects.select_for_update().get(id=session.user_id)
        old = _replaced(user, parse_factor_id(replaces)) if replaces else None
        _refuse_second(user, but=old)
        TotpDevice.objects.filter(user=user, confirmed=False).delete()
        device = TotpDevice(
            user=user,
            name=name,
            confirmed=False,
            created_at=at,
            algorithm=TotpDevice.Algorithm(algorithm),
            replaces=old.handle if old else None,
        )
        seal_secret(device, secret)
        device.save()
        record_factor(audit.api.Kind.FACTOR_BEGUN, session, device, {}, by=by, at=at)
    uri = otpauth_uri(device, secret, label=user.email or user.subject_id, issuer=_ISSUER)
    return Enrolment(
        id=str(device.handle),
        otpauth_uri=uri,
        secret=secret_text(secret),
        qr_svg=segno.make(uri, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff"),
    )


def confirm(
    *, session: Session, ceiling: str, code: str, at: datetime, by: str, spend: Callable[[], None] | None = None
) -> Factor:
    """Confirm an enrolment for a session that may; what it replaces goes in the same transaction.

    spend: uses up what lets the session, in that transaction; it raises where nothing does any more.
    """
    shown = PresentedCode(code=code, at=at, enrolling=True)
    with tenant_transaction(session.tenant_id, durable=True):
        user = User.objects.select_for_update().get(id=session.user_id)
        shown.limit = limit_for(user, tenant_id=session.tenant_id)
        device = TotpDevice.objects.filter(user=user, confirmed=False, created_at__gt=at - ENROLMENT_LIVES).first()
        if device is None:
            raise FactorNotFound("No enrolment has been begun, or it has expired.")
        old = _replaced(user, device.replaces) if device.replaces else None
        _refuse_second(user, but=old)
        accepted = verify_token(user, device.persistent_id, shown)
        if accepted is not None:
            if spend is not None:
                spend()
            told = {}
            if old is not None:
                let_go(session, old, why="replaced", by=by, at=at)
                told["replaces"] = True
            accepted.confirmed, accepted.confirmed_at, accepted.ceiling = True, at, ceiling
            accepted.save(update_fields=["confirmed", "confirmed_at", "ceiling"])
            record_factor(audit.api.Kind.FACTOR_ADDED, session, accepted, told, by=by, at=at)
            licensing.api.publish("person", str(session.user_id))
        else:
            why = {"why": shown.verdict.value, "attempts_left": shown.attempts_left}
            record_factor(audit.api.Kind.FACTOR_FAILED, session, device, why, by=by, at=at)
    if accepted is None:
        refuse(shown)
    return next(one for one in list_factors(user_id=user.id) if one.id == str(accepted.handle))


def _replaced(user: User, handle: UUID) -> TotpDevice:
    device: TotpDevice | None = TotpDevice.objects.filter(user=user, handle=handle, confirmed=True).first()
    if device is None:
        raise FactorNotFound("There is no such app that could be replaced.")
    return device


def _refuse_second(user: User, *, but: TotpDevice | None) -> None:
    live = TotpDevice.objects.filter(user=user, confirmed=True, disabled_at__isnull=True)
    if live.exclude(id=but.id if but else None).exists():
        raise FactorAlreadyEnrolled("Remove or replace the present authenticator app.")
