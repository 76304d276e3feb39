"""A tenant that has an owner keeps one, whoever changes or ends memberships, and however many do at once."""

import threading
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from django.db import IntegrityError, connection, connections

from isolation.api import tenant_transaction
from licensing import api
from tests.licensing.conftest import NOON

PATIENCE = 30


@pytest.fixture
def house(acme: UUID) -> UUID:
    """Acme, which Alice owns."""
    put(acme, "alice")
    return acme


def put(tenant_id: UUID, name: str, *roles: str, active: bool = True) -> None:
    api.put_member(
        tenant_id=tenant_id,
        subject_type="user",
        subject_id=name,
        roles=roles or ["owner"],
        active=active,
        by="test",
        at=NOON,
    )


def remove(tenant_id: UUID, name: str) -> None:
    api.remove_member(tenant_id=tenant_id, subject_type="user", subject_id=name, by="test", at=NOON)


def delete(tenant_id: UUID, name: str) -> None:
    """Past every door of ours."""
    with tenant_transaction(tenant_id), connection.cursor() as cursor:
        cursor.execute("DELETE FROM licensing_member WHERE subject_id = %s", [name])


def owners(tenant_id: UUID) -> list[str]:
    found = api.list_members(tenant_id=tenant_id)
    return [one.subject_id for one in found if one.active and "owner" in one.roles]


LOSSES: dict[str, Callable[[UUID, str], None]] = {
    "removed": remove,
    "made less": lambda tenant_id, name: put(tenant_id, name, "admin"),
    "put on hold": lambda tenant_id, name: put(tenant_id, name, active=False),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_the_last_owner_of_a_tenant_stays_until_there_is_another(house: UUID, loss: str) -> None:
    put(house, "bob", "admin")
    put(house, "carol", active=False)
    with pytest.raises(api.LastOwner):
        LOSSES[loss](house, "alice")
    assert owners(house) == ["alice"]
    put(house, "bob")
    LOSSES[loss](house, "alice")
    assert owners(house) == ["bob"]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM licensing_member",
        "UPDATE licensing_member SET roles = '{admin}'",
        "UPDATE licensing_member SET active = false",
    ],
)
def test_the_database_itself_keeps_the_last_owner(house: UUID, sql: str) -> None:
    put(house, "bob")
    with pytest.raises(IntegrityError, match="the last owner"), tenant_transaction(house):
        connection.cursor().execute(sql)
    assert owners(house) == ["alice", "bob"]


def test_ownership_is_handed_over_in_one_statement(house: UUID) -> None:
    put(house, "bob", "admin")
    swap = "UPDATE licensing_member SET roles = CASE subject_id WHEN 'bob' THEN '{owner}' ELSE '{admin}' END::text[]"
    with tenant_transaction(house):
        connection.cursor().execute(swap)
    assert owners(house) == ["bob"]


@pytest.mark.parametrize(("status", "left"), [("suspended", ["alice"]), ("closed", [])])
def test_only_a_closed_tenant_lets_its_last_owner_go(house: UUID, status: str, left: list[str]) -> None:
    api.put_tenant(slug="acme", name="Acme", status=status, by="test", at=NOON)
    if left:
        with pytest.raises(api.LastOwner):
            remove(house, "alice")
    else:
        remove(house, "alice")
    assert owners(house) == left


def test_a_tenant_without_an_owner_goes_on_without_one(acme: UUID) -> None:
    put(acme, "bob", "member")
    put(acme, "carol", active=False)
    put(acme, "carol", "member")
    remove(acme, "carol")
    remove(acme, "bob")
    assert api.list_members(tenant_id=acme) == []


def test_an_owner_of_another_tenant_is_no_owner_of_this_one(house: UUID) -> None:
    globex = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    put(globex, "alice")
    with pytest.raises(api.LastOwner):
        remove(house, "alice")


@pytest.mark.parametrize("loss", [remove, delete])
def test_of_two_owners_who_go_at_once_one_stays(
    house: UUID, superuser: psycopg.Connection, loss: Callable[[UUID, str], None]
) -> None:
    put(house, "bob")
    refused: list[Exception] = []

    def go() -> None:
        try:
            loss(house, "bob")
        except (api.LastOwner, IntegrityError) as error:
            refused.append(error)
        finally:
            connections.close_all()

    other = threading.Thread(target=go)
    with tenant_transaction(house):
        loss(house, "alice")
        other.start()
        _wait_until_held_up(superuser)
    other.join(PATIENCE)
    assert not other.is_alive()
    assert len(refused) == 1
    assert owners(house) == ["bob"]


def _wait_until_held_up(superuser: psycopg.Connection) -> None:
    # In the database, which pauses between two looks.
    superuser.execute(
        """
        DO $$
        BEGIN
            FOR look IN 1..3000 LOOP
                PERFORM FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0;
                EXIT WHEN FOUND;
                PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
            END LOOP;
        END $$
        """
    )
    superuser.rollback()
