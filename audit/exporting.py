"""Export the trail so that it can be verified elsewhere: by one file and a public key (`audit.verifier`)."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction

from audit.checkpoints import SWEEP, as_json, newest_checkpoint
from audit.entry_rows import COLUMNS, WIDTH, read_entry
from audit.proofs import kept_tree, prove_consistency
from audit.seal_keys import get_signer
from audit.verifier import EXPORT_FORMAT

_AT_ONCE: Final = 1_000

_SEALED: Final = f"""
    SELECT {COLUMNS}, l.ordinal, l.previous_seq, l.position
    FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry_id AND e.at = l.at AND e.tenant_id = l.tenant_id
    WHERE l.position >= %s AND l.position < %s ORDER BY l.position
"""  # noqa: S608 - constants
_SEALED_OF_TENANT: Final = f"""
    SELECT {COLUMNS}, l.ordinal, l.previous_seq, l.position
    FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry_id AND e.at = l.at AND e.tenant_id = l.tenant_id
    WHERE l.tenant_id = %s AND l.ordinal > %s AND l.ordinal <= %s ORDER BY l.ordinal
"""  # noqa: S608 - constants
_LAST: Final = """
    SELECT l.tenant_id::text, l.ordinal, l.seq, l.entry_id::text FROM audit_leaf l JOIN (
        SELECT tenant_id, max(ordinal) AS ordinal FROM audit_leaf
        WHERE %(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s::uuid GROUP BY tenant_id
    ) AS newest USING (tenant_id, ordinal)
"""
_UNSEALED: Final = f"""
    SELECT {COLUMNS} FROM audit_entry e
    WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.seq = e.seq AND l.entry_id = e.id)
      AND (%(tenant)s::uuid IS NULL OR e.tenant_id = %(tenant)s::uuid) ORDER BY e.xid, e.seq
"""  # noqa: S608 - constants


def export_lines(
    *,
    at: datetime,
    tenant_id: UUID | None = None,
    older: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[str]:
    """Yield the lines of an export: what it holds, signed; then each entry, in the tree's order, with its proof.

    tenant_id: of that tenant alone. older: the number of a checkpoint that the reader has, to be shown that the
    tree still begins with its tree. Reads by the sweep's role, in one snapshot.

    :raises CannotSeal: no key; what an export holds is signed, so that nothing can be cut off.
    :raises NotSealed: there is no such older checkpoint.
    """
    signer = get_signer()
    tenant = None if tenant_id is None else str(tenant_id)
    with transaction.atomic(using=SWEEP, durable=True):
        with connections[SWEEP].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        newest = newest_checkpoint()
        size = newest.told().size if newest else 0
        last = {row[0]: row[1:] for row in _rows(_LAST, {"tenant": tenant})}
        waiting = [read_entry(row) for row in _rows(_UNSEALED, {"tenant": tenant})]
        said = {
            "format": EXPORT_FORMAT,
            "made_at": at.astimezone(UTC).isoformat(),
            "tenant": tenant,
            "checkpoint": as_json(newest.signed) if newest else None,
            "older": None if older is None else _shown(older),
            "last": last,
            "unsealed": len(waiting),
        }
        yield json.dumps(as_json(signer.sign(json.dumps(said, separators=(",", ":")))))
        tree = kept_tree()
        ends = size if tenant is None else max((row[0] for row in last.values()), default=0)
        for done in range(0, ends, _AT_ONCE):
            end = min(done + _AT_ONCE, ends)
            rows = _rows(_SEALED, [done, end]) if tenant is None else _rows(_SEALED_OF_TENANT, [tenant, done, end])
            for row in rows:
                ordinal, previous_seq, position = row[WIDTH:]
                path = [base64.b64encode(one).decode() for one in tree.inclusion_path(position, size)]
                chain = {"ordinal": ordinal, "previous_seq": previous_seq, "position": position, "proof": path}
                yield json.dumps(read_entry(row) | chain)
            if progress is not None:
                progress(end, ends)
        for entry in waiting:
            yield json.dumps(entry)


def _shown(older: int) -> dict[str, Any]:
    proof = prove_consistency(older=older)
    return {"checkpoint": as_json(proof.older), "proof": [base64.b64encode(one).decode() for one in proof.path]}


def _rows(query: str, parameters: Any) -> list[Any]:
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
