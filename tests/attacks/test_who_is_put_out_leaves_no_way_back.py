"""An invitation is worth what whoever made it may give now: an admin who is put out has none left to come back by."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from django.db import connections

import audit.api
from config.embedded.processes import wait_until
from isolation.api import tenant_transaction
from licensing import api
from tests.usage.conftest import NOON, acme, catalogue
from tests.usage.test_seats_are_held_to import accept, taken, team

__all__ = ["acme", "catalogue", "team"]  # fixtures

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def house(team: UUID) -> UUID:
    put(team, "alice", ["admin"])
    put(team, "mallory", ["admin"])
    api.put_subscription(tenant_id=team, plan="large", by="test", at=NOON)
    return team


def put(tenant_id: UUID, name: str, roles: list[str], *, active: bool = True) -> None:
    api.put_member(
        tenant_id=tenant_id, subject_type="user", subject_id=name, roles=roles, active=active, by="test", at=NOON
    )


def ask_in(tenant_id: UUID, name: str, roles: list[str], *, by: str = "user:mallory") -> str:
    return api.invite(tenant_id=tenant_id, address=f"{name}@acme.example", roles=roles, by=by, at=NOON)[1]


def revoked(tenant_id: UUID) -> list[str]:
    with tenant_transaction(tenant_id):
        kinds = {audit.api.Kind.INVITATION_REVOKED}
        return [str(one.payload["by"]) for one in audit.api.list_entries(tenant_id=tenant_id, kinds=kinds)]


@pytest.mark.parametrize("how", ["removed", "put on hold", "made less"])
def test_who_is_put_out_or_made_less_has_no_invitation_to_come_back_by(house: UUID, how: str) -> None:
    token = ask_in(house, "m2", ["admin"])
    assert taken(house) == (2, 1)
    if how == "removed":
        api.remove_member(tenant_id=house, subject_type="user", subject_id="mallory", by="user:alice", at=NOON)
    else:
        put(house, "mallory", ["member"], active=how != "put on hold")
    with pytest.raises(api.InvitationNotFound):
        accept(house, token, "m2")
    assert taken(house)[1] == 0
    assert len(revoked(house)) == 1


def test_who_is_put_out_while_they_ask_somebody_in_has_asked_nobody(house: UUID, superuser: psycopg.Connection) -> None:
    """They were let in by a decision before; the change that puts them out ends what it sees, and this it does not."""

    def ask() -> str:
        try:
            api.invite(
                tenant_id=house,
                address="m2@acme.example",
                roles=[],
                inviter=("user", "mallory"),
                by="user:mallory",
                at=NOON,
            )
        except api.PrivilegeBeyondOwn as refused:
            return refused.code
        finally:
            connections.close_all()
        return "asked in"

    def is_waiting() -> bool:
        return superuser.execute(WAITS).fetchone() != (0,)

    with ThreadPoolExecutor(1) as beside:
        with tenant_transaction(house):
            api.remove_member(tenant_id=house, subject_type="user", subject_id="mallory", by="user:alice", at=NOON)
            asking = beside.submit(ask)
            assert wait_until(lambda: asking.done() or is_waiting(), seconds=60)
        assert asking.result(timeout=60) == "privilege_beyond_own"
    assert api.list_invitations(tenant_id=house, at=NOON) == []


def test_who_is_made_less_by_a_role_that_gives_less_gives_no_more_than_that(house: UUID) -> None:
    privileges = next(one.privileges for one in api.list_roles(tenant_id=house) if one.key == "admin")
    api.put_role(tenant_id=house, key="lead", privileges=privileges, by="user:alice", at=NOON)
    put(house, "mallory", ["lead"])
    token = ask_in(house, "m2", ["admin"])
    api.put_role(tenant_id=house, key="lead", privileges=["members.read", "members.write"], by="user:alice", at=NOON)
    with pytest.raises(api.InvitationNotFound):
        accept(house, token, "m2")
    assert api.get_member(tenant_id=house, subject_type="user", subject_id="m2") is None


def test_what_others_have_asked_or_they_may_still_give_stays(house: UUID) -> None:
    kept = ask_in(house, "bob", ["member"])
    put(house, "mallory", ["member"])
    assert accept(house, kept, "bob").roles == ("member",)
    other = ask_in(house, "carol", ["admin"], by="user:alice")
    api.remove_member(tenant_id=house, subject_type="user", subject_id="mallory", by="user:alice", at=NOON)
    assert accept(house, other, "carol").roles == ("admin",)
    assert revoked(house) == []


def test_nobody_lets_in_or_keeps_out_by_an_invitation_to_more_than_they_hold(house: UUID) -> None:
    token = ask_in(house, "bob", ["admin"])
    (asked,) = api.list_invitations(tenant_id=house, at=NOON)
    less = frozenset({"members.write"})
    with pytest.raises(api.PrivilegeBeyondOwn):
        api.accept_invitation(
            tenant_id=house, token=token, subject_type="user", subject_id="bob", within=less, by="x", at=NOON
        )
    with pytest.raises(api.PrivilegeBeyondOwn):
        api.revoke_invitation(tenant_id=house, invitation_id=asked.id, within=less, by="x", at=NOON)
    assert taken(house) == (2, 1)
