"""One-time codes of authenticator apps (RFC 6238), each accepted once."""

import hmac
import struct
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode
from uuid import UUID

import licensing.api
from isolation.api import seal, unseal
from isolation.clock import now

if TYPE_CHECKING:
    from authlevels.models import TotpDevice

TOLERANCE: Final = 1
"""Time steps by which a phone's clock may be off, either way (RFC 6238 §5.2)."""

SECRET_BYTES: Final = 20
"""160 bits, above the 112 that NIST SP 800-63B-4 §3.1.4.1 asks for."""

MAX_IN_A_ROW: Final = 10
PAUSE: Final = timedelta(minutes=30)
"""PCI DSS 8.3.4: ten wrong codes, then thirty minutes."""

DISABLE_AFTER: Final = 100
"""NIST SP 800-63B-4 §3.2.2: after a hundred in a row the factor must be bound anew."""


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
    enrolling: the one use to which an unconfirmed device can be put.
    has_disabled: the handle of the device, where this wrong code was the last that it takes.
    """

    code: str
    at: datetime
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
    shown.locked_until = locked_until(device)
    if shown.locked_until is not None and shown.at < shown.locked_until:
        shown.verdict = Verdict.LOCKED
        return False
    step = _matching_step(device, shown)
    if step is not None and step > device.last_step:
        device.last_step = step
        device.throttling_failure_count = 0
        device.throttling_failure_timestamp = None
        shown.verdict = Verdict.ACCEPTED
    else:
        device.throttling_failure_count += 1
        device.throttling_failure_timestamp = shown.at
        if device.throttling_failure_count >= DISABLE_AFTER:
            device.disabled_at, shown.has_disabled = shown.at, device.handle
            licensing.api.publish("person", str(device.user_id))
        shown.verdict = Verdict.WRONG if step is None else Verdict.ALREADY_USED
        shown.attempts_left = -device.throttling_failure_count % MAX_IN_A_ROW
        shown.locked_until = locked_until(device)
    device.save(
        update_fields=[
            "last_step",
            "throttling_failure_count",
            "throttling_failure_timestamp",
            "disabled_at",
        ]
    )
    return shown.verdict == Verdict.ACCEPTED


def locked_until(device: "TotpDevice") -> datetime | None:
    """Return when the pause after each ten wrong codes ends; None outside one."""
    count, last = device.throttling_failure_count, device.throttling_failure_timestamp
    if last is None or count == 0 or count % MAX_IN_A_ROW:
        return None
    ends: datetime = last + PAUSE
    return ends


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


def place_of(device: "TotpDevice") -> str:
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
