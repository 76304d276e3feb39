"""Snapshots remembered in the process, and never trusted longer than they can be.

An entry holds while the listener would have told of a change and the database agreed within the last second.
Once a second, and on every use while the listener is deaf, two integers are compared with the database's.
"""

import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection

from isolation.api import tenant_transaction
from licensing import push, replica
from licensing.compiled import Catalogue
from licensing.errors import InvalidSnapshotVersion, SnapshotBehind
from licensing.holdings import Generations, Holdings, TenantSnapshot, read_generations, read_holdings
from licensing.names import as_uuid
from tiergate import Entitlement

CHECK_SECONDS: Final = 1.0
CAPACITY: Final = 10_000

_VERSION: Final = re.compile(r"g([0-9]{1,18})\.t([0-9]{1,18})")
_NEVER: Final = float("-inf")
_ATTEMPTS: Final = 3


@dataclass(slots=True, kw_only=True)
class _Entry:
    holdings: Holdings
    snapshot: TenantSnapshot
    resolved_at: datetime
    checked_at: float

    def at(self, at: datetime) -> TenantSnapshot | None:
        """Return the snapshot for an instant; None where these holdings do not reach back to it."""
        if at < self.holdings.since:
            return None
        snapshot = self.snapshot
        if at >= self.resolved_at and (snapshot.next_change_at is None or at < snapshot.next_change_at):
            return snapshot
        snapshot = self.holdings.resolve(at)
        if at > self.resolved_at:
            self.snapshot, self.resolved_at = snapshot, at
        return snapshot

    def renumbered(self, found: Generations, *, at: datetime, checked_at: float) -> "_Entry | None":
        """Give these holdings the number that they were found to hold at, too; None where they do not reach ``at``.

        INVARIANT: only of counters that say that nothing of them changed, and never back: what is answered by a number
        is what the database holds at it.
        """
        snapshot = self.at(at)
        if snapshot is None:
            return None
        number = found.catalogue
        return _Entry(
            holdings=replace(
                self.holdings, generations=found, catalogue=replace(self.holdings.catalogue, generation=number)
            ),
            snapshot=replace(snapshot, version=str(found), catalogue_generation=number),
            resolved_at=at,
            checked_at=checked_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotMemory:
    """What a process remembers. age: seconds since the snapshot used last was compared with the database."""

    held: int
    age: float


class _Memory:
    """The entries of one process, the least used of them forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[UUID, _Entry] = OrderedDict()
        self._distrusted_until = _NEVER
        self.news = 0
        self.catalogue: Catalogue | None = None

    def find(self, tenant_id: UUID) -> _Entry | None:
        with self._lock:
            found = self._entries.get(tenant_id)
            if found is not None:
                self._entries.move_to_end(tenant_id)
            return found

    def is_trusted(self, entry: _Entry) -> bool:
        return (
            entry.checked_at > self._distrusted_until
            and time.monotonic() - entry.checked_at < CHECK_SECONDS
            and push.is_listening()
        )

    def keep(self, tenant_id: UUID, entry: _Entry, *, news: int) -> None:
        """Remember an entry; one whose reading a change may have overtaken is checked again at its next use."""
        with self._lock:
            if news != self.news:
                entry.checked_at = _NEVER
            held = self._entries.get(tenant_id)
            if held is None or entry.holdings.generations.reaches(held.holdings.generations):
                self._entries[tenant_id] = entry
            self._entries.move_to_end(tenant_id)
            if self.catalogue is None or entry.holdings.catalogue.generation >= self.catalogue.generation:
                self.catalogue = entry.holdings.catalogue
            while len(self._entries) > CAPACITY:
                self._entries.popitem(last=False)

    def confirm(self, entry: _Entry, *, checked_at: float, news: int) -> None:
        with self._lock:
            if news == self.news:
                entry.checked_at = checked_at

    def hear(self, kind: str, key: str) -> None:
        tenant_id = as_uuid(key) if kind == "tenant" else None
        with self._lock:
            if tenant_id is not None:
                self.news += 1
                self._entries.pop(tenant_id, None)
            elif kind in {"catalog", push.RESET}:
                self.news += 1
                self._distrusted_until = time.monotonic()

    def clear(self) -> None:
        with self._lock:
            self.news += 1
            self._entries.clear()
            self.catalogue = None

    def state(self) -> SnapshotMemory:
        with self._lock:
            last = next(reversed(self._entries.values()), None)
            held = len(self._entries)
        return SnapshotMemory(held=held, age=0.0 if last is None else max(0.0, time.monotonic() - last.checked_at))


_memory = _Memory()
push.subscribe(_memory.hear)


def get_snapshot(*, tenant_id: UUID, at: datetime, min_version: str | None = None) -> TenantSnapshot:
    """Return what decisions about a tenant at ``at`` are made from.

    min_version: a version that the caller has seen; an older one is never returned.
    :raises TenantNotFound: there is no such tenant.
    :raises SnapshotBehind: even the database does not know so new a version; ``retry_after`` says when to ask again.
    :raises InvalidSnapshotVersion: ``min_version`` is no version.
    """
    wanted = None if min_version is None else parse_version(min_version)
    entry = _current(tenant_id, at)
    if wanted is not None and not entry.holdings.generations.reaches(wanted):
        within = connection.in_atomic_block
        entry = _build(tenant_id, at, may_copy=False) if within else _checked(tenant_id, entry, at, may_copy=False)
        if not entry.holdings.generations.reaches(wanted):
            raise SnapshotBehind("The state that you have seen is not known here yet; ask again.", retry_after=1)
    return entry.at(at) or _build(tenant_id, at).snapshot


def entitlements_at(*, tenant_id: UUID, at: datetime) -> dict[str, Entitlement]:
    """Resolve what a tenant may use at any instant, past or to come, from what the database holds now.

    :raises TenantNotFound: there is no such tenant.
    """
    return dict(snapshot_at(tenant_id=tenant_id, at=at).entitlements)


def snapshot_at(*, tenant_id: UUID, at: datetime) -> TenantSnapshot:
    """Read and resolve what decisions about a tenant would be made from at any instant, past or to come.

    :raises TenantNotFound: there is no such tenant.
    """
    return _read(tenant_id, at).resolve(at)


def snapshot_version(*, tenant_id: UUID) -> str:
    """Name the state that the database holds now, for a caller to insist on."""
    return str(read_generations(tenant_id))


def parse_version(version: str) -> Generations:
    """Read the two counters of a snapshot's version.

    :raises InvalidSnapshotVersion: it is none.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise InvalidSnapshotVersion("A snapshot's version reads g<number>.t<number>.")
    return Generations(int(found[1]), int(found[2]))


def snapshot_memory() -> SnapshotMemory:
    """Tell what this process remembers; the age grows while nobody asks, and is below a second while somebody does."""
    return _memory.state()


def forget_snapshots() -> None:
    """Forget everything that this process remembers."""
    _memory.clear()


def _current(tenant_id: UUID, at: datetime) -> _Entry:
    entry = _memory.find(tenant_id)
    if entry is None or connection.in_atomic_block:
        return _build(tenant_id, at)
    if _memory.is_trusted(entry):
        return entry
    # Deaf, it would not hear that a copy is behind a change, so then it asks the primary.
    return _checked(tenant_id, entry, at, may_copy=push.is_listening())


def _checked(tenant_id: UUID, entry: _Entry, at: datetime, *, may_copy: bool) -> _Entry:
    """Hold an entry against the counters, and read anew what changed; where only the rules in force did, nothing."""
    news = _memory.news
    found, looked_at = replica.read(
        lambda using: read_generations(tenant_id, using=using), news=news, may_copy=may_copy
    )
    held = entry.holdings.generations
    if found == held:
        _memory.confirm(entry, checked_at=looked_at, news=news)
        return entry
    if found.catalogue > held.catalogue and found.holds_what(held):
        renumbered = entry.renumbered(found, at=at, checked_at=looked_at)
        if renumbered is not None:
            _memory.keep(tenant_id, renumbered, news=news)
            return renumbered
    return _build(tenant_id, at, may_copy=may_copy)


def _build(tenant_id: UUID, at: datetime, *, may_copy: bool = True) -> _Entry:
    news = _memory.news
    # Inside a transaction what it has written itself counts, which no copy has.
    within = connection.in_atomic_block
    holdings, looked_at = replica.read(
        lambda using: _read(tenant_id, at, using=using), news=news, may_copy=may_copy and not within
    )
    entry = _Entry(holdings=holdings, snapshot=holdings.resolve(at), resolved_at=at, checked_at=looked_at)
    # Inside somebody's transaction what was read may yet be rolled back: use it, and do not remember it.
    if not within:
        _memory.keep(tenant_id, entry, news=news)
    return entry


def _read(tenant_id: UUID, since: datetime, *, using: str = DEFAULT_DB_ALIAS) -> Holdings:
    if not connection.in_atomic_block:
        known = _memory.catalogue
        with tenant_transaction(tenant_id, using=using, snapshot=True):
            holdings = read_holdings(tenant_id, known=known, since=since, using=using)
        if known is not None and holdings.generations.catalogue < known.generation:
            # A primary of before a failover that has come back, or a copy that is behind.
            raise SnapshotBehind("The database knows less than it did; ask again.", retry_after=1)
        return holdings
    # The transaction around this call sees each statement's own instant: counters that are the same before and
    # after frame rows of one state.
    with tenant_transaction(tenant_id):
        for _ in range(_ATTEMPTS):
            holdings = read_holdings(tenant_id, known=_memory.catalogue, since=since)
            if read_generations(tenant_id) == holdings.generations:
                return holdings
    raise SnapshotBehind("The tenant changes too fast to be read; ask again.", retry_after=1)
