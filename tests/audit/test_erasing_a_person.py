"""The trail tells by tag, and can forget whose a tag was without changing a word."""

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext

import audit.api
from audit.api import Kind, PersonNotFound
from isolation.api import CrossTenantError, tenant_transaction
from tests.attacks.parallel import at_once
from tests.isolation.conftest import NOON

pytestmark = pytest.mark.django_db

type Tenants = tuple[UUID, UUID]

ALICE = ("user", "alice")


def append(tenant_id: UUID, **more: Any) -> UUID:
    with tenant_transaction(tenant_id):
        return audit.api.append(
            **{"tenant_id": tenant_id, "kind": Kind.DECISION, "at": NOON, "payload": {}, "subject": ALICE, **more}
        )


def entry_of(tenant_id: UUID, entry_id: UUID, kind: Kind = Kind.DECISION) -> audit.api.Entry:
    with tenant_transaction(tenant_id):
        return audit.api.get_entry(tenant_id=tenant_id, entry_id=entry_id, kind=kind)


def rows(tenant_id: UUID) -> list[tuple[Any, ...]]:
    """What the table itself holds."""
    with tenant_transaction(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kind, subject_type, subject_id, session_id, payload::text FROM audit_entry ORDER BY seq"
        )
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def test_the_table_holds_no_name_and_the_reader_sees_it(tenants: Tenants) -> None:
    acme, _ = tenants
    entry = append(
        acme, payload={"by": "account:bob", "roles": ["admin"]}, personal={"display_name": "Alice Liddell", "ip": "::1"}
    )
    held = next(row for row in rows(acme) if row[0] == entry)
    assert audit.api.is_tag(held[3])
    assert not [word for word in ("alice", "bob", "Liddell", "::1") if word in "".join(map(str, held))]
    found = entry_of(acme, entry)
    assert found.subject == ALICE
    assert found.payload == {"by": "account:bob", "roles": ["admin"]}
    assert found.personal == {"display_name": "Alice Liddell", "ip": "::1"}


def test_a_programs_name_stays_and_cannot_pass_for_a_person(tenants: Tenants) -> None:
    acme, _ = tenants
    tag = audit.api.tag_of(tenant_id=acme, subject=ALICE)
    entry = append(acme, subject=("service", "reports-api"), payload={"by": "credential:reports-api"})
    posing = append(acme, subject=("service", tag), payload={"by": "manage.py"})
    assert next(row[3] for row in rows(acme) if row[0] == entry) == "reports-api"
    assert entry_of(acme, entry).payload == {"by": "credential:reports-api"}
    assert entry_of(acme, posing).subject == ("service", tag)


def test_one_person_has_one_tag_in_a_tenant_and_another_elsewhere(tenants: Tenants) -> None:
    acme, globex = tenants
    tags = {audit.api.tag_of(tenant_id=one, subject=ALICE) for one in tenants for _ in range(3)}
    audit.api.forget_people()
    assert tags == {audit.api.tag_of(tenant_id=acme, subject=ALICE), audit.api.tag_of(tenant_id=globex, subject=ALICE)}
    assert len(tags) == 2


@pytest.mark.parametrize(
    "odd",
    [("user", "a\x00b"), ("user", "\ud800"), ("user", "x" * 200_000), ("t" * 5_000, "x"), ("user", ""), ("", "x")],
)
def test_whatever_a_caller_names_can_be_told_of(tenants: Tenants, odd: tuple[str, str]) -> None:
    acme, _ = tenants
    entry = append(acme, subject=odd, payload={"by": ":".join(odd)})
    found = entry_of(acme, entry)
    assert found.subject is None or len(found.subject[1]) <= 1_000
    with tenant_transaction(acme):
        told = [one.id for one in audit.api.list_entries(tenant_id=acme, subject=odd)]
    assert told == [entry]


def test_a_known_persons_tag_costs_no_statement(tenants: Tenants) -> None:
    acme, _ = tenants
    tag = audit.api.tag_of(tenant_id=acme, subject=ALICE)
    with CaptureQueriesContext(connection) as asked:
        assert audit.api.tag_of(tenant_id=acme, subject=ALICE) == tag
    assert len(asked) == 0


def test_a_tag_made_in_a_transaction_that_fails_is_not_remembered(tenants: Tenants) -> None:
    acme, _ = tenants
    newcomer = ("user", "newcomer")
    lost = ""
    with suppress(RuntimeError), tenant_transaction(acme):
        lost = audit.api.tag_of(tenant_id=acme, subject=newcomer)
        assert audit.api.tag_of(tenant_id=acme, subject=newcomer) == lost
        raise RuntimeError
    with suppress(RuntimeError), tenant_transaction(acme), suppress(RuntimeError), tenant_transaction(acme):
        audit.api.tag_of(tenant_id=acme, subject=newcomer)
        raise RuntimeError
    kept = audit.api.tag_of(tenant_id=acme, subject=newcomer)
    assert kept != lost
    assert entry_of(acme, append(acme, subject=newcomer)).subject == newcomer


