"""What people can show: listed, added, confirmed, removed."""

import os
from base64 import b32decode
from binascii import Error as Base32Error
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import segno
from django_otp import verify_token
from msgspec import structs

import audit.api
import licensing.api
from authlevels.attempt_errors import refuse
from authlevels.authenticators import KnownApp, app_authenticator, known_passkey, passkey_authenticator
from authlevels.ending import EndedBecause, end_elevations_resting_on
from authlevels.errors import FactorAlreadyEnrolled, FactorNotFound, HeldLevelNeeded
from authlevels.models import PasskeyDevice, TotpDevice, User
from authlevels.principals import Session
from authlevels.totp import (
    SECRET_BYTES,
    PresentedCode,
    open_secret,
    otpauth_uri,
    seal_secret,
    secret_text,
)
from isolation.api import tenant_transaction
from tiergate import (
    Action,
    Level,
    ProofScope,
    Requirement,
    SessionFacts,
    SessionState,
    Target,
    reachable_level,
    satisfied_until,
)

FRESH_FOR_FACTORS: Final = 15 * 60
"""Seconds since the newest proof within which factors may be changed."""

ENROLMENT_LIVES: Final = timedelta(minutes=15)
_MIN_SECRET_BYTES: Final = 14

type _Device = TotpDevice | PasskeyDevice

_TABLES: Final[dict[str, type[TotpDevice] | type[PasskeyDevice]]] = {"totp": TotpDevice, "passkey": PasskeyDevice}
_ISSUER: Final = "Tiergate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Something that a person has enrolled; never its secret."""

    id: str
    kind: str
    name: str
    created_at: datetime
    is_usable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A begun enrolment: what the authenticator app needs, shown this once.

    qr_svg: an SVG document. secret: base32 for typing.
    """

    id: str
    otpauth_uri: str
    secret: str
    qr_svg: str


def list_factors(*, user_id: UUID) -> list[Factor]:
    """Return a person's confirmed factors, oldest first; the password is the first of them."""
    user = User.objects.get(id=user_id)
    found = [
        Factor(
            id=str(device.handle),
            kind=kind,
            name=device.name,
            created_at=device.created_at,
            is_usable=device.disabled_at is None,
        )
        for kind, table in _TABLES.items()
        for device in table.objects.filter(user=user, confirmed=True)
    ]
    found.sort(key=lambda one: one.created_at)
    if user.has_usable_password():
        password = Factor(
            id="password",
            kind="password",
            name="Password",
            created_at=user.created_at,
            is_usable=True,
        )
        found.insert(0, password)
    return found


def begin_totp_enrolment(
    *, session: Session, facts: SessionFacts, at: datetime, name: str = "Authenticator app", by: str = ""
) -> Enrolment:
    """Make an unconfirmed device and return what the app needs; an earlier unconfirmed one is dropped.

    facts: the session as it is now; it must hold the highest level that the person can reach.
    by: the service that passes it on; empty where the person does it.
    :raises HeldLevelNeeded: it does not, or its newest proof is too old.
    :raises FactorAlreadyEnrolled: the person has an app; it must be removed first.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    secret = os.urandom(SECRET_BYTES)
    with tenant_transaction(session.tenant_id):
        user = User.objects.select_for_update().get(id=session.user_id)
        _refuse_second(user)
        TotpDevice.objects.filter(user=user, confirmed=False).delete()
        device = TotpDevice(user=user, name=name, confirmed=False, created_at=at)
        seal_secret(device, secret)
        device.save()
        _record(audit.api.Kind.FACTOR_BEGUN, session, device, {}, by=by, at=at)
    uri = otpauth_uri(device, secret, label=user.email or user.subject_id, issuer=_ISSUER)
    return Enrolment(
        id=str(device.handle),
        otpauth_uri=uri,
        secret=secret_text(secret),
        qr_svg=segno.make(uri, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff"),
    )


def confirm_totp_enrolment(*, session: Session, facts: SessionFacts, code: str, at: datetime, by: str = "") -> Factor:
    """Confirm a begun enrolment with a first code, which is thereby used.

    by: as for beginning it.
    :raises HeldLevelNeeded: as for beginning it.
    :raises FactorNotFound: none was begun in the last fifteen minutes.
    :raises WrongCode: nor does any code but a right one confirm it.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    shown = PresentedCode(code=code, at=at, enrolling=True)
    with tenant_transaction(session.tenant_id, durable=True):
        user = User.objects.select_for_update().get(id=session.user_id)
        _refuse_second(user)
        device = TotpDevice.objects.filter(user=user, confirmed=False, created_at__gt=at - ENROLMENT_LIVES).first()
        if device is None:
            raise FactorNotFound("No enrolment has been begun, or it has expired.")
        accepted = verify_token(user, device.persistent_id, shown)
        if accepted is not None:
            accepted.confirmed, accepted.confirmed_at = True, at
            accepted.save(update_fields=["confirmed", "confirmed_at"])
            _record(audit.api.Kind.FACTOR_ADDED, session, accepted, {}, by=by, at=at)
            licensing.api.publish("person", str(session.user_id))
        else:
            told = {"why": shown.verdict.value, "attempts_left": shown.attempts_left}
            _record(audit.api.Kind.FACTOR_FAILED, session, device, told, by=by, at=at)
    if accepted is None:
        refuse(shown)
    return next(one for one in list_factors(user_id=user.id) if one.id == str(device.handle))


