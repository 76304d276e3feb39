"""What happened is written once, and stays."""

from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connections, transaction

import audit.api
from audit.api import Kind
from isolation.api import CrossTenantError, tenant_transaction
from tests.isolation.conftest import NOON

pytestmark = pytest.mark.django_db

type Tenants = tuple[UUID, UUID]


@pytest.mark.parametrize("alias", ["default", "sweep"])
@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET kind = 'forged'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_no_role_that_serves_changes_or_removes_an_entry(tenants: Tenants, alias: str, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        tenant_transaction(tenants[0], using=alias),
        connections[alias].cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET kind = 'forged'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_not_even_the_tables_owner_changes_or_removes_an_entry(tenants: Tenants, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute(statement)


def test_an_entry_is_read_back_as_it_was_told(tenants: Tenants) -> None:
    acme, globex = tenants
    session = uuid4()
    with tenant_transaction(acme):
        entry = audit.api.append(
            tenant_id=acme,
            kind=Kind.SESSION_STARTED,
            at=NOON,
            payload={"ip": "192.0.2.7", "deep": [1, None]},
            subject=("user", "alice"),
            session_id=session,
        )
        found = audit.api.get_entry(tenant_id=acme, entry_id=entry, kind=Kind.SESSION_STARTED)
        with pytest.raises(audit.api.EntryNotFound):
            audit.api.get_entry(tenant_id=acme, entry_id=entry, kind=Kind.DECISION)
    assert (found.subject, found.session_id, found.at) == (("user", "alice"), session, NOON)
    assert found.payload == {"ip": "192.0.2.7", "deep": [1, None]}
    with tenant_transaction(globex), pytest.raises(audit.api.EntryNotFound):
        audit.api.get_entry(tenant_id=globex, entry_id=entry, kind=Kind.SESSION_STARTED)


def test_an_entry_goes_with_the_transaction_that_it_tells_of(tenants: Tenants) -> None:
    acme, _ = tenants
    with suppress(RuntimeError), tenant_transaction(acme):
        audit.api.append(tenant_id=acme, kind=Kind.DECISION, at=NOON, payload={"lost": True})
        raise RuntimeError
    with tenant_transaction(acme):
        assert all(not one.payload.get("lost") for one in audit.api.list_entries(tenant_id=acme))


def test_an_entry_is_refused_outside_its_tenants_transaction(tenants: Tenants) -> None:
    acme, globex = tenants
    with pytest.raises(CrossTenantError):
        audit.api.append(tenant_id=acme, kind=Kind.DECISION, at=NOON, payload={})
    with tenant_transaction(globex), pytest.raises(CrossTenantError):
        audit.api.append(tenant_id=acme, kind=Kind.DECISION, at=NOON, payload={})


def test_a_page_goes_on_behind_the_one_before_whatever_is_added(tenants: Tenants) -> None:
    acme, _ = tenants
    with tenant_transaction(acme):
        made = [
            audit.api.append(tenant_id=acme, kind=Kind.DECISION, at=NOON, payload={"n": n}, subject=("user", "dora"))
            for n in range(4)
        ]
        first = audit.api.read_page(tenant_id=acme, subject=("user", "dora"), limit=2)
        last = audit.api.append(tenant_id=acme, kind=Kind.DECISION, at=NOON, payload={}, subject=("user", "dora"))
        rest = audit.api.read_page(tenant_id=acme, subject=("user", "dora"), after=first.next)
        added = audit.api.read_page(tenant_id=acme, subject=("user", "dora"), after=rest.follow)
    assert [one.id for page in (first, rest, added) for one in page.entries] == [*made, last]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (b'{"id":"a\\u0000b"}', {"id": "a\ufffdb"}),
        (b'{"id":"a\\\\u0000b"}', {"id": "a\\u0000b"}),
        (b'{"id":"a\\\\\\u0000b"}', {"id": "a\\\ufffdb"}),
        ({"id": "\x00"}, {"id": "\ufffd"}),
    ],
)
def test_a_nul_character_costs_a_character_and_not_the_entry(
    tenants: Tenants, given: dict[str, str] | bytes, stored: dict[str, str]
) -> None:
    acme, _ = tenants
    with tenant_transaction(acme):
        entry = audit.api.append(
            tenant_id=acme, kind=Kind.DECISION, at=NOON, payload=given, subject=("user", "a\x00\ud800")
        )
        found = audit.api.get_entry(tenant_id=acme, entry_id=entry, kind=Kind.DECISION)
    assert found.payload == stored
    assert found.subject == ("user", "a\ufffd?")
