"""Erasing a person from what risk is judged by: their rows at once, what Valkey has a moment later, and whatever is on its way never.

What is on its way tells of a time before. That somebody was erased, and up to when, is kept as a digest for longer than anything
can be on its way; by it the database refuses what comes late (`riskengine.models.Erasure`), whoever brings it. Whoever writes of a
person and whoever erases them wait for each other. What Valkey is to let go of is noted in the same transaction, so that a worker
does it where whoever erased dies first, or Valkey is away.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.db import connection, transaction
from msgspec import Struct
from msgspec.json import encode as encode_json

from isolation.api import tenant_transaction
from riskengine import store
from riskengine.assessing import tell_happened
from riskengine.holding import hold_alone
from riskengine.keys import network_key, person_keys, session_key
from riskengine.known import NETWORK_HALF_LIFE, WINDOW
from riskengine.recording import FAILED_ON_NETWORK
from riskengine.subjects import NOBODY, Subject, storable
from riskengine.valkey import ValkeyAway

_OF_PERSON: Final = "tenant_id = %s AND subject_type = %s AND subject_id = %s"
# What failed on a network of late goes on to count against it, and is nobody's: erasing is no way to clear a network.
_FAILED: Final = f"""
    UPDATE riskengine_signal SET subject_type = %s, subject_id = %s, session_id = NULL, ip = NULL, seen = '{{}}', score = NULL,
        band = 'unknown', reasons = '[]'
    WHERE {_OF_PERSON} AND kind = ANY(%s) AND network <> '' AND at > %s RETURNING network
"""  # noqa: S608 - constant
_SIGNALS: Final = f"DELETE FROM riskengine_signal WHERE {_OF_PERSON}"  # noqa: S608 - constant
_PROFILE: Final = f"DELETE FROM riskengine_profile WHERE {_OF_PERSON} RETURNING version"  # noqa: S608 - constant
_SESSIONS: Final = f"DELETE FROM riskengine_session WHERE {_OF_PERSON} RETURNING session_id"  # noqa: S608 - constant
_NOTE: Final = """
    INSERT INTO riskengine_erasure (id, tenant_id, digest, erased_at, version, clearing)
    SELECT %s, %s, whose.digest, %s, greatest(%s, (
        SELECT max(e.version) FROM riskengine_erasure e WHERE e.tenant_id = %s AND e.digest = whose.digest
    )), %s::jsonb
    FROM (SELECT riskengine_person(%s, %s, %s) AS digest) whose
"""
_NOTE_OF_NOBODY: Final = """
    INSERT INTO riskengine_erasure (id, tenant_id, digest, erased_at, version, clearing) VALUES (%s, %s, '', %s, 0, %s::jsonb)
"""
_CLEARED: Final = "UPDATE riskengine_erasure SET clearing = NULL WHERE id = %s"
_KEPT_COUNTING: Final = WINDOW * NETWORK_HALF_LIFE

LATEST: Final = timedelta(days=7)
"""So long after it happened the last is stored of what was on its way (`draining`)."""
REMEMBERED: Final = LATEST + timedelta(days=1)
"""For so long it is kept that somebody was erased."""

_log = structlog.get_logger(__name__)


class Erased(Struct, frozen=True, kw_only=True):
    """What was kept of a person, and is gone. failures: stay counted as nobody's. sessions: ids of those that had come to look risky."""

    signals: int = 0
    failures: int = 0
    profiles: int = 0
    sessions: tuple[UUID, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Say whether nothing was kept."""
        return not (self.signals or self.failures or self.profiles or self.sessions)


class Clearing(Struct, frozen=True, kw_only=True):
    """Names in Valkey: keys that are to be read from the database again, and sessions of which nothing is kept any more."""

    keys: list[str]
    sessions: list[str]


def erase_person(*, tenant_id: UUID, subject: Subject, at: datetime) -> Erased:
    """Delete everything that is kept of a person in a tenant, within the tenant's transaction around this call if there is one.

    Until its person confirms, a session that came to look risky is held down by what is deleted here: the caller ends the sessions
    that are named in the answer, in the same transaction.
    """
    kept = storable(subject)
    person: list[Any] = [tenant_id, *kept]
    with tenant_transaction(tenant_id, savepoint=False), connection.cursor() as cursor:
        hold_alone(tenant_id=tenant_id, subject=kept)
        # In this order: whoever folds holds the signals first, and then the profile.
        nobody = (NOBODY, uuid4().hex[:16])
        cursor.execute(_FAILED, [*nobody, *person, sorted(FAILED_ON_NETWORK), at - _KEPT_COUNTING])
        networks = [network for (network,) in cursor.fetchall()]
        cursor.execute(_SIGNALS, person)
        signals = cursor.rowcount
        cursor.execute(_PROFILE, person)
        versions = [version for (version,) in cursor.fetchall()]
        cursor.execute(_SESSIONS, person)
        sessions = [session_id for (session_id,) in cursor.fetchall()]
        clearing = _clearing(tenant_id, kept, networks, sessions)
        erasure_id, version = uuid4(), max(versions, default=0)
        cursor.execute(_NOTE, [erasure_id, tenant_id, at, version, tenant_id, encode_json(clearing).decode(), *person])
        # First Valkey and then those who will read it.
        transaction.on_commit(lambda: _clear(tenant_id, erasure_id, clearing), robust=True)
        tell_happened(tenant_id=tenant_id, subject=subject)
    return Erased(signals=signals, failures=len(networks), profiles=len(versions), sessions=tuple(sessions))


def have_valkey_forget(*, tenant_id: UUID, subject: Subject, at: datetime) -> None:
    """Have Valkey let go of what it has of a person who stays, once the tenant's transaction around this call has committed.

    What is true is read from the database again: sooner or later for sure, whatever becomes of this process or of Valkey.
    subject: as it is stored.
    """
    clearing, erasure_id = Clearing(keys=list(person_keys(tenant_id, subject)), sessions=[]), uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_OF_NOBODY, [erasure_id, tenant_id, at, encode_json(clearing).decode()])
    transaction.on_commit(lambda: _clear(tenant_id, erasure_id, clearing), robust=True)


def _clearing(tenant_id: UUID, subject: Subject, networks: Iterable[str], sessions: Iterable[UUID]) -> Clearing:
    return Clearing(
        keys=[*person_keys(tenant_id, subject), *sorted({network_key(tenant_id, one) for one in networks})],
        sessions=[session_key(tenant_id, one) for one in sessions],
    )


def _clear(tenant_id: UUID, erasure_id: UUID, clearing: Clearing) -> None:
    """Have Valkey let go, and note that it did; where it is away, a worker does so later (`clearing`)."""
    try:
        store.let_go(clearing.keys, clearing.sessions)
    except ValkeyAway as error:
        _log.warning("risk_erasure_waits_for_valkey", error=str(error))
        return
    with tenant_transaction(tenant_id), connection.cursor() as cursor:
        cursor.execute(_CLEARED, [erasure_id])
