"""Append to the trail, and read it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from django.db import connection

from audit.errors import EntryNotFound
from audit.kinds import Kind
from audit.models import Entry as EntryRow
from isolation.api import CrossTenantError, current_tenant_id

_INSERT: Final = (
    "INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, session_id, payload) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb)"
)

# An odd number of backslashes before u0000: the escape of NUL, and not of a backslash.
_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

MAX_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened.

    seq: orders a tenant's entries; the cursor for reading on.
    subject: type and id of whom it was about, or None.
    """

    id: UUID
    tenant_id: UUID
    seq: int
    kind: str
    at: datetime
    subject: tuple[str, str] | None
    session_id: UUID | None
    payload: Any


def append(
    *,
    tenant_id: UUID,
    kind: str,
    at: datetime,
    payload: Mapping[str, Any] | bytes,
    subject: tuple[str, str] | None = None,
    session_id: UUID | None = None,
    entry_id: UUID | None = None,
) -> UUID:
    """Append one entry within the transaction that does what it tells, so that both stand or neither.

    payload: a mapping that JSON can hold, or its encoded bytes. PostgreSQL cannot store NUL characters: they
        become U+FFFD, since an entry with one odd character is worth more than none.
    :raises CrossTenantError: outside a transaction of this tenant.
    """
    if current_tenant_id() != tenant_id:
        raise CrossTenantError("An entry is appended inside a transaction of its own tenant.")
    entry = entry_id or uuid4()
    encoded = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    subject_type, subject_id = subject or ("", "")
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                entry,
                tenant_id,
                str(kind),
                at,
                _storable(subject_type),
                _storable(subject_id),
                session_id,
                _NUL_ESCAPE.sub(rb"\1\\ufffd", encoded).decode(),
            ],
        )
    return entry


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def get_entry(*, tenant_id: UUID, entry_id: UUID, kind: Kind) -> Entry:
    """Read one entry of the tenant whose transaction this is.

    :raises EntryNotFound: no such entry, or one of another kind or tenant.
    """
    row = EntryRow.objects.filter(tenant_id=tenant_id, id=entry_id, kind=kind).first()
    if row is None:
        raise EntryNotFound("There is no such entry.")
    return _told(row)


def list_entries(
    *,
    tenant_id: UUID,
    subject: tuple[str, str] | None = None,
    kinds: Collection[Kind] | None = None,
    since: datetime | None = None,
    after_seq: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Read a page of the tenant's entries, oldest first, within a transaction of that tenant.

    since: only what happened at or after this instant.
    after_seq: go on behind this entry. limit: at most this many, and never more than 500.
    """
    rows = EntryRow.objects.filter(tenant_id=tenant_id)
    if subject is not None:
        rows = rows.filter(subject_type=_storable(subject[0]), subject_id=_storable(subject[1]))
    if kinds is not None:
        rows = rows.filter(kind__in=list(kinds))
    if since is not None:
        rows = rows.filter(at__gte=since)
    if after_seq is not None:
        rows = rows.filter(seq__gt=after_seq)
    return [_told(row) for row in rows.order_by("seq")[: max(0, min(limit, MAX_PAGE))]]


def _told(row: EntryRow) -> Entry:
    return Entry(
        id=row.id,
        tenant_id=row.tenant_id,
        seq=row.seq,
        kind=row.kind,
        at=row.at,
        subject=(row.subject_type, row.subject_id) if row.subject_type else None,
        session_id=row.session_id,
        payload=row.payload,
    )
