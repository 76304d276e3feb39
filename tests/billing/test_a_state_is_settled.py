"""What a state at Stripe comes to: a table that people can read."""

from datetime import timedelta
from typing import Any

import pytest

from billing.settling import Settled, Sold, Unsettled, settle
from billing.state import StripeSubscription, read_subscription, state_json, state_of
from tests.billing.conftest import NOON, bought, later

SOLD = {
    "price_starter": Sold(kind="plan", key="starter", version=1, rank=1, grace=timedelta(days=7)),
    "price_business": Sold(kind="plan", key="business", version=1, rank=2, grace=timedelta(days=3)),
    "price_seats": Sold(kind="add_on", key="more-seats", version=1, rank=1, grace=timedelta(days=7)),
}


def settled(*state: StripeSubscription) -> Settled:
    found = settle(state, sold=SOLD, at=NOON)
    assert isinstance(found, Settled)
    return found


@pytest.mark.parametrize(
    ("status", "held"),
    [
        ("active", "active"),
        ("trialing", "trialing"),
        ("past_due", "past_due"),
        ("paused", "paused"),
        ("unpaid", None),
        ("canceled", None),
        ("incomplete", None),
        ("incomplete_expired", None),
    ],
)
def test_each_status_of_stripes_says_what_is_had(status: str, held: str | None) -> None:
    found = settled(bought("price_business", status=status))
    assert (found.plan, found.status if found.plan else None) == ("business" if held else None, held)
    assert found.problem == ""


def test_nothing_at_all_is_nothing_that_is_paid_for() -> None:
    assert settled() == Settled()


def test_an_unknown_price_never_means_nothing() -> None:
    assert settle((bought("price_other"),), sold=SOLD, at=NOON) == Unsettled(problem="unknown_price: price_other")
    both = settle((bought("price_business"), bought("price_other", id="sub_2")), sold=SOLD, at=NOON)
    assert both == Unsettled(problem="unknown_price: price_other")


def test_an_unknown_price_of_what_is_over_is_nobodys_trouble() -> None:
    old = bought("price_other", status="canceled", id="sub_0")
    assert settled(old, bought("price_starter")).plan == "starter"


def test_a_status_that_is_not_known_yet_changes_nothing() -> None:
    assert isinstance(settle((bought("price_business", status="hibernating"),), sold=SOLD, at=NOON), Unsettled)


def test_add_ons_come_from_every_subscription() -> None:
    found = settled(bought("price_business"), bought("price_seats", id="sub_2"))
    assert (found.plan, found.add_ons, found.external_id) == ("business", (("more-seats", 1),), "sub_1")


def test_an_add_on_alone_gives_no_plan_and_calls_somebody() -> None:
    found = settled(bought("price_seats"))
    assert (found.plan, found.problem) == (None, "add_on_without_plan: more-seats")


def test_of_two_plans_the_paid_one_holds_then_the_higher_and_somebody_is_called() -> None:
    two = settled(bought("price_starter"), bought("price_business", id="sub_2"))
    assert (two.plan, two.external_id, two.problem[:13]) == ("business", "sub_2", "several_plans")
    paid = settled(bought("price_starter"), bought("price_business", id="sub_2", status="past_due"))
    assert (paid.plan, paid.status) == ("starter", "active")


def test_the_same_plan_paid_for_twice_calls_somebody() -> None:
    twice = settled(bought("price_business"), bought("price_business", id="sub_2"))
    assert (twice.plan, twice.problem[:13]) == ("business", "several_plans")


def test_grace_runs_from_the_invoice_that_nobody_paid_for_as_long_as_the_plan_says() -> None:
    found = settled(bought("price_business", status="past_due", unpaid_since=later(60)))
    assert found.grace_until == later(60) + timedelta(days=3)
    assert settled(bought("price_business", status="past_due")).grace_until == NOON + timedelta(days=3)
    assert settled(bought("price_business", unpaid_since=later(60))).grace_until is None, "who owes nothing needs none"


def test_a_trial_ends_for_who_still_tries_alone() -> None:
    tried, bought_since = (
        settled(bought("price_business", status=one, trial_end=NOON)) for one in ("trialing", "active")
    )
    assert (tried.trial_ends_at, bought_since.trial_ends_at) == (NOON, None)


def test_invoices_that_are_voided_pause_the_plan() -> None:
    assert settled(bought("price_business", is_paused=True)).status == "paused"


def test_an_add_on_whose_own_invoices_are_voided_gives_nothing() -> None:
    assert settled(bought("price_business"), bought("price_seats", id="sub_2", is_paused=True)).add_ons == ()


@pytest.mark.parametrize(
    ("status", "days", "is_had"), [("active", 20, True), ("past_due", 6.9, True), ("past_due", 7, False)]
)
def test_an_add_on_that_is_paid_for_apart_ends_by_what_it_owes_alone(status: str, days: float, *, is_had: bool) -> None:
    state = (bought("price_business"), bought("price_seats", id="sub_2", status=status))
    found = settle(state, sold=SOLD, at=NOON + timedelta(days=days))
    assert isinstance(found, Settled)
    assert found.add_ons == ((("more-seats", 1),) if is_had else ())


def test_an_add_on_that_is_billed_with_the_plan_has_the_plans_own_grace() -> None:
    state = (bought("price_business", "price_seats", status="past_due"),)
    found = settle(state, sold=SOLD, at=NOON + timedelta(days=20))
    assert isinstance(found, Settled)
    assert (found.add_ons, found.grace_until) == ((("more-seats", 1),), NOON + timedelta(days=3))


@pytest.mark.parametrize(
    ("said", "held"),
    [({"behavior": "void"}, "paused"), ({"behavior": "keep_as_draft"}, "active"), (None, "active")],
)
def test_what_is_given_for_nothing_meanwhile_is_had_and_what_is_voided_is_not(said: Any, held: str) -> None:
    price = {"id": "price_business", "product": "prod_1"}
    written = {"id": "sub_1", "status": "active", "created": 1, "pause_collection": said}
    assert settled(read_subscription(written, [{"id": "si_1", "price": price, "quantity": 1}])).status == held


def test_nothing_is_had_of_what_is_bought_zero_times() -> None:
    held: Any = bought("price_business", "price_seats")
    none = [
        one if one.price == "price_business" else type(one)(**{**_members(one), "quantity": 0}) for one in held.items
    ]
    found = settled(type(held)(**{**_members(held), "items": tuple(none)}))
    assert (found.plan, found.add_ons) == ("business", ())


def test_a_state_is_read_as_it_was_written() -> None:
    state = (bought("price_business", "price_seats", cancel_at=later(5), unpaid_since=later(1), upcoming=("p",)),)
    assert state_of(state_json(state)) == state


def _members(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
