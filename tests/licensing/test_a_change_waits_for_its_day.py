"""A downgrade waits for its day, the higher tier holds until then; and a plan is tried once."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, connections

from config.celery import app as celery
from isolation.api import tenant_transaction
from licensing import api
from licensing.models import PendingChange, PlanVersion, TrialUse
from tests.licensing.conftest import AAL3, NOON, later
from tests.licensing.test_http import Caller
from tests.licensing.test_subscriptions_and_overrides import asked, exports, subscribe
from tests.licensing.test_what_is_paid_for_is_settled import seats, settle, told
from tiergate import Term

pytestmark = pytest.mark.usefixtures("catalogue")


@pytest.fixture
def paying(acme: UUID) -> UUID:
    """Acme pays for Business until day 30."""
    settle(acme, "business", 0, period_start=later(0), period_end=later(30))
    return acme


@pytest.fixture
def free(catalogue: None) -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(api.PlanSpec(key="free", is_default=True, terms=(Term(feature="seats", limit=1),)))


def schedule(tenant_id: UUID, plan: str = "starter", days: float = 1, **more: Any) -> api.ScheduledChange:
    return api.schedule_change(tenant_id=tenant_id, plan=plan, by="test", at=later(days), **more)


def states(tenant_id: UUID) -> list[str]:
    with tenant_transaction(tenant_id):
        return list(
            PendingChange.objects.filter(tenant_id=tenant_id).order_by("created_at").values_list("state", flat=True)
        )


def test_the_higher_tier_holds_until_the_day_and_the_grace_have_passed(paying: UUID) -> None:
    change = schedule(paying)
    assert (change.effective_at, change.confirm_by) == (later(30), later(37))
    assert api.apply_due_changes(at=later(36.9)) == 0
    assert told(paying, 36.9).plan == "business"
    assert [api.apply_due_changes(at=later(37)) for _ in range(2)] == [1, 0]
    assert told(paying, 37).plan == "starter"
    assert (exports(paying, 36).is_granted, exports(paying, 37).is_granted) == (True, False)


def test_what_billing_confirms_is_made_so_at_once_and_never_again(paying: UUID) -> None:
    schedule(paying)
    settle(paying, "starter", 30, period_start=later(30), period_end=later(60))
    assert states(paying) == ["applied"]
    settle(paying, "business", 31)
    assert api.apply_due_changes(at=later(40)) == 0
    assert told(paying, 40).plan == "business"


def test_a_renewal_or_a_failed_payment_leaves_it_waiting(paying: UUID) -> None:
    schedule(paying)
    settle(paying, "business", 5, status="past_due")
    settle(paying, "business", 6, period_start=later(1), period_end=later(31))
    assert states(paying) == ["open"]


def test_an_add_on_alone_may_be_dropped_later(acme: UUID) -> None:
    settle(acme, "business", 0, add_ons=[("more-seats", 1)], period_start=later(0), period_end=later(30))
    schedule(acme, "business")
    settle(acme, "business", 5, add_ons=[("more-seats", 1)], status="past_due")
    assert states(acme) == ["open"]
    settle(acme, "business", 30)
    assert (states(acme), seats(acme, 31)) == (["applied"], 40)


@pytest.mark.parametrize("plan", ["regulated", None])
def test_what_came_before_it_overtakes_it(paying: UUID, plan: str | None) -> None:
    schedule(paying)
    settle(paying, plan, 2)
    assert states(paying) == ["cancelled"]
    assert api.apply_due_changes(at=later(40)) == 0


def test_one_is_open_at_a_time(paying: UUID) -> None:
    assert schedule(paying) == schedule(paying, days=2)
    with pytest.raises(api.ChangePending):
        schedule(paying, "regulated")
    api.cancel_change(tenant_id=paying, by="test", at=later(2))
    schedule(paying, "regulated", 3)
    assert states(paying) == ["cancelled", "open"]
    with pytest.raises(IntegrityError, match="one_open"), tenant_transaction(paying), connection.cursor() as cursor:
        cursor.execute("UPDATE licensing_pending_change SET state = 'open', closed_at = NULL")


def test_what_nobody_bills_changes_on_the_day_itself(acme: UUID) -> None:
    subscribe(acme, "business", 0)
    schedule(acme, effective_at=later(9))
    assert api.apply_due_changes(at=later(9)) == 1
    assert told(acme, 9).plan == "starter"


def test_a_scheduled_downgrade_asks_no_less_of_a_regulated_feature(acme: UUID) -> None:
    subscribe(acme, "regulated", 0)
    schedule(acme, "business", effective_at=later(9))
    api.apply_due_changes(at=later(9))
    assert asked(acme, 10) == AAL3


def test_nothing_is_scheduled_for_a_day_that_is_past_or_not_known(acme: UUID) -> None:
    with pytest.raises(api.SubscriptionNotFound):
        schedule(acme)
    subscribe(acme, "business", 0)
    for wrong in ({}, {"effective_at": later(1)}, {"effective_at": later(2), "grace": timedelta(days=-1)}):
        with pytest.raises(api.InvalidRange):
            schedule(acme, **wrong)
    with pytest.raises(api.ChangeNotFound):
        api.cancel_change(tenant_id=acme, by="test", at=later(2))


def test_whatever_is_to_run_again_and_again_is_a_task(settings: Any) -> None:
    celery.autodiscover_tasks(force=True)
    celery.loader.import_default_modules()
    assert {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()} <= set(celery.tasks)


def test_it_is_seen_and_cancelled_over_http(acme: UUID) -> None:
    vendor = Caller(api.VENDOR_TENANT_ID)
    vendor.put("/v1/tenants/acme/subscription", plan="business")
    path = "/v1/tenants/acme/subscription/pending"
    status, body = vendor.put(path, plan="starter", effective_at="2999-01-01T00:00:00Z", grace_days=3)
    assert (status, body["plan"], body["confirm_by"]) == (200, "starter", "2999-01-04T00:00:00Z")
    assert vendor.get(path)[1] == body
    assert (vendor.delete(path), vendor.delete(path), vendor.get(path)[0]) == (204, 404, 404)


@pytest.mark.usefixtures("free")
def test_an_end_comes_to_the_instant_and_leaves_the_default_plan(acme: UUID) -> None:
    subscribe(acme, "business", 0)
    change = api.schedule_change(tenant_id=acme, plan=None, effective_at=later(30), by="test", at=later(1))
    assert (change.plan, change.effective_at, change.confirm_by) == (None, later(30), later(30))
    assert [seats(acme, days) for days in (29.9, 30)] == [40, 1], "whether or not the task comes by"
    assert told(acme, 2).cancel_at == later(30)
    assert api.entitlements_known(tenant_id=acme, at=later(2)).next_change_at == later(30)
    assert [api.apply_due_changes(at=later(days)) for days in (29, 30.1, 31)] == [0, 1, 0]
    assert told(acme, 31).plan == "free"


def test_an_end_is_taken_back_and_is_billings_where_billing_manages(acme: UUID, paying: UUID) -> None:
    with pytest.raises(api.SubscriptionManaged):
        api.schedule_change(tenant_id=paying, plan=None, by="test", at=later(1))
    bolt = api.put_tenant(slug="bolt", name="Bolt", by="test", at=NOON)[0].id
    subscribe(bolt, "business", 0)
    api.schedule_change(tenant_id=bolt, plan=None, effective_at=later(30), by="test", at=later(1))
    api.cancel_change(tenant_id=bolt, by="test", at=later(2))
    assert (told(bolt, 3).cancel_at, seats(bolt, 31), states(bolt)) == (None, 40, ["cancelled"])


# Trials


def try_out(tenant_id: UUID, days: float = 0, plan: str = "business", **more: Any) -> api.Subscription:
    return api.start_trial(tenant_id=tenant_id, plan=plan, days=14, by="test", at=later(days), **more)


@pytest.fixture
def bolt(catalogue: None) -> UUID:
    return api.put_tenant(slug="bolt", name="Bolt", by="test", at=NOON)[0].id


@pytest.mark.usefixtures("free")
def test_a_trial_ends_by_time_alone_and_the_default_plan_goes_on(acme: UUID) -> None:
    settle(acme, None, 0)
    assert try_out(acme, 1).status == "trialing"
    assert [seats(acme, days) for days in (0.5, 14.9, 15)] == [1, 40, 1]
    assert settle(acme, "business", 20)
    assert seats(acme, 20) == 40


@pytest.mark.parametrize("again", [{"domain": "ACME.example."}, {"card_fingerprint": "fp_1"}])
def test_who_comes_again_under_another_name_is_known(acme: UUID, bolt: UUID, again: dict[str, str]) -> None:
    try_out(acme, domain="acme.example", card_fingerprint="fp_1")
    with pytest.raises(api.TrialUsed):
        try_out(bolt, 0, "business", **again)
    with pytest.raises(api.TrialUsed):
        try_out(acme, 20)
    assert try_out(bolt, domain="bolt.example", card_fingerprint="fp_2").plan == "business"


@pytest.mark.parametrize(
    "again",
    [
        *(
            "bücher.example",
            "BÜCHER.example",
            "bu\u0308cher.example",
            "xn--bcher-kva.example",
            "XN--BCHER-KVA.EXAMPLE.",
        ),
        *(
            "www.bücher.example",
            "bücher\u3002example",
            "ｂüｃｈｅｒ.example",
            "ines+2@bücher.example",
            "bu\u00adcher.example",
        ),
    ],
)
def test_a_domain_in_another_spelling_is_the_same_domain(acme: UUID, bolt: UUID, again: str) -> None:
    try_out(acme, domain="bucher.example" if "\u00ad" in again else "bücher.example")
    with pytest.raises((api.TrialUsed, api.InvalidName)):
        try_out(bolt, domain=again)
    assert try_out(bolt, domain="bolt.example").plan == "business"


def test_a_refused_trial_uses_nothing_up(acme: UUID, bolt: UUID) -> None:
    try_out(acme, card_fingerprint="fp_1")
    with pytest.raises(api.TrialUsed):
        try_out(bolt, domain="bolt.example", card_fingerprint="fp_1")
    assert try_out(bolt, domain="bolt.example").plan == "business"


def test_of_two_at_once_from_one_domain_one_tries(acme: UUID, bolt: UUID) -> None:
    outcomes: list[str] = []
    both_ready = threading.Barrier(2)

    def run(tenant_id: UUID) -> None:
        try:
            both_ready.wait(timeout=10)
            outcomes.append(try_out(tenant_id, domain="shared.example").status)
        except api.TrialUsed:
            outcomes.append("used")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(one,)) for one in (acme, bolt)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=20)
    assert sorted(outcomes) == ["trialing", "used"]


def test_nobody_is_read_from_the_marks(acme: UUID) -> None:
    try_out(acme, domain="acme.example", card_fingerprint="fp_1")
    digests = [bytes(one) for one in TrialUse.objects.values_list("digest", flat=True)]
    assert len(set(digests)) == 3
    assert all(len(one) == 32 and b"acme" not in one for one in digests)


def test_a_trial_takes_no_plan_away(acme: UUID, bolt: UUID) -> None:
    subscribe(acme, "starter", 0)
    with pytest.raises(api.PlanHeld):
        try_out(acme, 1)
    settle(bolt, "starter", 0)
    with pytest.raises(api.SubscriptionManaged):
        try_out(bolt, 1)
    assert not TrialUse.objects.exists()


def test_a_change_that_cannot_be_made_keeps_no_other_tenants_from_being_made(paying: UUID) -> None:
    others = [api.put_tenant(slug=slug, name=slug, by="test", at=NOON)[0].id for slug in ("globex", "hooli")]
    for tenant_id in others:
        subscribe(tenant_id, "business", 0)
        schedule(tenant_id, effective_at=later(2))
    schedule(paying)
    of_add_on = PlanVersion.objects.get(plan__key="more-seats")
    PendingChange.objects.using("sweep").filter(tenant_id=paying).update(plan_version=of_add_on)
    assert api.apply_due_changes(at=later(40)) == 2
    assert told(paying, 40).plan == "business"
