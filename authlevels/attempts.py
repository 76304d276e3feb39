"""Counting attempts so that no new challenge, session, channel or rollback sets the count back.

An attempt is charged before it is judged, in a transaction of its own, and given back when it was
right. So a crash, a rollback and a hundred parallel guesses all leave the count as it should be.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from authlevels.errors import Throttled


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLimit:
    """How many attempts, after which pause.

    window: None counts failures in a row; otherwise the count starts again after the window.
    """

    attempts: int
    pause: timedelta
    window: timedelta | None = None


ACCOUNT_LIMIT = AttemptLimit(attempts=10, pause=timedelta(minutes=30))
"""PCI DSS 8.3.4: at most ten in a row, then at least thirty minutes."""

NETWORK_LIMIT = AttemptLimit(attempts=100, pause=timedelta(minutes=10), window=timedelta(minutes=10))
"""For guesses spread over many accounts. A right one does not clear it."""

CODE_LIMIT = AttemptLimit(attempts=10, pause=timedelta(minutes=30), window=timedelta(days=1))
"""For codes that somebody types for others too. A right one does not clear it: whoever guesses has codes of their own
to begin anew with. So it is no count in a row, and begins anew by the day."""

_CHARGE = """
INSERT INTO authlevels_attempt_counter AS counter (bucket, failures, window_started_at, locked_until)
VALUES (%(bucket)s, 1, %(at)s, CASE WHEN 1 >= %(limit)s THEN %(until)s::timestamptz END)
ON CONFLICT (bucket) DO UPDATE SET
    failures = CASE
        WHEN counter.locked_until IS NOT NULL OR counter.window_started_at <= %(stale)s THEN 1
        ELSE counter.failures + 1 END,
    window_started_at = CASE
        WHEN counter.locked_until IS NOT NULL OR counter.window_started_at <= %(stale)s THEN %(at)s
        ELSE counter.window_started_at END,
    locked_until = CASE
        WHEN (CASE
            WHEN counter.locked_until IS NOT NULL OR counter.window_started_at <= %(stale)s THEN 1
            ELSE counter.failures + 1 END) >= %(limit)s THEN %(until)s::timestamptz END
WHERE counter.locked_until IS NULL OR counter.locked_until <= %(at)s
RETURNING counter.failures
"""


def charge(*, bucket: str, limit: AttemptLimit, at: datetime) -> int:
    """Spend one attempt of a bucket and return how many are left before the pause.

    :raises Throttled: none is left; says after how many seconds there will be.
    """
    stale = at - limit.window if limit.window else datetime.min.replace(tzinfo=at.tzinfo)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            _CHARGE,
            {
                "bucket": bucket,
                "at": at,
                "limit": limit.attempts,
                "until": at + limit.pause,
                "stale": stale,
            },
        )
        row = cursor.fetchone()
        if row is None:
            cursor.execute("SELECT locked_until FROM authlevels_attempt_counter WHERE bucket = %s", [bucket])
            locked = cursor.fetchone()
    if row is None:
        seconds = (locked[0] - at).total_seconds() if locked and locked[0] else 1.0
        raise Throttled("Too many attempts. Wait before you try again.", retry_after=max(1, int(seconds) + 1))
    return max(0, limit.attempts - int(row[0]))


def refund(*, bucket: str, limit: AttemptLimit, at: datetime) -> None:
    """Give one attempt of a bucket back; what others spent of it stays spent."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE authlevels_attempt_counter SET failures = greatest(failures - 1, 0), locked_until ="
            " CASE WHEN failures > %s THEN locked_until END WHERE bucket = %s AND window_started_at > %s",
            [limit.attempts, bucket, at - (limit.window or timedelta(days=1))],
        )


def forget_counts(*, at: datetime) -> int:
    """Delete counts of networks, of names that nobody has, of typed codes, unlockings and bundles, whose windows are over.

    What somebody's factor or password counts stays: a pause of the guesser sets nothing back.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM authlevels_attempt_counter WHERE bucket ~ '^(network|nobody|unlock|user_code|bundles|signals)[:/]' AND"
            " window_started_at < %s AND (locked_until IS NULL OR locked_until < %s)",
            [at - timedelta(days=2), at],
        )
        return int(cursor.rowcount)


def give_back(*, bucket: str, at: datetime) -> None:
    """Set a bucket back after a right attempt."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE authlevels_attempt_counter SET failures = 0, locked_until = NULL,"
            " window_started_at = %s WHERE bucket = %s",
            [at, bucket],
        )
