"""Folding signals into profiles: each once, in the transaction that says so, and whoever dies in between has done nothing.

Signals are taken by whoever comes first (``SKIP LOCKED``), so several workers share the work; a profile is locked while it is
changed. Afterwards Valkey is told. What it is not told of it has as taught, beside an older profile, which comes to the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from django.db import connections, transaction
from msgspec import Struct

from riskengine import store
from riskengine.keys import network_key, person_keys
from riskengine.metrics import FOLDED
from riskengine.recording import FAILED
from riskengine.scripts import FORGET
from riskengine.seen import Seen
from riskengine.stored import Stored, Taught, decode_stored, encode_stored, new_person, teach
from riskengine.valkey import ValkeyAway

SWEEP: Final = "sweep"
BATCH: Final = 500

_TAKE: Final = """
    SELECT id, tenant_id, subject_type, subject_id, at, kind, trust, network, seen::text FROM riskengine_signal
    WHERE folded_at IS NULL AND (%s OR trust > 0) ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED
"""
_BEGIN: Final = """
    INSERT INTO riskengine_profile (id, tenant_id, subject_type, subject_id, state, version, epoch, updated_at)
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::bytea[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
    ON CONFLICT (tenant_id, subject_type, subject_id) DO NOTHING
"""
# In one order, so that nobody waits for somebody who waits for them.
_LOCK: Final = """
    SELECT p.tenant_id, p.subject_type, p.subject_id, p.id, p.state, p.version FROM riskengine_profile p
    WHERE (p.tenant_id, p.subject_type, p.subject_id) IN (SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[]))
    ORDER BY p.tenant_id, p.subject_type, p.subject_id FOR UPDATE
"""
_CHANGE: Final = """
    UPDATE riskengine_profile p SET state = new.state, version = p.version + 1, epoch = new.epoch, updated_at = %s
    FROM unnest(%s::uuid[], %s::bytea[], %s::timestamptz[]) AS new (id, state, epoch) WHERE p.id = new.id
"""
_FOLDED: Final = "UPDATE riskengine_signal SET folded_at = %s WHERE id = ANY(%s)"
_HELD: Final = "SELECT id FROM riskengine_signal WHERE id = ANY(%s) AND folded_at IS NOT NULL"

_BACKLOG: Final = """
    SELECT count(*), min(at) FROM (
        SELECT at FROM riskengine_signal WHERE folded_at IS NULL ORDER BY at LIMIT %s
    ) AS waiting
"""
COUNTED: Final = 100_000
"""More than these are not counted one by one: that many is alarming enough."""

_log = structlog.get_logger(__name__)
_seen: Final = msgspec.json.Decoder(Seen).decode

type _Person = tuple[UUID, str, str]


class _Taken(Struct, frozen=True):
    id: UUID
    person: _Person
    kind: str
    network: str
    taught: Taught


class _Profile(Struct, frozen=True):
    id: UUID
    stored: Stored
    version: int
    ids: frozenset[UUID] = frozenset()


class Backlog(Struct, frozen=True, kw_only=True):
    """What is not folded yet. signals: at most ``COUNTED``. oldest_at: when the oldest happened; None without any."""

    signals: int
    oldest_at: datetime | None


def signal_backlog() -> Backlog:
    """Count the signals that no profile holds yet, by the sweep's role."""
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(_BACKLOG, [COUNTED])
        signals, oldest_at = cursor.fetchone()
    return Backlog(signals=signals, oldest_at=oldest_at)


def fold(*, clock: Callable[[], datetime], until: datetime, batch: int = BATCH) -> int:
    """Fold what waits, the oldest first, until nothing is left or it is ``until``; give how many signals that were.

    :raises django.db.DatabaseError: the database is away; whole batches are folded, or not at all.
    """
    count, is_told = 0, True
    while clock() < until:
        taken, changed, is_told = _fold_batch(batch, is_told=is_told, at=clock())
        _publish(changed)
        count += taken
        FOLDED.inc(taken)
        if not taken or (taken < batch and is_told):
            break
    return count


def _fold_batch(batch: int, *, is_told: bool, at: datetime) -> tuple[int, Mapping[_Person, _Profile], bool]:
    """Fold a batch; of what taught nothing only while Valkey can be told. Gives how many, whose profiles changed, and whether it could."""
    with transaction.atomic(using=SWEEP), connections[SWEEP].cursor() as cursor:
        cursor.execute(_TAKE, [is_told, batch])
        taken = [_read(row) for row in cursor.fetchall()]
        teaching = [one for one in taken if one.taught.trust > 0.0]
        try:
            _forget_failures(taken)
        except ValkeyAway:
            taken, is_told = teaching, False
        changed = _changed(cursor, teaching, at=at)
        cursor.execute(_FOLDED, [at, [one.id for one in taken]])
    return len(taken), changed, is_told


