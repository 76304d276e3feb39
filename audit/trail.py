"""Append to the trail, and read it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from django.db import connection
from django.db.models import QuerySet

from audit.encoding import storable_json
from audit.errors import EntryNotFound
from audit.following import Cursor, read_rows
from audit.kinds import Kind
from audit.metrics import count_entry
from audit.models import Entry as EntryRow
from audit.people import Names, erase_row, ids_in_trail, names_of, seal_personal, storable, tag_of, tagged_actor
from isolation.api import CrossTenantError, current_tenant_id

_INSERT: Final = (
    "INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, session_id, payload) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb)"
)

MAX_PAGE: Final = 500

ACTORS: Final = ("by", "asked_by", "impersonated_by")
"""The members of a payload that say who did something: a program's name, or ``type:tag``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened.

    seq: orders a tenant's entries as they were written, which is not quite how they were committed.
    subject: type and id of whom it was about, or None; the id of one who was erased is a tag (`people.is_tag`).
    personal: what is told of the subject under their own key; None where there is nothing, or nobody can read it.
    is_lost: something was told of the subject that nobody can read any more.
    """

    id: UUID
    tenant_id: UUID
    seq: int
    kind: str
    at: datetime
    subject: tuple[str, str] | None
    session_id: UUID | None
    payload: Any
    personal: Any = None
    is_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries by number. next: where more waits, None where nothing does. follow: where whatever comes goes on."""

    entries: list[Entry]
    next: Cursor | None
    follow: Cursor


def append(
    *,
    tenant_id: UUID,
    kind: str,
    at: datetime,
    payload: Mapping[str, Any] | bytes,
    subject: tuple[str, str] | None = None,
    session_id: UUID | None = None,
    entry_id: UUID | None = None,
    personal: Mapping[str, Any] | None = None,
) -> UUID:
    """Append one entry within the transaction that does what it tells, so that both stand or neither.

    payload: a mapping that JSON can hold, or its encoded bytes. PostgreSQL cannot store NUL characters: they
        become U+FFFD, since an entry with one odd character is worth more than none. A person's id, as that of
        ``subject`` or in a mapping's ``by``, is stored as a tag; encoded bytes must hold tags already.
    personal: what is told of the subject and nobody may read once they are erased; needs a subject and a mapping.
    :raises CrossTenantError: outside a transaction of this tenant.
    """
    if current_tenant_id() != tenant_id:
        raise CrossTenantError("An entry is appended inside a transaction of its own tenant.")
    entry = entry_id or uuid4()
    if personal and subject is not None and not isinstance(payload, bytes):
        sealed = seal_personal(tenant_id=tenant_id, subject=subject, entry_id=entry, values=personal)
        payload = {**payload, "personal": sealed}
    subject_type, subject_id = subject or ("", "")
    if subject is not None:
        subject_id = tag_of(tenant_id=tenant_id, subject=subject)
    if not isinstance(payload, bytes) and isinstance(payload.get("by"), str):
        payload = {**payload, "by": tagged_actor(tenant_id=tenant_id, actor=payload["by"])}
    encoded = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    _insert(
        tenant_id=tenant_id,
        entry_id=entry,
        kind=kind,
        at=at,
        subject=(subject_type, subject_id),
        session_id=session_id,
        encoded=encoded,
    )
    return entry


def append_erasure(*, tenant_id: UUID, subject: tuple[str, str], by: str, at: datetime) -> None:
    """Erase a person within a transaction of the tenant, and append that it was done, about what is left: the tag.

    :raises PersonNotFound: the trail knows nobody of that name.
    """
    # First, since whoever erases themselves has the same tag, and no other afterwards.
    author = tagged_actor(tenant_id=tenant_id, actor=by)
    tag = erase_row(tenant_id=tenant_id, subject=subject)
    _insert(
        tenant_id=tenant_id,
        entry_id=uuid4(),
        kind=Kind.PERSON_ERASED,
        at=at,
        subject=(subject[0], tag),
        session_id=None,
        encoded=msgspec.json.encode({"by": author}),
    )


