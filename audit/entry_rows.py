"""An entry as it is sealed: every column as text, in the one form that is hashed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from audit.verifier import leaf_bytes, leaf_hash

COLUMNS: Final = (
    "e.id::text, e.tenant_id::text, e.seq, e.kind, "
    """to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), """
    "e.subject_type, e.subject_id, e.session_id::text, e.payload::text, e.xid::text"
)
"""What to select from ``audit_entry e``."""

_NAMES: Final = (
    *("id", "tenant_id", "seq", "kind", "at", "subject_type", "subject_id", "session_id", "payload", "xid"),
)
WIDTH: Final = len(_NAMES)


def read_entry(row: Sequence[Any]) -> dict[str, Any]:
    """Read an entry from the columns, by the names that `audit.verifier.FIELDS` gives them."""
    return dict(zip(_NAMES, row[:WIDTH], strict=True))


def hash_entry(entry: Mapping[str, Any], *, ordinal: int, previous_seq: int) -> bytes:
    """Hash an entry as its leaf; its tenant's ``ordinal``-th, behind the one with ``previous_seq``."""
    return leaf_hash(leaf_bytes({**entry, "ordinal": ordinal, "previous_seq": previous_seq}))