def remove_factor(*, session: Session, facts: SessionFacts, factor_id: str, at: datetime) -> None:
    """Remove a factor of the session's person; every proof that it gave counts no further.

    :raises HeldLevelNeeded: the session does not hold the highest level that the person can reach.
    :raises FactorNotFound: the person has no such removable factor.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    try:
        handle = UUID(factor_id)
    except ValueError:
        raise FactorNotFound("There is no such factor that could be removed.") from None
    with tenant_transaction(session.tenant_id):
        user = User.objects.select_for_update().get(id=session.user_id)
        found = (table.objects.filter(user=user, handle=handle, confirmed=True).first() for table in _TABLES.values())
        device = next((one for one in found if one is not None), None)
        if device is None:
            raise FactorNotFound("There is no such factor that could be removed.")
        _record(audit.api.Kind.FACTOR_REMOVED, session, device, {}, at=at)
        end_elevations_resting_on(
            tenant_id=session.tenant_id,
            authenticator=f"{_kind_of(device)}:{device.handle}",
            why=EndedBecause.FACTOR_REMOVED,
            by=":".join(session.subject),
            at=at,
        )
        device.delete()
        licensing.api.publish("person", str(session.user_id))


def require_held_level(facts: SessionFacts, *, user_id: UUID, at: datetime) -> None:
    """Refuse unless the session freshly holds the highest level that its person's factors reach.

    A factor that too many wrong codes disabled counts as if it could still be shown: else whoever has the
    password alone would wear it out, and enrol their own in its place. So does a passkey of which there are two.
    :raises HeldLevelNeeded: says which level.
    """
    disabled = {"user_id": user_id, "confirmed": True, "disabled_at__isnull": False}
    held_once = [
        *facts.enrolled,
        *(app_authenticator(KnownApp(one.handle), at=at) for one in TotpDevice.objects.filter(**disabled)),
        *(passkey_authenticator(known_passkey(one), at=at) for one in PasskeyDevice.objects.filter(**disabled)),
    ]
    level = max(Level.AAL1, reachable_level(held_once, at=at))
    # A proof given for changing factors counts here however narrow its scope was.
    proofs = [
        structs.replace(proof, scope=ProofScope(until=proof.scope.until))
        if proof.scope.action == Action.FACTORS_MANAGE
        else proof
        for proof in facts.proofs
    ]
    held = satisfied_until(
        Requirement(level=level, max_age=FRESH_FOR_FACTORS),
        proofs,
        target=Target(action=Action.FACTORS_MANAGE, resource="", binding=""),
        activity=facts.activity,
        at=at,
    )
    if facts.state != SessionState.LIVE or held is None:
        raise HeldLevelNeeded(
            "Changing factors needs a fresh proof at the highest level that you hold.",
            level=level.value,
            max_age=FRESH_FOR_FACTORS,
        )


def put_totp_secret(user: User, secret_base32: str, *, by: str, at: datetime) -> bool:
    """Make a secret the person's confirmed one and say whether that changed anything.

    For provisioning by the operator, within a transaction of the tenant whose trail tells of the person; the same
    secret again changes nothing, its used steps least.
    :raises ValueError: no base32 text of at least 112 bits.
    """
    secret = decode_secret(secret_base32)
    device = TotpDevice.objects.filter(user=user, confirmed=True, disabled_at__isnull=True).first()
    if device is not None:
        if open_secret(device) == secret:
            return False
        _record_provisioning(audit.api.Kind.FACTOR_REMOVED, user, device, by=by, at=at)
        device.delete()
    device = TotpDevice(user=user, name="Authenticator app", confirmed=True, created_at=at, confirmed_at=at)
    seal_secret(device, secret)
    device.save()
    _record_provisioning(audit.api.Kind.FACTOR_ADDED, user, device, by=by, at=at)
    return True


def trail_of(user: User) -> UUID:
    """Say whose trail tells what happens to a person: their tenant's; the vendor's for the own sign-in's."""
    return user.realm or licensing.api.VENDOR_TENANT_ID


def _record_provisioning(kind: audit.api.Kind, user: User, device: TotpDevice, *, by: str, at: datetime) -> None:
    audit.api.append(
        tenant_id=trail_of(user),
        kind=kind,
        at=at,
        subject=(user.subject_type, user.subject_id),
        payload={"factor": "totp", "by": by},
        personal=_which(device),
    )


def decode_secret(secret_base32: str) -> bytes:
    """Return the bytes of a base32 secret.

    :raises ValueError: no base32 text of at least 112 bits (NIST SP 800-63B-4 §3.1.4.1).
    """
    text = secret_base32.replace(" ", "").rstrip("=").upper()
    try:
        secret = b32decode(text + "=" * (-len(text) % 8))
    except (Base32Error, ValueError) as error:
        raise ValueError("A TOTP secret is base32 text.") from error
    if len(secret) < _MIN_SECRET_BYTES:
        raise ValueError("A TOTP secret has at least 112 bits.")
    return secret


def _refuse_second(user: User) -> None:
    if TotpDevice.objects.filter(user=user, confirmed=True, disabled_at__isnull=True).exists():
        raise FactorAlreadyEnrolled("Remove the present authenticator app first.")


def _record(
    kind: audit.api.Kind, session: Session, device: _Device, told: dict[str, Any], *, by: str = "", at: datetime
) -> None:
    audit.api.append(
        tenant_id=session.tenant_id,
        kind=kind,
        at=at,
        subject=session.subject,
        session_id=session.id,
        payload={"factor": _kind_of(device), **told, "by": by or ":".join(session.subject)},
        personal=_which(device),
    )


def _kind_of(device: _Device) -> str:
    return next(kind for kind, table in _TABLES.items() if isinstance(device, table))


def _which(device: _Device) -> dict[str, Any]:
    """Tell which one it was, which is the person's own to tell: the row of it may outlive them in a tenant's trail."""
    return {"id": str(device.handle), "name": device.name}