def _insert(
    *,
    tenant_id: UUID,
    entry_id: UUID,
    kind: str,
    at: datetime,
    subject: tuple[str, str],
    session_id: UUID | None,
    encoded: bytes,
) -> None:
    about = storable(subject[0]), subject[1]
    row: list[Any] = [entry_id, tenant_id, str(kind), at, *about, session_id, storable_json(encoded)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row)
    count_entry(kind)


def get_entry(*, tenant_id: UUID, entry_id: UUID, kind: Kind) -> Entry:
    """Read one entry of the tenant whose transaction this is.

    :raises EntryNotFound: no such entry, or one of another kind or tenant.
    """
    row = EntryRow.objects.filter(tenant_id=tenant_id, id=entry_id, kind=kind).first()
    if row is None:
        raise EntryNotFound("There is no such entry.")
    return _told([row])[0]


def list_entries(
    *,
    tenant_id: UUID,
    subject: tuple[str, str] | None = None,
    kinds: Collection[Kind] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Read the first of the tenant's entries, oldest first, within a transaction of that tenant.

    since, until: only what happened at or after the one, and before the other.
    limit: at most this many, and never more than 500; `read_page` goes on behind them.
    """
    rows = _chosen(tenant_id=tenant_id, subject=subject, kinds=kinds, since=since, until=until)
    return _told(rows.order_by("seq")[: _bounded(limit)])


def read_page(
    *,
    tenant_id: UUID,
    subject: tuple[str, str] | None = None,
    kinds: Collection[Kind] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: Cursor | None = None,
    limit: int = 100,
) -> Page:
    """Read a page of the tenant's entries, each once however late it is committed (`audit.following`).

    Takes a transaction of that tenant which writes nothing. after: where the page before ended; None begins.
    since, until, limit: as for `list_entries`.
    :raises CursorOutdated: the database was restored since the cursor was given.
    """
    rows = _chosen(tenant_id=tenant_id, subject=subject, kinds=kinds, since=since, until=until)
    page = read_rows(rows, tenant_id=tenant_id, after=after, limit=_bounded(limit))
    return Page(entries=_told(page.found), next=page.next, follow=page.follow)


def _bounded(limit: int) -> int:
    return max(0, min(limit, MAX_PAGE))


def _chosen(
    *,
    tenant_id: UUID,
    subject: tuple[str, str] | None,
    kinds: Collection[Kind] | None,
    since: datetime | None,
    until: datetime | None,
) -> QuerySet[EntryRow]:
    rows = EntryRow.objects.filter(tenant_id=tenant_id)
    if subject is not None:
        known_as = ids_in_trail(tenant_id=tenant_id, subject=subject)
        rows = rows.filter(subject_type=storable(subject[0]), subject_id__in=known_as)
    if kinds is not None:
        rows = rows.filter(kind__in=list(kinds))
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    return rows


def _told(rows: Iterable[EntryRow]) -> list[Entry]:
    """Read a page of one tenant's rows, with names in place of the tags of people who are still known."""
    page = list(rows)
    if not page:
        return []
    tags = [row.subject_id for row in page]
    tags += [str(row.payload.get(member, "")).partition(":")[2] for row in page for member in ACTORS]
    names = names_of(tenant_id=page[0].tenant_id, tags=tags)
    return [_entry(row, names) for row in page]


def _entry(row: EntryRow, names: Names) -> Entry:
    payload = dict(row.payload) if isinstance(row.payload, dict) else {}
    for member in ACTORS:
        if isinstance(payload.get(member), str):
            payload[member] = names.actor(payload[member])
    sealed = payload.pop("personal", None)
    personal = names.opened(tag=row.subject_id, entry_id=row.id, sealed=sealed)
    return Entry(
        id=row.id,
        tenant_id=row.tenant_id,
        seq=row.seq,
        kind=row.kind,
        at=row.at,
        subject=names.subject(row.subject_type, row.subject_id) if row.subject_type else None,
        session_id=row.session_id,
        payload=payload,
        personal=personal,
        is_lost=sealed is not None and personal is None,
    )
