"""Factors that the operator gives to people: known beforehand, so that they count in full at once."""

from base64 import b32decode
from binascii import Error as Base32Error
from datetime import datetime
from typing import Final
from uuid import UUID

import audit.api
import licensing.api
from authlevels.models import TotpDevice, User
from authlevels.totp import open_secret, seal_secret

_MIN_SECRET_BYTES: Final = 14


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
        personal={"id": str(device.handle), "name": device.name},
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
