"""Following a tenant's trail forward: every entry once, however late its transaction is committed.

Entries are numbered when they are written and seen when that is committed, so a lower number may appear behind a
higher one. Ordering by transaction instead and holding back what is younger than the oldest one under way would give
out nothing while anything at all lasts, and would lose entries in a database that was restored, which counts its
transactions anew from lower numbers than its entries bear. So nothing is held back and the order stays that of the
numbers: a cursor holds which transactions the reader has seen the end of (a snapshot of PostgreSQL's), and what is
new is what that snapshot does not hold.

A walk goes window by window. A window is fixed when it is opened: what is committed now and was not in the window
before. Its pages go by number; behind its last page the next window is opened by the next question.

A restored database is another cluster, or counts from lower: its cursors are refused rather than guessed at. Entries
that bear numbers of the counting before are those up to `Seen.carried`. A reader whose own transaction has appended
sees these as well, and is no follower: whoever follows reads in transactions that write nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from msgspec import Meta

from audit.errors import CursorOutdated, CursorUnreadable
from audit.models import Entry as EntryRow

MAX_CURSOR: Final = 8_000
"""Characters of a cursor, at most: a thousand transactions under way at the same moment, and as many again."""

MAX_NUMBER: Final = 2**63 - 1

_RACE: Final = 2**20
"""How many transactions may begin while one that has its entry's number gets its own: it does nothing in between."""

_IN: Final = "(seq <= %s OR (xid < %s::text::xid8 AND xid <> ALL(%s::text[]::xid8[])))"
_LATE: Final = (
    "seq IN (WITH late AS MATERIALIZED (SELECT seq FROM audit_entry WHERE tenant_id = %s"
    " AND (xid = ANY(%s::text[]::xid8[]) OR (xid >= %s::text::xid8 AND xid < %s::text::xid8)) AND seq > %s)"
    " SELECT seq FROM late)"
)
_NOW: Final = """
    SELECT (SELECT system_identifier::text FROM pg_control_system()),
           pg_snapshot_xmax(pg_current_snapshot())::text,
           ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot())::text),
           (SELECT max(seq) FROM audit_entry WHERE tenant_id = %(tenant)s),
           (SELECT max(seq) FROM audit_entry
            WHERE tenant_id = %(tenant)s AND xid >= pg_snapshot_xmax(pg_current_snapshot()))
"""

type _Whole = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
type _Gap = Annotated[int, Meta(gt=0, le=MAX_NUMBER)]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """The end of which transactions a reader has seen.

    beyond: every transaction from this number on is unseen. gaps: how far below it each lies that was under way.
    top: the tenant's highest number that was seen. carried: entries up to it are from before the database was
    restored, whatever transaction they name.
    """

    beyond: _Whole
    gaps: tuple[_Gap, ...]
    top: _Whole
    carried: _Whole

    def open(self) -> list[str]:
        """List the transactions that were under way."""
        return [str(self.beyond - gap) for gap in self.gaps]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """How far a reader has come; opaque to them.

    before: what windows that are done have given. window: the one that is being read, and ``behind`` how far it was.
    """

    cluster: Annotated[str, Meta(max_length=32)]
    before: Seen | None = None
    window: Seen | None = None
    behind: _Whole = 0

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a cursor that `text` has written; a plain number, as cursors were, is the number of the last entry.

        :raises CursorUnreadable: it is neither.
        """
        if len(text) > MAX_CURSOR or not text.isascii():
            raise CursorUnreadable("after is the next or the follow of the page before.")
        if text.isdigit():
            if len(text) > len(str(MAX_NUMBER)) or int(text) > MAX_NUMBER:
                raise CursorUnreadable("after is the next or the follow of the page before.")
            return cls("", behind=int(text))
        try:
            return msgspec.msgpack.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
        except (ValueError, msgspec.MsgspecError) as error:
            raise CursorUnreadable("after is the next or the follow of the page before.") from error

    def text(self) -> str:
        """Write it so that it fits into an address."""
        return urlsafe_b64encode(msgspec.msgpack.encode(self)).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One page. next: goes on in this window, None behind its last page. follow: goes on with whatever comes."""

    found: list[EntryRow]
    next: Cursor | None
    follow: Cursor


def read_rows(rows: "QuerySet[EntryRow]", *, tenant_id: UUID, after: Cursor | None, limit: int) -> Rows:
    """Read one page of those among ``rows``, all of one tenant, that the cursor has not given yet, by number.

    :raises CursorOutdated: the database is not the one, or no longer as far, as when the cursor was given.
    """
    after = after or Cursor("")
    now = _now(tenant_id, after)
    window = after.window or now.window
    if window is None:
        raise AssertionError("a window is open once it was asked for")
    found: list[EntryRow] = []
    for part in _parts(tenant_id, before=after.before, window=window):
        wanted = part(rows.filter(seq__gt=after.behind, seq__lte=max(window.top, window.carried)))
        if len(found) <= limit:
            found += wanted.order_by("seq")[: limit + 1 - len(found)]
    done = Cursor(now.cluster, before=window)
    if len(found) <= limit:
        return Rows(found=found, next=None, follow=done)
    more = Cursor(
        now.cluster, before=after.before, window=window, behind=found[limit - 1].seq if limit else after.behind
    )
    return Rows(found=found[:limit], next=more, follow=more)


def _now(tenant_id: UUID, after: Cursor) -> Cursor:
    """Open a window: what is committed when this one statement runs."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW, {"tenant": tenant_id})
        cluster, beyond, under_way, top, carried = cursor.fetchone()
    known = [one for one in (after.before, after.window) if one is not None]
    if known and (after.cluster != cluster or max(one.beyond for one in known) > int(beyond)):
        raise CursorOutdated("The database was restored since this cursor was given: read again from an instant on.")
    before = after.before
    seen = Seen(
        beyond=int(beyond),
        gaps=tuple(int(beyond) - int(one) for one in under_way),
        top=max(top or 0, before.top if before else 0),
        carried=max(carried or 0, before.carried if before else 0),
    )
    return Cursor(cluster, window=seen)


type _Part = Callable[["QuerySet[EntryRow]"], "QuerySet[EntryRow]"]


def _parts(tenant_id: UUID, *, before: Seen | None, window: Seen) -> list[_Part]:
    """Part a window so that no read walks through what was given: what came late, then what is numbered higher."""
    is_in = _sql(_IN, [window.carried, str(window.beyond), window.open()])
    if before is None:
        return [lambda rows: rows.filter(is_in)]
    race = [str(before.beyond), str(before.beyond + _RACE)]
    is_late = _sql(_LATE, [tenant_id, before.open(), *race, before.carried])
    return [
        lambda rows: rows.filter(is_late, is_in, seq__lte=before.top),
        lambda rows: rows.filter(is_in, seq__gt=before.top),
    ]


def _sql(condition: str, values: list[Any]) -> RawSQL:
    # Conditions are the constants above; ``xid`` is no column of the model, since nothing else may read it.
    return RawSQL(condition, values, output_field=BooleanField())  # noqa: S611
