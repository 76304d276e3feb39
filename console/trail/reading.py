"""Reading a tenant's trail from one end to the other, a page at a time."""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec

from audit import api as audit
from console.trail.rows import COLUMNS, cells, rows
from console.trail.sentences import sentence
from console.trail.stories import Story, stories
from console.trail.wording import Names, Subject
from isolation.api import tenant_transaction
from licensing import api as licensing

_KNOWN_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which part of a tenant's trail is wanted. since is inclusive, until exclusive; None: no bound."""

    tenant_id: UUID
    subject: Subject | None = None
    kinds: Collection[audit.Kind] | None = None
    since: datetime | None = None
    until: datetime | None = None


def read_entries(asked: Asked) -> Iterator[audit.Entry]:
    """Read the entries that are there when it begins, oldest first; no transaction is held open."""
    after: audit.Cursor | None = None
    while True:
        page = read_page(asked, after=after, limit=audit.MAX_PAGE)
        yield from page.entries
        if page.next is None:
            return
        after = page.next


def read_page(asked: Asked, *, after: audit.Cursor | None, limit: int) -> audit.Page:
    """Read one page of the entries.

    :raises CursorOutdated: the database was restored since the cursor was given.
    """
    with tenant_transaction(asked.tenant_id):
        return audit.read_page(
            tenant_id=asked.tenant_id,
            subject=asked.subject,
            kinds=asked.kinds,
            since=asked.since,
            until=asked.until,
            after=after,
            limit=limit,
        )


def names_in(tenant: licensing.Tenant) -> Names:
    """Return what people are called in a tenant, each looked up once."""

    @lru_cache(maxsize=_KNOWN_AT_ONCE)
    def called(subject: Subject) -> str:
        member = licensing.get_member(tenant_id=tenant.id, subject_type=subject[0], subject_id=subject[1])
        return member.display_name if member else ""

    return Names(tenant=tenant.name, called=called)


def read_stories(asked: Asked) -> Iterator[Story]:
    """Read the trail as stories, in the order of their beginnings."""
    return stories(read_entries(asked))


def as_text(told: Iterator[Story], names: Names) -> Iterator[str]:
    """Write a sentence for each story, below its year."""
    year = None
    for story in told:
        at = story[0].at.astimezone(UTC)
        if at.year != year:
            year = at.year
            yield f"{year} (UTC)"
        yield sentence(story, names)


def as_csv(told: Iterator[Story], names: Names) -> Iterator[str]:
    """Write a line for each entry below a line of headings (RFC 4180), without its line end."""
    writer = csv.writer(_Line(), lineterminator="")
    yield writer.writerow(COLUMNS)
    for story in told:
        for row in rows(story, names):
            yield writer.writerow(cells(row))


def as_json(told: Iterator[Story], names: Names) -> Iterator[str]:
    """Write a JSON array, a line for each entry."""
    before = "["
    for story in told:
        for row in rows(story, names):
            yield before + msgspec.json.encode(row).decode()
            before = ","
    yield "[]" if before == "[" else "]"


class _Line:
    """What the csv module writes to: hands each line back."""

    def write(self, line: str) -> Any:
        """Return the line, which `csv.writer` returns in turn."""
        return line
