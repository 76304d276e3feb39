"""An entry as it is sealed: every column as text, in the one form that is hashed."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from audit.verifier import LEAF_FORMAT, leaf_bytes, leaf_hash

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


_NO_LENGTH: Final = b"\xff\xff\xff\xff"
_START: Final = b"\x00" + LEAF_FORMAT
_LENGTHS: Final = tuple(length.to_bytes(4, "big") for length in range(256))


def read_entry(row: Sequence[Any]) -> dict[str, Any]:
    """Read an entry from the columns, by the names that `audit.verifier.FIELDS` gives them."""
    return dict(zip(_NAMES, row[:WIDTH], strict=True))


def hash_entry(entry: Mapping[str, Any], *, ordinal: int, previous_seq: int) -> bytes:
    """Hash an entry as its leaf; its tenant's ``ordinal``-th, behind the one with ``previous_seq``."""
    return leaf_hash(leaf_bytes({**entry, "ordinal": ordinal, "previous_seq": previous_seq}))


def hash_row(row: Sequence[Any], *, ordinal: int, previous_seq: int) -> bytes:
    """Hash a row of the columns as ``hash_entry`` does; as a sealer needs it, who has thousands of them a second."""
    parts = [_START]
    for value in (*row[:WIDTH], ordinal, previous_seq):
        if value is None:
            parts.append(_NO_LENGTH)
            continue
        text = str(value).encode("utf-8", "surrogatepass")
        length = len(text)
        parts += (_LENGTHS[length] if length < len(_LENGTHS) else length.to_bytes(4, "big"), text)
    return sha256(b"".join(parts)).digest()
