"""What billing has found is what a tenant is on: once, open-ended, and by time alone where payment fails."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from isolation.api import tenant_transaction
from licensing import api
from licensing.lasting import holds_until
from licensing.models import OutboxEvent, Subscription
from tests.licensing.conftest import AAL3, NOON, later
from tests.licensing.test_subscriptions_and_overrides import asked, entries, exports, subscribe
from tiergate import FeatureKind, FeatureSpec, Term

pytestmark = pytest.mark.usefixtures("catalogue")


def settle(tenant_id: UUID, plan: str | None, days: float, **more: Any) -> bool:
    return api.settle_subscription(tenant_id=tenant_id, plan=plan, at=later(days), **{"external_id": "sub_1", **more})


def seats(tenant_id: UUID, days: float) -> int | None:
    return api.entitlements_at(tenant_id=tenant_id, at=later(days))["seats"].limit


def told(tenant_id: UUID, days: float) -> api.Subscription:
    return api.get_subscription(tenant_id=tenant_id, at=later(days))


@pytest.fixture
def free(catalogue: None) -> None:
    """A plan to fall to: one seat, and reports."""
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="reports", kind=FeatureKind.SWITCH))
        edit.put_plan(
            api.PlanSpec(
                key="free",
                is_default=True,
                terms=(Term(feature="seats", limit=1), Term(feature="exports", value=True)),
            )
        )


def test_the_same_again_changes_nothing_and_tells_nothing(acme: UUID) -> None:
    given: dict[str, Any] = {"add_ons": [("more-seats", 1)], "period_start": later(0), "period_end": later(30)}
    assert settle(acme, "business", 0, version=1, **given)
    before = (api.snapshot_version(tenant_id=acme), entries(acme))
    assert not settle(acme, "business", 1, version=1, **given)
    assert (api.snapshot_version(tenant_id=acme), entries(acme)) == before
    assert seats(acme, 2) == 50
    assert told(acme, 2).managed_by == "stripe"


def test_the_vendor_is_to_hear_of_each_change_once_and_of_no_person(acme: UUID) -> None:
    for _ in range(2):
        settle(acme, "business", 0)
    subscribe(acme, "starter", 1, take_over=True)
    with tenant_transaction(acme):
        rows = OutboxEvent.objects.filter(tenant_id=acme, kind="subscription.changed").order_by("at")
        told = list(rows.values_list("kind", "payload"))
    assert [(kind, payload["new"]["plan"]) for kind, payload in told] == [
        ("subscription.changed", "business"),
        ("subscription.changed", "starter"),
    ]
    assert all(set(payload) == {"old", "new"} for _kind, payload in told)


def test_a_renewal_is_written_over_the_same_row_and_told(acme: UUID) -> None:
    settle(acme, "business", 0, period_start=later(0), period_end=later(30))
    before = entries(acme)
    assert settle(acme, "business", 30, period_start=later(30), period_end=later(60))
    assert [(one.active_from, one.current_period_end) for one in api.list_subscriptions(tenant_id=acme)] == [
        (NOON, later(60))
    ]
    assert entries(acme) == before + 1


def test_another_status_begins_a_row_of_its_own_so_that_the_past_stays_as_it_was(acme: UUID) -> None:
    settle(acme, "business", 0)
    settle(acme, "business", 5, status="paused")
    assert exports(acme, 4).is_granted
    assert not exports(acme, 6).is_granted


def test_grace_ends_by_time_alone_and_is_told_beforehand(acme: UUID) -> None:
    settle(acme, "business", 0)
    settle(acme, "business", 1, status="past_due")
    assert exports(acme, 2).next_change_at == later(8)
    assert exports(acme, 7.999).is_granted
    assert not exports(acme, 8).is_granted


def test_grace_does_not_begin_again_with_each_failed_attempt(acme: UUID) -> None:
    settle(acme, "business", 0, status="past_due")
    assert not settle(acme, "business", 3, status="past_due")
    assert told(acme, 3).grace_until == later(7)


def test_what_is_paid_after_all_ends_the_grace_and_not_the_plan(acme: UUID) -> None:
    settle(acme, "business", 0, status="past_due")
    settle(acme, "business", 2, status="active")
    assert exports(acme, 30).is_granted
    assert told(acme, 3).grace_until is None


def test_a_plan_sets_its_own_grace(acme: UUID) -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(api.PlanSpec(key="strict", grace_days=0, terms=(Term(feature="exports", value=True),)))
    settle(acme, "strict", 0)
    settle(acme, "strict", 1, status="past_due")
    assert not exports(acme, 1).is_granted


@pytest.mark.usefixtures("free")
def test_where_grace_ends_the_default_plan_goes_on(acme: UUID) -> None:
    settle(acme, "business", 0, status="past_due")
    assert seats(acme, 6.9) == 40
    assert seats(acme, 7) == 1
    on_offer = [api.snapshot_at(tenant_id=acme, at=later(days)).unlocks["exports"] for days in (6.9, 7)]
    assert ["business" in {one.key for one in ways} for ways in on_offer] == [False, True]


@pytest.mark.usefixtures("free")
def test_falling_by_time_alone_asks_no_less_of_a_regulated_feature(acme: UUID) -> None:
    settle(acme, "regulated", 0, status="past_due")
    assert exports(acme, 8).is_granted
    assert asked(acme, 8) == AAL3


@pytest.mark.usefixtures("free")
def test_nothing_paid_for_is_the_default_plan(acme: UUID) -> None:
    settle(acme, "business", 0)
    assert settle(acme, None, 3)
    assert not settle(acme, None, 4)
    assert (told(acme, 5).plan, told(acme, 5).managed_by, seats(acme, 2.9)) == ("free", "", 40)


def test_nothing_paid_for_without_a_default_is_an_end(acme: UUID) -> None:
    settle(acme, "business", 0)
    assert settle(acme, None, 3)
    assert not settle(acme, None, 4)
    with pytest.raises(api.SubscriptionNotFound):
        told(acme, 3)
    assert exports(acme, 2).is_granted


def test_nothing_paid_for_ends_no_agreement_that_billing_does_not_manage(acme: UUID) -> None:
    subscribe(acme, "business", 0)
    assert not settle(acme, None, 1)
    assert exports(acme, 2).is_granted


def test_an_unknown_version_is_refused_and_the_last_good_state_stays(acme: UUID) -> None:
    settle(acme, "business", 0)
    for wrong in ({"plan": "gold"}, {"plan": "business", "version": 9}, {"plan": "business", "add_ons": [("no", 1)]}):
        with pytest.raises(api.UnknownPlan):
            settle(acme, days=1, **wrong)
    assert exports(acme, 2).is_granted


def test_who_pays_for_a_retired_version_keeps_it(acme: UUID) -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.retire_plan("business")
    assert settle(acme, "business", 0, version=1)
    assert exports(acme, 1).is_granted


def test_two_clocks_that_differ_leave_the_last_word_standing(acme: UUID) -> None:
    settle(acme, "starter", 0)
    settle(acme, "business", 1)
    assert settle(acme, "starter", 1 - 1e-5)
    assert [one.plan for one in api.list_subscriptions(tenant_id=acme)] == ["starter", "starter"]


def test_what_billing_manages_is_not_changed_behind_its_back(acme: UUID) -> None:
    settle(acme, "business", 0)
    with pytest.raises(api.SubscriptionManaged):
        subscribe(acme, "starter", 1)
    assert subscribe(acme, "starter", 1, take_over=True).managed_by == ""


def test_the_database_lets_no_grace_be_without_an_end(acme: UUID) -> None:
    settle(acme, "business", 0)
    with tenant_transaction(acme):
        Subscription.objects.filter(tenant_id=acme).update(status="past_due", grace_until=None)
        assert Subscription.objects.get(tenant_id=acme).grace_until is not None


def test_one_default_at_a_time() -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(api.PlanSpec(key="free", is_default=True))
        edit.put_plan(api.PlanSpec(key="basic", is_default=True))
        assert [(one.key, one.new["is_default"]) for one in edit.changes if one.new] == [
            ("free", True),
            ("free", False),
            ("basic", True),
        ]
    with pytest.raises(api.InvalidTerm), api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(api.PlanSpec(key="pack", kind="add_on", is_default=True))


@pytest.mark.parametrize(
    ("said", "until"),
    [
        ({}, None),
        ({"active_to": later(9)}, later(9)),
        ({"cancel_at": later(5)}, later(5)),
        ({"cancel_at": later(5), "managed_by": "stripe"}, later(12)),
        ({"status": "trialing", "trial_ends_at": later(5)}, later(5)),
        ({"status": "active", "trial_ends_at": later(5)}, None),
        ({"status": "trialing", "trial_ends_at": later(5), "managed_by": "stripe", "active_to": later(6)}, later(6)),
        ({"status": "past_due", "grace_until": later(3)}, later(3)),
        ({"status": "past_due"}, NOON),
        ({"status": "active", "grace_until": later(3)}, None),
        (
            {"cancel_at": datetime.max.replace(tzinfo=NOON.tzinfo), "managed_by": "stripe"},
            datetime.max.replace(tzinfo=NOON.tzinfo),
        ),
    ],
)
def test_when_terms_end_by_time_alone(said: dict[str, Any], until: datetime | None) -> None:
    facts: dict[str, Any] = {
        "status": "active",
        "managed_by": "",
        "active_from": NOON,
        "active_to": None,
        "grace_days": 7,
        "trial_ends_at": None,
        "cancel_at": None,
        "grace_until": None,
    }
    assert holds_until(**{**facts, **said}) == until
