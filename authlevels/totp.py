"""One-time codes of authenticator apps (RFC 6238), each accepted once."""

import hmac
import struct
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from authlevels import throttling
from authlevels.attempts import ACCOUNT_LIMIT, AttemptLimit
from isolation.api import seal, unseal
from isolation.clock import now

if TYPE_CHECKING:
    from authlevels.models import RecoveryCodes, TotpDevice

TOLERANCE: Final = 1
"""Time steps by which a phone's clock may be off, either way (RFC 6238 §5.2)."""

SECRET_BYTES: Final = 20
"""160 bits, above the 112 that NIST SP 800-63B-4 §3.1.4.1 asks for."""


class Verdict(StrEnum):
    """What became of a code."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    ALREADY_USED = "already_used"
    LOCKED = "locked"
    UNUSABLE = "unusable"


@dataclass(slots=True, kw_only=True)
class PresentedCode:
    """A code with the instant at which it was shown; the verdict is written on it.

    django-otp's door hands it to the locked row untouched and returns only the device.
    limit: how many may be wrong in a row. enrolling: the one use to which an unconfirmed device can be put.
    has_disabled: the handle of the device, where this wrong code was the last that it takes.
    """

    code: str
    at: datetime
    limit: AttemptLimit = ACCOUNT_LIMIT
    enrolling: bool = False
    verdict: Verdict = Verdict.UNUSABLE
    attempts_left: int = 0
    locked_until: datetime | None = None
    has_disabled: UUID | None = None


def secret_text(secret: bytes) -> str:
    """Return a secret as authenticator apps take it: base32 without padding."""
    return b32encode(secret).decode().rstrip("=")


def code_at_step(secret: bytes, step: int, *, digits: int = 6, algorithm: str = "SHA1") -> str:
    """Return the code of a time step (RFC 4226 §5.3)."""
    mac = hmac.new(secret, struct.pack(">Q", step), algorithm.lower()).digest()
    offset = mac[-1] & 0x0F
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def verify_locked(device: "TotpDevice", token: object) -> bool:
    """Judge a code against a row that the caller has locked, and record the attempt on it.

    Only a code of a later step than the last accepted one is right, so none is accepted twice.
    """
    shown = token if isinstance(token, PresentedCode) else PresentedCode(code=str(token), at=now())
    if device.confirmed == shown.enrolling or device.disabled_at is not None:
        shown.verdict = Verdict.UNUSABLE
        return False
    if throttling.is_locked(device, at=shown.at):
        shown.verdict, shown.locked_until = Verdict.LOCKED, device.locked_until
        return False
    step = _matching_step(device, shown)
    if step is not None and step > device.last_step:
        device.last_step = step
        throttling.note_success(device)
        shown.verdict = Verdict.ACCEPTED
    else:
        if throttling.note_failure(device, limit=shown.limit, at=shown.at):
            shown.has_disabled = device.handle
        shown.verdict = Verdict.WRONG if step is None else Verdict.ALREADY_USED
        shown.attempts_left = throttling.attempts_left(device, limit=shown.limit)
        shown.locked_until = device.locked_until
    device.save(update_fields=["last_step", *throttling.COUNTED])
    return shown.verdict == Verdict.ACCEPTED


def seal_secret(device: "TotpDevice", secret: bytes) -> None:
    """Put a secret on a device, encrypted for this row of this person's realm."""
    device.secret_sealed = seal(secret, purpose="totp", bound_to=place_of(device))


def open_secret(device: "TotpDevice") -> bytes:
    """Return the device's secret in clear.

    :raises SecretUnreadable: its key is gone, or the row was tampered with.
    """
    return unseal(bytes(device.secret_sealed), purpose="totp", bound_to=place_of(device))


def otpauth_uri(device: "TotpDevice", secret: bytes, *, label: str, issuer: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    query = urlencode(
        {
            "secret": secret_text(secret),
            "issuer": issuer,
            "algorithm": device.algorithm,
            "digits": device.digits,
            "period": device.period,
        },
        quote_via=quote,
    )
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(label, safe='')}?{query}"


def place_of(device: "TotpDevice | RecoveryCodes") -> str:
    """Name what a device's secret is bound to: this row of this person's realm."""
    realm = device.user.realm
    return f"{realm.hex if realm else 'own'}/{device.user_id.hex}/{device.handle.hex}"


def _matching_step(device: "TotpDevice", shown: PresentedCode) -> int | None:
    code = shown.code.replace(" ", "")
    if len(code) != device.digits or not (code.isascii() and code.isdigit()):
        return None
    secret = open_secret(device)
    current = int(shown.at.timestamp()) // device.period
    # Every step is compared, so that the time taken tells nothing; the latest match counts.
    matches = [
        step
        for step in range(current - TOLERANCE, current + TOLERANCE + 1)
        if hmac.compare_digest(code_at_step(secret, step, digits=device.digits, algorithm=device.algorithm), code)
    ]
    return max(matches, default=None)
