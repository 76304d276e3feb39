"""What is not kept for ever: addresses, then signals, what sessions risked, and profiles of people who do not come any more."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import connections
from msgspec import Struct

from riskengine.erasing import REMEMBERED
from riskengine.profile import HALF_LIFE
from riskengine.turns import alone

SWEEP: Final = "sweep"
BATCH: Final = 5_000
SESSIONS_AFTER: Final = timedelta(days=90)
"""Longer than any session lives."""
PROFILES_AFTER: Final = 10 * HALF_LIFE
"""What was learned so long ago is worth a thousandth."""
RUNS_AFTER: Final = timedelta(days=90)

# Any number will do that nobody else uses.
_LOCK: Final = 0x7469657267657870

# INVARIANT: no signal is deleted that was not learned.
# What is due is found before: within an IN the planner may ask for it once a row, and then LIMIT bounds nothing.
_ADDRESSES: Final = """
    WITH due AS MATERIALIZED (
        SELECT id FROM riskengine_signal WHERE at < %s AND ip IS NOT NULL LIMIT %s FOR UPDATE SKIP LOCKED)
    UPDATE riskengine_signal SET ip = NULL FROM due WHERE riskengine_signal.id = due.id
"""
_SIGNALS: Final = """
    WITH due AS MATERIALIZED (
        SELECT id FROM riskengine_signal WHERE at < %s AND folded_at IS NOT NULL LIMIT %s FOR UPDATE SKIP LOCKED)
    DELETE FROM riskengine_signal USING due WHERE riskengine_signal.id = due.id
"""
_SESSIONS: Final = """
    WITH due AS MATERIALIZED (
        SELECT id FROM riskengine_session WHERE noted_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)
    DELETE FROM riskengine_session USING due WHERE riskengine_session.id = due.id
"""
_PROFILES: Final = """
    WITH due AS MATERIALIZED (
        SELECT id FROM riskengine_profile WHERE updated_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)
    DELETE FROM riskengine_profile USING due WHERE riskengine_profile.id = due.id
"""
_ERASURES: Final = """
    WITH due AS MATERIALIZED (
        SELECT id FROM riskengine_erasure WHERE erased_at < %s AND clearing IS NULL LIMIT %s FOR UPDATE SKIP LOCKED)
    DELETE FROM riskengine_erasure USING due WHERE riskengine_erasure.id = due.id
"""
_RUNS: Final = "DELETE FROM riskengine_run WHERE begun_at < %s AND ended_at IS NOT NULL"

_log = structlog.get_logger(__name__)


class Expired(Struct, frozen=True, kw_only=True):
    """How many rows a run let go. addresses: of signals that stay. erasures: of which it need not be known any more."""

    addresses: int = 0
    signals: int = 0
    sessions: int = 0
    profiles: int = 0
    erasures: int = 0


def expire(*, clock: Callable[[], datetime], until: datetime) -> Expired:
    """Let go of what is older than it is kept, until nothing is left of it or it is ``until``; the next run goes on.

    Where another run is under way, nothing is done.
    """
    at = clock()
    addresses = at - timedelta(days=settings.RISK_RETENTION_DAYS)
    signals = at - timedelta(days=settings.RISK_SIGNAL_DAYS)

    def all_of(statement: str, before: datetime) -> int:
        count = 0
        while clock() < until:
            with connections[SWEEP].cursor() as cursor:
                cursor.execute(statement, [before, BATCH])
                found = cursor.rowcount
            count += found
            if found < BATCH:
                break
        return count

    with alone(_LOCK) as is_alone:
        if not is_alone:
            return Expired()
        expired = Expired(
            addresses=all_of(_ADDRESSES, addresses),
            signals=all_of(_SIGNALS, signals),
            sessions=all_of(_SESSIONS, at - SESSIONS_AFTER),
            profiles=all_of(_PROFILES, at - PROFILES_AFTER),
            erasures=all_of(_ERASURES, at - REMEMBERED),
        )
        with connections[SWEEP].cursor() as cursor:
            cursor.execute(_RUNS, [at - RUNS_AFTER])
    _log.info("risk_expired", addresses=expired.addresses, signals=expired.signals, profiles=expired.profiles)
    return expired
