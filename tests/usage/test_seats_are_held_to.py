"""Members and open invitations never hold more seats than the plan has."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from licensing import api
from tests.usage.conftest import NOON
from tests.usage.test_a_storm_on_one_limit import storm
from tiergate import Counted, FeatureKind, FeatureSpec, Term

LATER = NOON + timedelta(days=20)


@pytest.fixture
def team(acme: UUID) -> UUID:
    """Acme on a plan with three seats, one of them Alice's."""
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="seats", kind=FeatureKind.LIMIT, counts=Counted.MEMBERS))
        for key, rank, limit in (("small", 1, 3), ("tiny", 0, 1), ("large", 2, 10)):
            edit.put_plan(api.PlanSpec(key=key, rank=rank, terms=(Term(feature="seats", limit=limit),)))
    api.put_subscription(tenant_id=acme, plan="small", by="test", at=NOON)
    join(acme, "alice")
    return acme


def join(tenant_id: UUID, name: str, *, active: bool = True) -> None:
    api.put_member(
        tenant_id=tenant_id, subject_type="user", subject_id=name, roles=["member"], active=active, by="test", at=NOON
    )


def ask_in(tenant_id: UUID, name: str) -> str:
    told, token = api.invite(
        tenant_id=tenant_id, address=f"{name}@acme.example", roles=["member"], by="account:olga", at=NOON
    )
    assert token not in repr(told)
    return token


def accept(tenant_id: UUID, token: str, name: str, *, at: datetime = NOON) -> api.Member:
    return api.accept_invitation(
        tenant_id=tenant_id, token=token, subject_type="user", subject_id=name, by="test", at=at
    )


def taken(tenant_id: UUID) -> tuple[int, int]:
    view = api.usage_of(tenant_id=tenant_id, at=NOON)["seats"]
    return view.used, view.reserved


def test_an_invitation_holds_a_seat_that_joining_takes(team: UUID) -> None:
    token = ask_in(team, "bob")
    join(team, "carol")
    assert taken(team) == (2, 1)
    with pytest.raises(api.NoSeatLeft) as error:
        join(team, "dave")
    assert error.value.extra["usage"] == {"used": 2, "reserved": 1, "limit": 3}
    with pytest.raises(api.NoSeatLeft):
        ask_in(team, "erin")
    assert accept(team, token, "bob").roles == ("member",)
    assert taken(team) == (3, 0)


def test_a_token_is_good_once_for_one_tenant_and_not_for_ever(team: UUID) -> None:
    token = ask_in(team, "bob")
    other = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    api.put_subscription(tenant_id=other, plan="small", by="test", at=NOON)
    for tenant_id, shown, at in ((other, token, NOON), (team, token, LATER), (team, f"{token}x", NOON)):
        with pytest.raises(api.InvitationNotFound):
            accept(tenant_id, shown, "bob", at=at)
    accept(team, token, "bob")
    with pytest.raises(api.InvitationNotFound):
        accept(team, token, "carol")


def test_what_is_taken_back_or_over_holds_no_seat(team: UUID) -> None:
    ask_in(team, "bob")
    ask_in(team, "carol")
    with pytest.raises(api.AlreadyInvited):
        ask_in(team, "Bob")
    first, _second = api.list_invitations(tenant_id=team, at=NOON)
    api.revoke_invitation(tenant_id=team, invitation_id=first.id, by="test", at=NOON)
    assert taken(team) == (1, 1)
    assert api.list_invitations(tenant_id=team, at=LATER) == []


def test_nobody_is_removed_and_nobody_added_after_a_downgrade(team: UUID) -> None:
    join(team, "bob")
    token = ask_in(team, "carol")
    api.put_subscription(tenant_id=team, plan="tiny", by="test", at=NOON)
    assert taken(team) == (2, 1)
    with pytest.raises(api.NoSeatLeft):
        accept(team, token, "carol")
    with pytest.raises(api.NoSeatLeft):
        join(team, "dave")
    join(team, "bob")
    join(team, "bob", active=False)
    with pytest.raises(api.NoSeatLeft):
        join(team, "bob")


def test_nobody_whose_membership_was_ended_comes_back_by_an_invitation_of_before(team: UUID) -> None:
    token = ask_in(team, "bob")
    join(team, "bob", active=False)
    with pytest.raises(api.AlreadyMember):
        accept(team, token, "bob")


def test_nobody_is_invited_to_more_than_the_inviter_holds(team: UUID) -> None:
    with pytest.raises(api.PrivilegeBeyondOwn):
        api.invite(
            tenant_id=team, address="b@acme.example", roles=["owner"], within=frozenset({"x"}), by="test", at=NOON
        )


def test_a_tenant_whose_plan_says_nothing_of_seats_has_none(team: UUID) -> None:
    other = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    with pytest.raises(api.NoSeatLeft):
        join(other, "bob")
    join(api.VENDOR_TENANT_ID, "staff")


@pytest.mark.storm
def test_the_last_seats_go_to_as_many_as_there_are(team: UUID) -> None:
    def act(thread: int, number: int) -> str:
        try:
            if thread % 2:
                join(team, f"m{thread}-{number}")
            else:
                ask_in(team, f"m{thread}-{number}")
        except api.NoSeatLeft:
            return "full"
        return "granted"

    assert storm(act)["granted"] == 2
    assert sum(taken(team)) == 3
