"""Seal the trail: put what was committed into the tree, batch by batch, and sign its root.

An entry is sealed once its transaction lies before every one that is still under way
(``xid < pg_snapshot_xmin(pg_current_snapshot())``): then whatever comes before it in the tree's order, by ``xid`` and
``seq``, is committed and seen, or never will be. So nothing is skipped, and what later appears before the horizon of
a checkpoint without being in its tree was slipped in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import structlog
from django.db import connections, transaction

from audit.checkpoints import SWEEP, Kept, body_of, digest_of, newest_checkpoint, store_checkpoint
from audit.columns import binding_cursor, hashes, texts, wholes
from audit.entry_rows import COLUMNS, WIDTH, hash_row, read_entry
from audit.errors import CannotSeal
from audit.merkle import Frontier
from audit.seal_keys import Signer, believed_keys, get_signer
from audit.verifier import MARK_BYTES, Checkpoint, Horizon, Unreadable

BATCH: Final = 2_000
"""Entries in a checkpoint, at most: what a sealer holds in memory, and how far a wrong root can be narrowed down."""

# Any number will do that nobody else uses.
_LOCK: Final = 0x7469657267617465

# Entries from before the database counted its transactions as it does are all committed, whatever they say.
_NEXT: Final = f"""
    SELECT {COLUMNS}, pg_snapshot_xmin(pg_current_snapshot())::text
    FROM audit_entry e
    WHERE (e.xid, e.seq) >= (%(xid)s::text::xid8, %(seq)s)
      AND CASE WHEN %(is_carrying)s THEN e.seq <= %(after_seq)s ELSE e.seq > %(after_seq)s END
      AND (%(is_carrying)s OR e.xid < pg_snapshot_xmin(pg_current_snapshot()))
      AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.seq = e.seq)
    ORDER BY e.xid, e.seq LIMIT %(limit)s
"""  # noqa: S608 - constants
# Statistics lag behind the end of the trail, so that the planner takes what waits for a few rows: it would read and
# write out all of it for every batch, and sort that. What the index gives is in order already.
_CLUSTER: Final = (
    "SELECT (SELECT system_identifier::text FROM pg_control_system()), "
    "pg_snapshot_xmax(pg_current_snapshot())::text::numeric, set_config('enable_sort', 'off', true)"
)
_LAST_OF_TENANTS: Final = """
    SELECT wanted.id::text, l.ordinal, l.seq FROM unnest(%s::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
        SELECT ordinal, seq FROM audit_leaf WHERE tenant_id = wanted.id ORDER BY ordinal DESC LIMIT 1) AS l
"""
_ADD_LEAVES: Final = """
    INSERT INTO audit_leaf (position, tenant_id, ordinal, previous_seq, entry_id, seq, kind, at, hash)
    SELECT unnest(%s), unnest(%s)::uuid, unnest(%s), unnest(%s), unnest(%s)::uuid, unnest(%s), unnest(%s),
           unnest(%s)::timestamptz, unnest(%s)
"""
_ADD_NODES: Final = """
    INSERT INTO audit_node (level, position, hash) SELECT unnest(%s), unnest(%s), unnest(%s)
"""


def _told(column: Sequence[str]) -> bytes:
    return texts([text.encode() for text in column])


_LEAF_COLUMNS: Final[tuple[Callable[[Any], bytes], ...]] = (
    wholes,
    _told,
    wholes,
    wholes,
    _told,
    wholes,
    _told,
    _told,
    hashes,
)
_TENANT: Final = 1
_NAMED: Final = 5
"""Of a row's columns those that a leaf repeats: id, tenant, seq, kind, at."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One new checkpoint. count: entries that are new in it. is_more: the next batch is waiting."""

    number: int
    size: int
    count: int
    is_more: bool


def seal(*, at: datetime, limit: int = BATCH) -> Sealed | None:
    """Seal the next entries, at most ``limit`` of them, in one transaction; None where nothing waits, or another does it.

    :raises CannotSeal: no key; or the last checkpoint is not as this installation signed it, and must not be built on.
    """
    signer = get_signer()
    with transaction.atomic(using=SWEEP, durable=True), connections[SWEEP].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            return None
        last = newest_checkpoint()
        before = _trusted(last) if last is not None else None
        horizon = _horizon(cursor, before)
        rows = _waiting(cursor, horizon, limit)
        if not rows and not horizon.is_carrying:
            return None
        growing = _Growing(Frontier(before.size if before else 0, list(last.peaks) if last else []))
        growing.take(cursor, rows)
        told = Checkpoint(
            trail=before.trail if before else str(uuid4()),
            number=before.number + 1 if before else 1,
            size=growing.frontier.size,
            root=growing.frontier.root(),
            previous=digest_of(last.signed.body) if last else "",
            previous_size=before.size if before else 0,
            at=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            horizon=_next_horizon(horizon, rows, is_full=len(rows) == limit),
            marks=b"".join(one[:MARK_BYTES] for one in growing.hashes),
        )
        _store(growing, told, signer)
    _log.info("audit_sealed", checkpoint=told.number, entries=len(growing.hashes), size=told.size)
    is_more = len(rows) == limit or horizon.is_carrying
    return Sealed(number=told.number, size=told.size, count=len(growing.hashes), is_more=is_more)


