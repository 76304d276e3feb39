"""Reading entries of all tenants, by the sweep's role: page by page, so that none is held in memory beyond its page.

For who counts or decides again what was decided. It is no following (`audit.following`): what is committed behind the
walk while it goes on is not read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections

from audit.checkpoints import SWEEP
from audit.kinds import Kind
from audit.people import is_tag
from audit.trail import Entry

type Place = tuple[UUID, int]
"""Behind which entry a page begins: its tenant, and its number."""

_BEFORE: Final[Place] = (UUID(int=0), -1)
_CHOSEN: Final = (
    "kind = %(kind)s AND at >= %(since)s AND at < %(until)s "
    "AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s::uuid)"
)
# In the order of an index of each part, so that a page costs what it holds.
_PAGE: Final = f"""
    SELECT id, tenant_id, seq, kind, at, subject_type, subject_id, session_id, payload::text
    FROM audit_entry WHERE {_CHOSEN} AND (tenant_id, seq) > (%(after_tenant)s, %(after_seq)s)
    ORDER BY tenant_id, seq LIMIT %(limit)s
"""  # noqa: S608 - constants
_COUNT: Final = f"SELECT count(*) FROM audit_entry WHERE {_CHOSEN}"  # noqa: S608 - constants
_NAMES: Final = """
    SELECT person.tenant_id, person.tag, person.subject_type, person.subject_id
    FROM unnest(%s::uuid[], %s::text[]) AS wanted (tenant_id, tag)
    JOIN audit_person AS person ON person.tenant_id = wanted.tenant_id AND person.tag = wanted.tag
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One entry, whose subject is named as far as that can still be said; without what is told under their own key.

    tag: the subject's id as the entry itself has it.
    """

    entry: Entry
    tag: str

    @property
    def is_erased(self) -> bool:
        """Say whether it is about a person whose name nobody can say any more."""
        return self.entry.subject is not None and is_tag(self.entry.subject[1])

    @property
    def place(self) -> Place:
        """Say where the next page begins."""
        return self.entry.tenant_id, self.entry.seq


def sweep_entries(
    *,
    kind: Kind,
    since: datetime,
    until: datetime,
    tenant_id: UUID | None = None,
    after: Place | None = None,
    limit: int = 1_000,
) -> list[Swept]:
    """Read one page of what happened at or after ``since`` and before ``until``, by tenant and number.

    tenant_id: of that tenant alone. after: the place of the last one of the page before.
    """
    place = after or _BEFORE
    rows = _rows(
        _PAGE,
        {
            **_chosen(kind=kind, since=since, until=until, tenant_id=tenant_id),
            "after_tenant": place[0],
            "after_seq": place[1],
            "limit": limit,
        },
    )
    names = _names((row[1], row[6]) for row in rows)
    return [_swept(row, names) for row in rows]


def count_entries(*, kind: Kind, since: datetime, until: datetime, tenant_id: UUID | None = None) -> int:
    """Count what `sweep_entries` would read just now."""
    return int(_rows(_COUNT, _chosen(kind=kind, since=since, until=until, tenant_id=tenant_id))[0][0])


def _chosen(*, kind: Kind, since: datetime, until: datetime, tenant_id: UUID | None) -> dict[str, Any]:
    return {"kind": kind.value, "since": since, "until": until, "tenant": tenant_id}


def _names(wanted: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], tuple[str, str]]:
    tags = sorted({(tenant_id, tag) for tenant_id, tag in wanted if is_tag(tag)})
    if not tags:
        return {}
    rows = _rows(_NAMES, [[tenant_id for tenant_id, _ in tags], [tag for _, tag in tags]])
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def _swept(row: Any, names: dict[tuple[UUID, str], tuple[str, str]]) -> Swept:
    entry_id, tenant_id, seq, kind, at, subject_type, tag, session_id, payload = row
    named = names.get((tenant_id, tag))
    subject = named if named is not None and named[0] == subject_type else (subject_type, tag)
    told = msgspec.json.decode(payload)
    told = {name: value for name, value in told.items() if name != "personal"} if isinstance(told, dict) else {}
    entry = Entry(
        id=entry_id,
        tenant_id=tenant_id,
        seq=seq,
        kind=kind,
        at=at,
        subject=subject if subject_type else None,
        session_id=session_id,
        payload=told,
    )
    return Swept(entry=entry, tag=tag)


def _rows(query: str, parameters: Any) -> list[Any]:
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
