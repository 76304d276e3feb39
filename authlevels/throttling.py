"""Counting wrong codes on a factor's own row, under its lock: over all challenges, sessions and channels.

Of a factor that is shown to several tenants, each asks for its own limit; a pause that one began holds in all, and
each tenth begins one wherever it is shown: else whoever goes from one to the other would meet the limit of neither.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Final

import licensing.api
from authlevels.attempts import ACCOUNT_LIMIT, AttemptLimit

if TYPE_CHECKING:
    from authlevels.models import PasskeyDevice, TotpDevice

DISABLE_AFTER: Final = 100
"""NIST SP 800-63B-4 §3.2.2: after a hundred in a row the factor must be bound anew."""

COUNTED: Final = ("throttling_failure_count", "throttling_failure_timestamp", "locked_until", "disabled_at")
"""The columns that the functions below change, for ``save(update_fields=…)``."""


def is_locked(device: "TotpDevice | PasskeyDevice", *, at: datetime) -> bool:
    """Say whether nothing is judged just now."""
    return device.locked_until is not None and at < device.locked_until


def note_refusal(device: "TotpDevice | PasskeyDevice", *, limit: AttemptLimit, at: datetime) -> None:
    """Count what cannot be guessed, and so never disables a factor; the caller holds the row's lock and saves."""
    device.throttling_failure_count += 1
    device.throttling_failure_timestamp = at
    if attempts_left(device, limit=limit) == 0:
        device.locked_until = at + limit.pause


def note_failure(device: "TotpDevice | PasskeyDevice", *, limit: AttemptLimit, at: datetime) -> bool:
    """Count what was wrong, and say whether that disabled the factor; the caller holds the row's lock and saves."""
    note_refusal(device, limit=limit, at=at)
    if device.throttling_failure_count < DISABLE_AFTER:
        return False
    device.disabled_at = at
    licensing.api.publish("person", str(device.user_id))
    return True


def note_success(device: "TotpDevice | PasskeyDevice") -> None:
    """Begin to count anew; the caller holds the row's lock and saves."""
    device.throttling_failure_count = 0
    device.throttling_failure_timestamp = device.locked_until = None


def attempts_left(device: "TotpDevice | PasskeyDevice", *, limit: AttemptLimit) -> int:
    """Say how many may be wrong before the next pause; none, where it has begun."""
    failures: int = device.throttling_failure_count
    left = -failures % limit.attempts
    return left if limit.attempts > ACCOUNT_LIMIT.attempts else min(left, -failures % ACCOUNT_LIMIT.attempts)