def _trusted(last: Kept) -> Checkpoint:
    """Read the checkpoint to build on: whoever wrote over it must not have it signed by us."""
    try:
        told = last.told()
    except Unreadable as error:
        raise CannotSeal(f"Checkpoint {last.number} was changed: {error}.") from error
    if not last.signed.holds(believed_keys()):
        raise CannotSeal(f"Checkpoint {last.number} is not signed by a key that this process believes.")
    is_whole = told.number == last.number and len(last.peaks) == told.size.bit_count()
    if not is_whole or Frontier(told.size, list(last.peaks)).root() != told.root:
        raise CannotSeal(f"Checkpoint {last.number} was changed: its tree is not the one that was signed.")
    return told


def _horizon(cursor: Any, before: Checkpoint | None) -> Horizon:
    """Say from where to go on: where the last one ended, or from the start where transactions are counted anew."""
    cursor.execute(_CLUSTER)
    cluster, beyond, _off = cursor.fetchone()
    if before is not None and before.horizon.cluster == cluster and before.horizon.xid <= beyond:
        return before.horizon
    cursor.execute("SELECT audit_boundary()")
    (after_seq,) = cursor.fetchone()
    _log.warning("audit_transactions_counted_anew", cluster=cluster, after_seq=after_seq)
    return Horizon(cluster, after_seq, is_carrying=True, xid=0, seq=0)


def _waiting(cursor: Any, horizon: Horizon, limit: int) -> list[Any]:
    cursor.execute(
        _NEXT,
        {
            "xid": str(horizon.xid),
            "seq": horizon.seq,
            "is_carrying": horizon.is_carrying,
            "after_seq": horizon.after_seq,
            "limit": limit,
        },
    )
    return list(cursor.fetchall())


def _next_horizon(horizon: Horizon, rows: list[Any], *, is_full: bool) -> Horizon:
    if is_full:
        last = read_entry(rows[-1])
        return replace(horizon, xid=int(last["xid"]), seq=last["seq"] + 1)
    if horizon.is_carrying:
        return replace(horizon, is_carrying=False, xid=0, seq=0)
    return replace(horizon, xid=int(rows[-1][WIDTH]), seq=0)


class _Growing:
    """The tree with a batch added, before it is written."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier
        self.hashes: list[bytes] = []
        self.leaves: list[tuple[Any, ...]] = []
        self.nodes: list[tuple[int, int, bytes]] = []

    def take(self, cursor: Any, rows: list[Any]) -> None:
        """Add entries in their order."""
        cursor.execute(_LAST_OF_TENANTS, [list({row[_TENANT] for row in rows})])
        chains = {tenant: (ordinal, seq) for tenant, ordinal, seq in cursor.fetchall()}
        seen: set[int] = set()
        for row in rows:
            entry_id, tenant, seq, kind, at = row[:_NAMED]
            if seq in seen:
                # The sequence gives no number twice. It stays out, where verification finds it.
                _log.error("audit_number_used_twice", seq=seq, entry=entry_id)
                continue
            seen.add(seq)
            ordinal, previous = chains.get(tenant, (0, 0))
            hashed = hash_row(row, ordinal=ordinal + 1, previous_seq=previous)
            self.leaves.append((self.frontier.size, tenant, ordinal + 1, previous, entry_id, seq, kind, at, hashed))
            self.hashes.append(hashed)
            self.nodes += self.frontier.append(hashed)
            chains[tenant] = (ordinal + 1, seq)


def _store(growing: _Growing, told: Checkpoint, signer: Signer) -> None:
    with binding_cursor(connections[SWEEP]) as cursor:
        if growing.leaves:
            columns = zip(_LEAF_COLUMNS, zip(*growing.leaves, strict=True), strict=True)
            cursor.execute(_ADD_LEAVES, [write(column) for write, column in columns])
        if growing.nodes:
            levels, positions, found = zip(*growing.nodes, strict=True)
            cursor.execute(_ADD_NODES, [wholes(levels), wholes(positions), hashes(found)])
    store_checkpoint(told, signer.sign(body_of(told)), growing.frontier.peaks)
