"""Verify that the trail stands as it was sealed, and name what does not.

The tree is grown again from the entries, leaf by leaf, and compared with every checkpoint that can be believed. What
an entry hashes to is compared with what the tree's table says, and both with the mark that the signed checkpoint
holds of that leaf: so the one that lies is named even where entry and tree were rewritten together.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction

from audit.checkpoints import SWEEP, Kept
from audit.copy_book import Believed, CopyBook
from audit.entry_rows import COLUMNS, WIDTH, hash_entry, read_entry
from audit.findings import MAX_SENTENCES, Findings, Report
from audit.merkle import Frontier
from audit.seal_keys import believed_keys
from audit.verifier import MARK_BYTES, Checkpoint, Horizon

_AT_ONCE: Final = 2_000
LATE: Final = timedelta(hours=1)
"""An entry that says to be so much older than a tree that does not hold it was inserted afterwards."""

_LEAVES: Final = f"""
    SELECT {COLUMNS}, l.position, l.tenant_id::text, l.ordinal, l.previous_seq, l.entry_id::text, l.seq, l.kind,
           to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), l.hash
    FROM audit_leaf l LEFT JOIN audit_entry e ON e.id = l.entry_id AND e.at = l.at
    WHERE l.position >= %s AND l.position < %s ORDER BY l.position
"""  # noqa: S608 - constants
_ELSEWHERE: Final = f"SELECT {COLUMNS} FROM audit_entry e WHERE e.id = %s OR (e.tenant_id = %s AND e.seq = %s) LIMIT 3"  # noqa: S608 - constants
_NOT_SEALED: Final = """
    FROM audit_entry e
    WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.seq = e.seq AND l.entry_id = e.id)
      AND (%(tenant)s::uuid IS NULL OR e.tenant_id = %(tenant)s::uuid)
      AND CASE WHEN %(is_carrying)s = (e.seq <= %(after_seq)s)
          THEN (e.xid, e.seq) < (%(xid)s::text::xid8, %(seq)s) ELSE NOT %(is_carrying)s END