def test_a_tag_is_not_made_in_another_tenants_transaction(tenants: Tenants) -> None:
    acme, globex = tenants
    with pytest.raises(CrossTenantError), tenant_transaction(globex):
        audit.api.tag_of(tenant_id=acme, subject=("user", "newcomer"))


def test_whoever_is_met_by_many_at_once_is_one_person(tenants: Tenants) -> None:
    acme, _ = tenants
    for name in ("eve", "frank", "grace"):

        def ask(_number: int, name: str = name) -> str:
            audit.api.forget_people()
            return audit.api.tag_of(tenant_id=acme, subject=("user", name))

        tags = set(at_once(ask))
        assert len(tags) == 1
        assert all(isinstance(tag, str) for tag in tags)


def test_erasing_leaves_every_word_of_the_trail_and_nobody_to_whom_it_leads(tenants: Tenants) -> None:
    acme, globex = tenants
    entry = append(acme, payload={"by": "user:alice"}, personal={"display_name": "Alice Liddell"})
    elsewhere = append(globex, personal={"display_name": "Alice Liddell"})
    before, tag = rows(acme), audit.api.tag_of(tenant_id=acme, subject=ALICE)
    audit.api.erase_person(tenant_id=acme, subject=ALICE, by="account:olga", at=NOON)
    after = rows(acme)
    assert after[: len(before)] == before
    erased = entry_of(acme, after[-1][0], Kind.PERSON_ERASED)
    assert (erased.subject, erased.payload) == (("user", tag), {"by": "account:olga"})
    found = entry_of(acme, entry)
    assert (found.subject, found.personal, found.payload) == (("user", tag), None, {"by": f"user:{tag}"})
    assert entry_of(globex, elsewhere).personal == {"display_name": "Alice Liddell"}
    with tenant_transaction(acme):
        assert audit.api.list_entries(tenant_id=acme, subject=ALICE) == []
    with connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_person WHERE tenant_id = %s AND subject_id = 'alice'", [acme])
        assert cursor.fetchone() == (0,)


def test_the_same_name_met_again_is_another_person(tenants: Tenants) -> None:
    acme, _ = tenants
    old = audit.api.tag_of(tenant_id=acme, subject=ALICE)
    audit.api.erase_person(tenant_id=acme, subject=ALICE, by="manage.py", at=NOON)
    entry = append(acme)
    assert audit.api.tag_of(tenant_id=acme, subject=ALICE) != old
    with tenant_transaction(acme):
        assert [one.id for one in audit.api.list_entries(tenant_id=acme, subject=ALICE)] == [entry]


def test_who_erases_themselves_is_told_of_by_the_tag_that_they_had(tenants: Tenants) -> None:
    acme, _ = tenants
    tag = audit.api.tag_of(tenant_id=acme, subject=ALICE)
    audit.api.erase_person(tenant_id=acme, subject=ALICE, by="user:alice", at=NOON)
    assert entry_of(acme, rows(acme)[-1][0], Kind.PERSON_ERASED).payload == {"by": f"user:{tag}"}
    with pytest.raises(PersonNotFound):
        audit.api.erase_person(tenant_id=acme, subject=ALICE, by="manage.py", at=NOON)


def test_an_erasure_that_is_rolled_back_erased_nobody(tenants: Tenants) -> None:
    acme, _ = tenants
    tag = audit.api.tag_of(tenant_id=acme, subject=ALICE)
    with suppress(RuntimeError), tenant_transaction(acme):
        audit.api.erase_person(tenant_id=acme, subject=ALICE, by="manage.py", at=NOON)
        raise RuntimeError
    assert audit.api.tag_of(tenant_id=acme, subject=ALICE) == tag
    assert entry_of(acme, append(acme)).subject == ALICE


def test_what_is_told_of_a_person_opens_for_its_own_entry_alone(tenants: Tenants) -> None:
    acme, _ = tenants
    sealed = audit.api.seal_personal(tenant_id=acme, subject=ALICE, entry_id=uuid4(), values={"ip": "192.0.2.1"})
    moved = append(acme, payload={"personal": sealed})
    assert entry_of(acme, moved).personal is None


def test_a_new_key_of_the_installation_opens_what_the_old_one_shut(tenants: Tenants, settings: Any) -> None:
    acme, _ = tenants
    entry = append(acme, personal={"ip": "192.0.2.1"})
    old = settings.KEY_RING
    settings.KEY_RING = {"newer": b"n" * 32, **old}
    assert audit.api.reseal_people().moved > 0
    settings.KEY_RING = {"newer": b"n" * 32}
    assert entry_of(acme, entry).personal == {"ip": "192.0.2.1"}
    settings.KEY_RING = old
    found = entry_of(acme, entry)
    assert (found.subject, found.personal) == (ALICE, None)


def test_whose_a_tag_is_cannot_be_rewritten(tenants: Tenants) -> None:
    acme, _ = tenants
    audit.api.tag_of(tenant_id=acme, subject=ALICE)
    for alias in ("default", "sweep"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            tenant_transaction(acme, using=alias),
            connections[alias].cursor() as cursor,
        ):
            cursor.execute("UPDATE audit_person SET subject_id = 'mallory'")
