"""Prove that an entry is in the tree, and that the tree has only grown."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connections

from audit.checkpoints import SWEEP, find_checkpoint, newest_checkpoint
from audit.entry_rows import COLUMNS, WIDTH, read_entry
from audit.errors import EntryNotFound, NotSealed
from audit.merkle import Tree
from audit.verifier import Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """What shows that an entry is in the tree of a checkpoint; `audit.verifier.root_of_path` follows it.

    entry: the columns as they are hashed. path: the hashes beside the way to the root, the nearest first.
    """

    entry: dict[str, Any]
    position: int
    size: int
    path: list[bytes]
    checkpoint: Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """What shows that a checkpoint's tree begins with an older one's; `audit.verifier.is_consistent` follows it."""

    older: Signed
    newer: Signed
    path: list[bytes]


def prove_inclusion(*, tenant_id: UUID, entry_id: UUID) -> Inclusion:
    """Prove by the newest checkpoint that a tenant's entry is in the sealed tree; read by the sweep's role.

    :raises EntryNotFound: there is no such entry. :raises NotSealed: it waits.
    """
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS}, l.ordinal, l.previous_seq, l.position FROM audit_entry e "  # noqa: S608 - constants
            "LEFT JOIN audit_leaf l ON l.seq = e.seq AND l.entry_id = e.id WHERE e.tenant_id = %s AND e.id = %s",
            [tenant_id, entry_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise EntryNotFound("There is no such entry.")
    ordinal, previous_seq, position = row[WIDTH:]
    newest = newest_checkpoint()
    if position is None or newest is None:
        raise NotSealed("The entry is not sealed yet.")
    size = newest.told().size
    return Inclusion(
        entry={**read_entry(row), "ordinal": ordinal, "previous_seq": previous_seq},
        position=position,
        size=size,
        path=kept_tree().inclusion_path(position, size),
        checkpoint=newest.signed,
    )


def prove_consistency(*, older: int, newer: int | None = None) -> Consistency:
    """Prove that the tree of one checkpoint begins with that of an older one, by their numbers.

    newer: the newest one unless said.
    :raises NotSealed: there is no such checkpoint, or they are the wrong way round.
    """
    old = find_checkpoint(older)
    new = newest_checkpoint() if newer is None else find_checkpoint(newer)
    if old is None or new is None or new.number < old.number:
        raise NotSealed("There are no two such checkpoints.")
    path = kept_tree().consistency_path(old.told().size, new.told().size)
    return Consistency(older=old.signed, newer=new.signed, path=path)


def kept_tree() -> Tree:
    """Read the stored tree by the sweep's role, as proofs need it."""
    return Tree(_read_kept)


def _read_kept(level: int, first: int, count: int) -> dict[int, bytes]:
    with connections[SWEEP].cursor() as cursor:
        if level == 0:
            cursor.execute(
                "SELECT position, hash FROM audit_leaf WHERE position >= %s AND position < %s", [first, first + count]
            )
        else:
            cursor.execute(
                "SELECT position, hash FROM audit_node WHERE level = %s AND position >= %s AND position < %s",
                [level, first, first + count],
            )
        return {position: bytes(hashed) for position, hashed in cursor.fetchall()}
