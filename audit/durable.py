"""Append an entry at once: committed when the call returns, alone or with those that come at the same moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from audit.encoding import storable_json
from audit.metrics import count_entry
from audit.people import storable
from audit.together import OfProcess, Values
from isolation.api import global_row

_APPEND: Final = "audit_append_beside(%s, %s, %s, %s, %s, %s, %s, %s::jsonb)"


def append_at_once(
    *,
    tenant_id: UUID,
    entry_id: UUID,
    kind: str,
    at: datetime,
    payload: bytes,
    subject: tuple[str, str],
    session_id: UUID | None = None,
) -> None:
    """Append an entry, so that it stands before anything rests on it; entries of other requests may be committed with it.

    payload: encoded JSON.
    :raises RuntimeError: inside a transaction, whose end would decide whether the entry stands.
    :raises django.db.DatabaseError: it may not stand.
    """
    if connection.in_atomic_block:
        raise RuntimeError("An entry cannot be appended at once inside a transaction.")
    _together.add(
        [
            tenant_id,
            entry_id,
            kind,
            at,
            storable(subject[0]),
            storable(subject[1]),
            session_id,
            storable_json(payload),
        ],
    )
    count_entry(kind)


def _append(entries: Sequence[Values]) -> None:
    global_row(", ".join([_APPEND] * len(entries)), [value for values in entries for value in values])


_together = OfProcess(_append)