"""
_NOTHING_SEALED: Final = Horizon("", 0, is_carrying=False, xid=0, seq=0)


def verify(
    *,
    at: datetime,
    copies: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    tenant_id: UUID | None = None,
) -> Report:
    """Verify the whole tree and every entry; with ``tenant_id``, the entries of that tenant alone.

    Reads by the sweep's role, in one snapshot, a few thousand rows at a time. copies: the directory of checkpoints'
    copies; one that differs is believed. progress: called with leaves done and leaves altogether.

    :raises OSError: the copies cannot be read.
    """
    with transaction.atomic(using=SWEEP, durable=True):
        with connections[SWEEP].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _Verification(copies, tenant_id, progress or (lambda _done, _all: None)).run(at)


class _Verification:
    """One pass over the tree."""

    def __init__(self, copies: Path | None, tenant_id: UUID | None, progress: Callable[[int, int], None]) -> None:
        self.findings = Findings()
        book = None if copies is None else CopyBook.read(copies, self.findings)
        self._believed = Believed(book, believed_keys(), self.findings)
        self._tenant = None if tenant_id is None else str(tenant_id)
        self._progress = progress
        self._tree = Frontier()
        self._is_broken = False
        self._leaves = _count("SELECT coalesce(max(position) + 1, 0) FROM audit_leaf", {})
        self._caught_up: Checkpoint | None = None
        self._unproved = 0

    def run(self, at: datetime) -> Report:
        """Walk along the checkpoints, then look for what is in none."""
        number, last = 1, None
        while True:
            is_there, checkpoint, kept = self._believed.next(number)
            if not is_there:
                break
            if checkpoint is not None:
                self._take(checkpoint, kept)
                last = checkpoint
            number += 1
        self._believed.end()
        if self._leaves > self._tree.size:
            self.findings.say(
                f"the tree's table holds leaves {self._tree.size} to {self._leaves - 1}, which no checkpoint holds."
            )
        return self._report(last, at)

    def _take(self, checkpoint: Checkpoint, kept: Kept | None) -> None:
        first = self._tree.size
        while self._tree.size < checkpoint.size:
            end = min(self._tree.size + _AT_ONCE, checkpoint.size)
            self._grow(self._tree.size, end, checkpoint)
            self._progress(self._tree.size, max(self._leaves, checkpoint.size))
        if not self._is_broken and self._tree.root() != checkpoint.root:
            self._is_broken = True
            self.findings.say(
                f"the tree is not the one that checkpoint {checkpoint.number} signed: leaves {first} to "
                f"{checkpoint.size - 1} were changed, or those before them."
            )
        if kept is not None and not self._is_broken and kept.peaks != self._tree.peaks:
            self.findings.say(f"checkpoint {checkpoint.number} was changed: its peaks are not those of its tree.")
        if checkpoint.horizon.seq == 0 and not checkpoint.horizon.is_carrying:
            self._caught_up = checkpoint

    def _grow(self, first: int, end: int, checkpoint: Checkpoint) -> None:
        with connections[SWEEP].cursor() as cursor:
            cursor.execute(_LEAVES, [first, end])
            rows = {row[WIDTH]: row for row in cursor.fetchall()}
        nodes: list[tuple[int, int, bytes]] = []
        for position in range(first, end):
            start = (position - checkpoint.previous_size) * MARK_BYTES
            mark = checkpoint.marks[start : start + MARK_BYTES] if start >= 0 else b""
            row = rows.get(position)
            if row is None:
                self.findings.say(f"leaf {position} was removed from the tree's table.")
                self._is_broken = True
            hashed = b"" if row is None else self._judge(row, mark)
            nodes += self._tree.append(hashed)
        if not self._is_broken:
            self._compare_nodes(nodes)

    def _judge(self, row: Any, mark: bytes) -> bytes:
        """Compare an entry with its leaf and the leaf's mark, and return the hash that was sealed, if one is it."""
        position, tenant, ordinal, previous_seq, entry_id, seq, kind, at, stored = row[WIDTH:]
        stored = bytes(stored)
        note = {"tenant_id": tenant, "seq": seq, "id": entry_id, "kind": kind, "at": at}
        chain = {"ordinal": ordinal, "previous_seq": previous_seq}
        if self._tenant not in {None, tenant}:
            # Whose a leaf is, only the entry under its hash says: the tree's table can be made to name another.
            self._unproved += row[0] is None or hash_entry(read_entry(row), **chain) != stored
            if not stored.startswith(mark):
                self.findings.say(f"leaf {position} is not what was sealed there.")
            return stored
        if row[0] is None:
            return self._judge_missing(note, chain, stored)
        entry = read_entry(row)
        computed = hash_entry(entry, **chain)
        if computed == stored and stored.startswith(mark):
            self._judge_date(entry)
        elif computed == stored:
            self.findings.say_of(entry, f"was changed or moved, and the tree with it: leaf {position} was another one.")
        elif stored.startswith(mark):
            moved = f"was reordered: it was sealed with seq {seq}." if entry["seq"] != seq else "was changed."
            self.findings.say_of(entry, moved)
        elif computed.startswith(mark):
            self.findings.say_of(entry, "stands, but the tree's note of it was changed.")
            return computed
        else:
            self.findings.say_of(entry, "was changed, and the tree's note of it too.")
        return stored

    def _judge_missing(self, note: dict[str, Any], chain: dict[str, int], stored: bytes) -> bytes:
        with connections[SWEEP].cursor() as cursor:
            cursor.execute(_ELSEWHERE, [note["id"], note["tenant_id"], note["seq"]])
            others = [read_entry(row) for row in cursor.fetchall()]
        for entry in others:
            if hash_entry(entry, **chain) == stored:
                self.findings.say_of(entry, "stands, but the tree's note of whose leaf it is was changed.")
                return stored
        for entry in others:
            if entry["id"] == note["id"]:
                self.findings.say_of(entry, f"was changed: it was sealed as of {note['at']}.")
                return stored
        self.findings.say_of(note, "was removed.")
        return stored

    def _judge_date(self, entry: dict[str, Any]) -> None:
        before = self._caught_up
        if before is not None and entry["at"] < _minus(before.at, LATE):
            self.findings.say_of(
                entry, f"was inserted late: checkpoint {before.number} of {before.at} did not hold it."
            )

    def _compare_nodes(self, nodes: list[tuple[int, int, bytes]]) -> None:
        for level, position, hashed in nodes:
            with connections[SWEEP].cursor() as cursor:
                cursor.execute("SELECT hash FROM audit_node WHERE level = %s AND position = %s", [level, position])
                row = cursor.fetchone()
            if row is None or bytes(row[0]) != hashed:
                self.findings.say(f"the tree's node {position} at level {level} was changed or removed.")

    def _report(self, last: Checkpoint | None, at: datetime) -> Report:
        horizon = last.horizon if last else _NOTHING_SEALED
        told = {
            "tenant": self._tenant,
            "is_carrying": horizon.is_carrying,
            "after_seq": horizon.after_seq,
            "xid": str(horizon.xid),
            "seq": horizon.seq,
        }
        for entry in _entries(f"SELECT {COLUMNS} {_NOT_SEALED} LIMIT {MAX_SENTENCES}", told):
            if entry["id"] not in self.findings.named:
                self.findings.say_of(entry, f"was inserted: the tree holds all from before {last.at if last else at}.")
        waiting = _NOT_SEALED.replace("AND CASE", "AND NOT CASE")
        for entry in _entries(f"SELECT {COLUMNS} {waiting} ORDER BY e.at LIMIT {MAX_SENTENCES}", told):
            self._judge_date(entry)
        with connections[SWEEP].cursor() as cursor:
            cursor.execute(f"SELECT count(*), min(e.at) {waiting}", told)
            unsealed, oldest = cursor.fetchone()
        if self._unproved:
            self.findings.remarks.append(
                f"{self._unproved} leaves of other tenants are not proved to be theirs: verify the trail of all."
            )
        if unsealed:
            self.findings.remarks.append(f"{unsealed} entries are not sealed yet, the oldest of {oldest.isoformat()}.")
        return Report(
            findings=tuple(self.findings.sentences),
            count=self.findings.count,
            remarks=tuple(self.findings.remarks),
            sealed=self._tree.size,
            unsealed=unsealed,
            oldest_unsealed=None if oldest is None else oldest.isoformat(),
        )


def _entries(query: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(query, parameters)
        yield from map(read_entry, cursor.fetchall())


def _count(query: str, parameters: dict[str, Any]) -> int:
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(query, parameters)
        return int(cursor.fetchone()[0])


def _minus(at: str, span: timedelta) -> str:
    return (datetime.fromisoformat(at) - span).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
