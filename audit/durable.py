"""Append one entry at once: a transaction of its own, committed when the call returns, in one round trip."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from audit.encoding import storable_json
from audit.metrics import count_entry
from audit.people import storable
from isolation.api import tenant_row

_APPEND: Final = "audit_append(%s, %s, %s, %s, %s, %s, %s, %s::jsonb)"


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
    """Append an entry in a transaction of its own, so that it stands before anything rests on it.

    payload: encoded JSON.
    :raises RuntimeError: inside a transaction, whose end would decide whether the entry stands.
    :raises django.db.DatabaseError: it may not stand.
    """
    if connection.in_atomic_block:
        raise RuntimeError("An entry cannot be appended at once inside a transaction.")
    tenant_row(
        tenant_id,
        _APPEND,
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
