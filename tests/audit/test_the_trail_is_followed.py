"""Whoever follows a trail is given each entry once, however late it was committed."""

from collections.abc import Callable
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

import audit.api
from audit.api import Cursor, CursorOutdated, CursorUnreadable
from config.embedded import paths
from isolation.api import tenant_transaction
from tests.audit.conftest import Trail

pytestmark = pytest.mark.django_db

APPEND = "SELECT audit_append(%s, %s, 'decision', %s, 'user', 'alice', NULL, '{\"by\": 1}'::jsonb)"


def writer(*, autocommit: bool = False) -> psycopg.Connection:
    return psycopg.connect(paths.database_url(paths.APP), autocommit=autocommit)


def page(trail: Trail, after: Cursor | None, limit: int = 100) -> audit.api.Page:
    with tenant_transaction(trail.acme):
        return audit.api.read_page(tenant_id=trail.acme, after=after, limit=limit)


def follow(trail: Trail, after: Cursor | None = None, *, limit: int = 100) -> tuple[list[UUID], Cursor]:
    """Read all that is new, through cursors as they are written into addresses."""
    found: list[UUID] = []
    while True:
        one = page(trail, after and Cursor.read(after.text()), limit)
        found += [entry.id for entry in one.entries]
        after = one.follow
        if one.next is None:
            return found, after


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_an_entry_that_is_committed_late_is_given_once_though_its_number_is_lower(trail: Trail, limit: int) -> None:
    late, soon = uuid4(), uuid4()
    _, after = follow(trail, limit=limit)
    with writer() as slow:
        slow.execute(APPEND, [trail.acme, late, trail.at])
        with writer(autocommit=True) as quick:
            quick.execute(APPEND, [trail.acme, soon, trail.at])
        first, after = follow(trail, after, limit=limit)
        assert first == [soon]
        slow.commit()
    second, after = follow(trail, after, limit=limit)
    assert second == [late]
    assert follow(trail, after, limit=limit)[0] == []


def test_an_older_transaction_that_appends_late_is_given_too(trail: Trail) -> None:
    older, soon, younger = uuid4(), uuid4(), uuid4()
    _, after = follow(trail)
    with writer() as first, writer() as second:
        first.execute("SELECT pg_current_xact_id()")
        second.execute(APPEND, [trail.acme, younger, trail.at])
        first.execute(APPEND, [trail.acme, older, trail.at])
        with writer(autocommit=True) as quick:
            quick.execute(APPEND, [trail.acme, soon, trail.at])
        first.commit()
        given, after = follow(trail, after)
        assert given == [older, soon]
        second.commit()
    assert follow(trail, after)[0] == [younger]


def test_what_is_committed_between_two_pages_comes_behind_them(trail: Trail) -> None:
    _, begun = follow(trail)
    made = trail.append(count=2)
    late = uuid4()
    with writer() as slow:
        slow.execute(APPEND, [trail.acme, late, trail.at])
        with writer(autocommit=True) as quick:
            made.append(uuid4())
            quick.execute(APPEND, [trail.acme, made[-1], trail.at])
        first = page(trail, begun, limit=2)
        slow.commit()
    rest, after = follow(trail, first.next)
    assert [one.id for one in first.entries] + rest == made
    assert follow(trail, after)[0] == [late]


def test_what_is_undone_is_never_given(trail: Trail) -> None:
    _, after = follow(trail)
    with writer() as slow:
        slow.execute(APPEND, [trail.acme, uuid4(), trail.at])
        _, after = follow(trail, after)
        slow.rollback()
    assert follow(trail, after)[0] == []


def test_a_cursor_from_before_a_restore_is_refused(trail: Trail) -> None:
    trail.append()
    _, after = follow(trail)
    assert after.before is not None
    further = msgspec.structs.replace(after.before, beyond=2**60)
    for odd in (msgspec.structs.replace(after, cluster="1"), msgspec.structs.replace(after, before=further)):
        with pytest.raises(CursorOutdated):
            page(trail, odd)


def test_a_restored_trail_is_read_whole_and_followed(trail: Trail) -> None:
    restored, new = uuid4(), uuid4()
    trail.superuser.execute(
        "INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, payload, xid)"
        " VALUES (%s, %s, 'decision', %s, 'user', 'alice', '{}', '1152921504606846976')",
        [restored, trail.acme, trail.at],
    )
    whole, after = follow(trail)
    assert whole.count(restored) == 1
    assert follow(trail, after)[0] == []
    with writer(autocommit=True) as quick:
        quick.execute(APPEND, [trail.acme, new, trail.at])
    assert follow(trail, after)[0] == [new]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.text()[:-3],
        lambda one: one.text() + "AAAA",
        lambda one: msgspec.structs.replace(one, behind=-1).text(),
        lambda one: msgspec.structs.replace(one, behind=2**63).text(),
        lambda one: msgspec.structs.replace(one, before=msgspec.structs.replace(one.before, gaps=(0,))).text(),
    ],
)
def test_a_cursor_that_was_bent_is_refused(trail: Trail, change: Callable[[Cursor], str]) -> None:
    _, after = follow(trail)
    with pytest.raises(CursorUnreadable):
        Cursor.read(change(after))
