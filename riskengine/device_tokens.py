"""The mark that a device keeps, by which it is known again: signed, so that nobody makes one up.

``tgd1.`` and, in URL-safe base64, 16 random bytes, the day the first of them was issued on, and the voucher of the installation's key
ring: `isolation.api.vouched` names the key, and others of the ring still check what they signed. It says nothing of a
person, a tenant or the device itself. Whoever steals it has it: it makes what a device does likely, and proves nothing.
"""

import base64
import binascii
import os
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from msgspec import Struct

from isolation.api import SecretUnreadable, check_vouched, key_ids, ring_state, vouched

LIVES: Final = timedelta(days=400)
"""As long as browsers keep any cookie (RFC 6265bis, section 5.5)."""

_PREFIX: Final = "tgd1."
_PURPOSE: Final = "device"
_ID_BYTES: Final = 16
_DAY_BYTES: Final = 2  # days of the Unix epoch: to the year 2149
_SAID_BYTES: Final = _ID_BYTES + _DAY_BYTES
_FIRST_DAY: Final = date(1970, 1, 1)
# 18 bytes, and a voucher of a key whose id has 1 to 32 characters.
_SHAPE: Final = re.compile(r"tgd1\.[A-Za-z0-9_-]{70,111}")
LONGEST: Final = len(_PREFIX) + 111
"""Characters of a token."""
_REMEMBERED: Final = 8192


class Device(Struct, frozen=True, kw_only=True):
    """A device whose token was checked.

    id: 32 hexadecimal digits, chosen at random. issued_on: the day by UTC on which its first token was.
    key_id: the key that signed.
    """

    id: str
    issued_on: date
    key_id: str


class _Known(Struct, frozen=True, kw_only=True):
    """A token that was found good under a ring, from one instant until another."""

    device: Device
    begins: datetime
    ends: datetime
    ring: object


# Good ones alone: what is made up costs whoever checks it, and nobody else a place.
_known: dict[str, _Known] = {}


def new_device_token(*, at: datetime) -> str:
    """Make a token for a device that has none."""
    return _signed(os.urandom(_ID_BYTES), at.astimezone(UTC).date())


def read_device_token(token: object, *, at: datetime) -> Device | None:
    """Check a token, whatever it is that was sent as one.

    None for what is none: another shape, a signature that is wrong or of a key that is gone from the ring, a token
    that is too old or of a day to come. It is no error: nobody is refused for a device that is not known.
    """
    if not isinstance(token, str) or len(token) > LONGEST:
        return None
    known = _known.get(token)
    if known is None or known.ring is not ring_state():
        device = _checked(token)
        if device is None:
            return None
        issued_at = datetime.combine(device.issued_on, time(), UTC)
        # A host whose clock is ahead may have issued it.
        begins, ends = issued_at - timedelta(days=1), issued_at + LIVES + timedelta(days=1)
        known = _Known(device=device, begins=begins, ends=ends, ring=ring_state())
        if len(_known) >= _REMEMBERED:
            _known.clear()
        _known[token] = known
    return known.device if known.begins <= at < known.ends else None


def _checked(token: str) -> Device | None:
    if not _SHAPE.fullmatch(token):
        return None
    try:
        sent = base64.b64decode(token[len(_PREFIX) :] + "==", altchars=b"-_")
        said, voucher = sent[:_SAID_BYTES], sent[_SAID_BYTES:]
        if not check_vouched(_PREFIX.encode() + said, voucher, purpose=_PURPOSE):
            return None
    except (binascii.Error, SecretUnreadable):
        return None
    issued_on = _FIRST_DAY + timedelta(days=int.from_bytes(said[_ID_BYTES:]))
    return Device(id=said[:_ID_BYTES].hex(), issued_on=issued_on, key_id=voucher[1 : 1 + voucher[0]].decode("ascii"))


def renewed_device_token(device: Device) -> str | None:
    """Make a token of a device by the newest key, where its own is of another; else None.

    INVARIANT: it ends when its own would. A token names nobody, so whoever holds a copy could show it where they prove who they are
    themselves, and would have it grow as old as they like.
    """
    if device.key_id == key_ids()[0]:
        return None
    return _signed(bytes.fromhex(device.id), device.issued_on)


def good_device_token(token: object, *, at: datetime) -> str:
    """Return what was sent as a token, or a new one where it is none that is good."""
    if isinstance(token, str) and read_device_token(token, at=at) is not None:
        return token
    return new_device_token(at=at)


def kept_device_token(token: str, *, at: datetime) -> str:
    """Return what a device is to keep from now on: the same token, or one by a newer key where that is due."""
    device = read_device_token(token, at=at)
    return token if device is None else renewed_device_token(device) or token


def _signed(device_id: bytes, issued_on: date) -> str:
    said = device_id + (issued_on - _FIRST_DAY).days.to_bytes(_DAY_BYTES)
    voucher = vouched(_PREFIX.encode() + said, purpose=_PURPOSE)
    return _PREFIX + base64.urlsafe_b64encode(said + voucher).decode().rstrip("=")
