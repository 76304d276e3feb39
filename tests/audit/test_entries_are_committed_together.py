"""Entries that come at the same moment share a transaction, and each of them stands before its own caller hears so."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connections, transaction
from psycopg.errors import ProgramLimitExceeded

from audit import api as audit
from audit.models import Entry
from audit.together import LEADERS, MOST, Together, Values, _Waiting
from isolation.api import CrossTenantError, global_row, tenant_transaction
from isolation.clock import now

pytestmark = pytest.mark.django_db

type Tenants = tuple[UUID, UUID]

_BESIDE = "audit_append_beside(%s, %s, 'decision', %s, 'user', '~0', NULL, '{}'::jsonb)"


class Appending:
    """What would append: it notes who came together, and holds everybody up until it is let go."""

    def __init__(self, *, refused: str = "", by: Exception | None = None, lost: bool = False) -> None:
        self.batches: list[list[Any]] = []
        self.let_go = threading.Event()
        self.begun = threading.Semaphore(0)
        self._refused, self._by, self._lost = refused, by or DataError("refused"), lost

    def __call__(self, entries: Sequence[Values]) -> None:
        self.batches.append([one[0] for one in entries])
        self.begun.release()
        assert self.let_go.wait(10)
        if self._lost:
            raise OperationalError("gone")
        if any(one[0] == self._refused for one in entries):
            raise self._by


def added(together: Together, name: str) -> str:
    try:
        together.add([name])
    except DatabaseError as error:
        return f"{name}: {error}"
    return name


def all_added(appending: Appending, names: list[str]) -> list[str]:
    """Let the first ones begin to append, the others come, and then let all go on."""
    together = Together(appending)
    with ThreadPoolExecutor(len(names)) as threads:
        found = [threads.submit(added, together, name) for name in names[:LEADERS]]
        for _ in range(LEADERS):
            assert appending.begun.acquire(timeout=10)
        found += [threads.submit(added, together, name) for name in names[LEADERS:]]
        waited = threading.Event()
        while len(together._waiting) < len(names) - LEADERS:
            waited.wait(0.001)
        appending.let_go.set()
        done = [one.result(10) for one in found]
    assert together._leaders == 0
    assert together._waiting == []
    return done


def test_who_finds_nobody_appending_waits_for_nobody() -> None:
    appending = Appending()
    appending.let_go.set()
    together = Together(appending)
    assert [added(together, name) for name in "abc"] == ["a", "b", "c"]
    assert appending.batches == [["a"], ["b"], ["c"]]


def test_who_comes_while_others_append_goes_with_the_next_ones() -> None:
    appending = Appending()
    names = [f"e{number}" for number in range(LEADERS + MOST + 3)]
    assert all_added(appending, names) == names
    assert sorted(map(len, appending.batches)) == sorted([1] * LEADERS + [MOST, 3])
    assert sorted(name for batch in appending.batches for name in batch) == sorted(names)


def too_much() -> OperationalError:
    """What is too large for an index comes back looking as if the database were away."""
    error = OperationalError("refused")
    error.__cause__ = ProgramLimitExceeded()
    return error


@pytest.mark.parametrize("by", [DataError("refused"), IntegrityError("refused"), too_much()])
def test_an_entry_that_is_refused_takes_no_other_with_it(by: Exception) -> None:
    names = [f"e{number}" for number in range(LEADERS + 4)]
    found = all_added(Appending(refused=names[-2], by=by), names)
    assert found == [f"{name}: refused" if name == names[-2] else name for name in names]


def test_where_the_database_goes_away_everybody_hears_that_it_may_not_stand() -> None:
    names = [f"e{number}" for number in range(LEADERS + 4)]
    assert all_added(Appending(lost=True), names) == [f"{name}: gone" for name in names]


def test_what_breaks_in_one_thread_leaves_nobody_believing_that_their_entry_stands() -> None:
    def break_off(_entries: Sequence[Values]) -> None:
        raise MemoryError

    waiting = [_Waiting([name]) for name in "abc"]
    with pytest.raises(MemoryError):
        Together(break_off)._lead(waiting)
    assert [str(one.error) for one in waiting] == ["The entry was not appended."] * 3
    assert not any(one.gate.locked() for one in waiting[1:]), "nobody is left waiting"


def appended(tenant_id: UUID, text: str = "{}") -> UUID:
    entry_id = uuid4()
    audit.append_at_once(
        tenant_id=tenant_id,
        entry_id=entry_id,
        kind=audit.Kind.DECISION,
        at=now(),
        payload=text.encode(),
        subject=("user", "~0"),
    )
    return entry_id


def ids(tenant_id: UUID) -> set[Any]:
    with tenant_transaction(tenant_id):
        return set(Entry.objects.filter(subject_id="~0").values_list("id", flat=True))


def test_many_threads_of_many_tenants_each_find_theirs_and_nobody_elses(tenants: Tenants) -> None:
    def append(number: int) -> tuple[UUID, UUID]:
        try:
            return tenants[number % 2], appended(tenants[number % 2])
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(append, range(120)))
    for tenant_id in tenants[:2]:
        mine = {entry for whose, entry in found if whose == tenant_id}
        assert len(mine) == 60
        assert ids(tenant_id) == mine


def test_what_is_no_json_is_refused_to_its_own_caller_alone(tenants: Tenants) -> None:
    def append(text: str) -> str:
        try:
            appended(tenants[0], text)
        except DataError:
            return "refused"
        finally:
            connections["default"].close()
        return "stands"

    texts = ['{"n": 1}', "{", '{"n": 2}', '{"n": 3}'] * 10
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(append, texts))
    assert found == ["refused" if text == "{" else "stands" for text in texts]
    assert len(ids(tenants[0])) == 30


def test_nothing_is_appended_beside_what_serves_a_tenant(tenants: Tenants) -> None:
    first, second = tenants[:2]
    with tenant_transaction(first), pytest.raises(DatabaseError, match="serves a tenant"), transaction.atomic():
        global_row(_BESIDE, [second, uuid4(), now()])


def test_a_transaction_that_appended_beside_serves_nobody_afterwards(tenants: Tenants) -> None:
    with transaction.atomic():
        global_row(_BESIDE, [tenants[0], uuid4(), now()])
        (named,) = global_row("nullif(current_setting('app.tenant_id', true), '')", [])
        assert named is None
        with pytest.raises(DatabaseError), transaction.atomic():
            list(Entry.objects.all())
    assert len(ids(tenants[0])) == 1


def test_within_a_transaction_nothing_is_appended_at_once(tenants: Tenants) -> None:
    with tenant_transaction(tenants[0]), pytest.raises((RuntimeError, CrossTenantError)):
        appended(tenants[0])