def _read(row: Sequence[Any]) -> _Taken:
    signal_id, tenant_id, kind_of, name, at, kind, trust, network, seen = row
    taught = Taught(id=signal_id, at=at, trust=trust, seen=_seen(seen))
    return _Taken(signal_id, (tenant_id, kind_of, name), kind, network, taught)


def _forget_failures(taken: Iterable[_Taken]) -> None:
    """Have what failed be counted from the database, where Valkey may not have been told.

    INVARIANT: a failure counts as folded only once Valkey cannot say any more that there was none.
    :raises ValkeyAway: it could not be told.
    """
    keys: dict[UUID, dict[str, None]] = {}
    for one in taken:
        if one.kind in FAILED:
            tenant_id, kind, name = one.person
            of_tenant = keys.setdefault(tenant_id, {})
            of_tenant[person_keys(tenant_id, (kind, name))[2]] = None
            if one.network:
                of_tenant[network_key(tenant_id, one.network)] = None
    for names in keys.values():
        FORGET.run(list(names), [])


def _changed(cursor: Any, teaching: Sequence[_Taken], *, at: datetime) -> Mapping[_Person, _Profile]:
    """Teach the profiles of whom the signals are, and write them."""
    by_person: dict[_Person, list[_Taken]] = {}
    for one in teaching:
        by_person.setdefault(one.person, []).append(one)
    if not by_person:
        return {}
    people = sorted(by_person)
    _begin(cursor, people, by_person, at=at)
    found = _locked(cursor, people)
    held = _held(cursor, people)
    changed = {}
    for person in people:
        stored, signals = found[person].stored, sorted(by_person[person], key=lambda one: one.taught.at)
        for one in signals:
            stored = teach(stored, one.taught)
        before = found[person]
        ids = held.get(person, set()) | {one.id for one in signals}
        changed[person] = _Profile(before.id, stored, before.version + 1, frozenset(ids))
    rows = list(changed.values())
    states, epochs = [encode_stored(one.stored) for one in rows], [one.stored.profile.epoch for one in rows]
    cursor.execute(_CHANGE, [at, [one.id for one in rows], states, epochs])
    return changed


def _begin(
    cursor: Any, people: Sequence[_Person], by_person: Mapping[_Person, Sequence[_Taken]], *, at: datetime
) -> None:
    """Make a profile for whoever has none."""
    firsts = [min(one.taught.at for one in by_person[person]) for person in people]
    columns: list[list[Any]] = [
        [uuid4() for _ in people],
        *(list(column) for column in zip(*people, strict=True)),
        [encode_stored(new_person(at=first)) for first in firsts],
        # Newer than any version of a person who was erased, and came back.
        [int(at.timestamp() * 1_000_000)] * len(people),
        firsts,
        [at] * len(people),
    ]
    cursor.execute(_BEGIN, columns)


def _locked(cursor: Any, people: Sequence[_Person]) -> dict[_Person, _Profile]:
    cursor.execute(_LOCK, [list(column) for column in zip(*people, strict=True)])
    return {
        (tenant_id, kind, name): _Profile(row_id, decode_stored(bytes(state)), version)
        for tenant_id, kind, name, row_id, state, version in cursor.fetchall()
    }


def _held(cursor: Any, people: Sequence[_Person]) -> dict[_Person, set[UUID]]:
    """Find what Valkey has as taught and profiles hold already: of a run that died before it could tell.

    They are told of together with the next version, or somebody who dies in between would leave them to be counted twice.
    """
    taught: dict[_Person, set[UUID]] = {}
    try:
        for tenant_id, group in groupby(people, key=lambda person: person[0]):
            of_tenant = list(group)
            found = store.list_taught(tenant_id=tenant_id, subjects=[(kind, name) for _, kind, name in of_tenant])
            taught |= dict(zip(of_tenant, found, strict=True))
    except ValkeyAway:
        return {}
    cursor.execute(_HELD, [[one for ids in taught.values() for one in ids]])
    folded = {row[0] for row in cursor.fetchall()}
    return {person: ids & folded for person, ids in taught.items()}


def _publish(changed: Mapping[_Person, _Profile]) -> None:
    """Tell Valkey, where it has those people."""
    try:
        for (tenant_id, kind, name), profile in changed.items():
            store.publish(
                tenant_id=tenant_id,
                subject=(kind, name),
                stored=profile.stored,
                version=profile.version,
                ids=profile.ids,
            )
    except ValkeyAway as error:
        _log.warning("risk_profiles_not_published", error=str(error), people=len(changed))
