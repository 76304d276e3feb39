"""An invitation is worth what whoever made it may give now: an admin who is put out has none left to come back by."""

from uuid import UUID

import pytest

import audit.api
from isolation.api import tenant_transaction
from licensing import api
from tests.usage.conftest import NOON, acme, catalogue
from tests.usage.test_seats_are_held_to import accept, taken, team

__all__ = ["acme", "catalogue", "team"]  # fixtures


@pytest.fixture
def house(team: UUID) -> UUID:
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
