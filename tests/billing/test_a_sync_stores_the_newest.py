"""Whoever reads a customer's state stores it only while nobody has read it later: lease and fence, on real rows."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection

import audit.api
from billing import api as billing
from billing import dirty, leases, syncing
from billing.customers import unlink_deleted
from billing.errors import CustomerTaken, PriceTaken, StripeUnavailable
from billing.models import Customer, Snapshot
from billing.prices import map_price
from billing.syncing import Result, sync, sync_tenant, work_off
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.billing.conftest import NOON, Said, at_noon, bought, later, plan_of


def row() -> Customer:
    return Customer.objects.get(stripe_id="cus_acme")


def leased(tenant_id: UUID, *, seconds: float = 0) -> leases.Lease:
    lease = leases.take(tenant_id=tenant_id, owner="somebody", at=later(seconds))
    assert lease is not None
    return lease


def test_what_is_paid_for_is_had(acme: UUID) -> None:
    stripe = Said(bought("price_business", "price_seats"))
    assert work_off(gateway=stripe, clock=at_noon_then_later(), until=later(60)) == 1
    assert plan_of(acme, later(1)) == ("business", "active")
    assert licensing.get_subscription(tenant_id=acme, at=later(1)).add_ons == (("more-seats", 1),)
    assert (row().dirty_at, row().lease_owner, row().done_seq) == (None, "", 1)
    found = billing.read_snapshot(tenant_id=acme)
    assert found is not None
    assert [one.id for one in found[0]] == ["sub_1"]


def test_nobody_is_read_who_is_not_marked(acme: UUID) -> None:
    stripe = Said(bought("price_starter"))
    assert work_off(gateway=stripe, clock=at_noon_then_later(), until=later(60)) == 1
    assert work_off(gateway=stripe, clock=at_noon_then_later(), until=later(60)) == 0
    assert stripe.asked == 1


def test_a_mark_during_the_fetch_makes_it_read_again(acme: UUID) -> None:
    stripe = Said(bought("price_starter"))

    def upgrade(number: int) -> None:
        if number == 1:
            stripe.state = (bought("price_business"),)
            dirty.mark(["cus_acme"], at=later(1))

    stripe.meanwhile = upgrade
    assert sync_tenant(tenant_id=acme, gateway=stripe, clock=at_noon) is Result.SETTLED
    assert stripe.asked == 2
    assert plan_of(acme) == ("business", "active")
    assert row().dirty_at is None


def test_whoever_is_marked_all_the_time_is_given_back_and_stays_marked(acme: UUID) -> None:
    stripe = Said(bought("price_starter"))
    stripe.meanwhile = lambda _number: assert_marked()
    assert sync_tenant(tenant_id=acme, gateway=stripe, clock=at_noon) is Result.SETTLED
    assert stripe.asked == syncing.MOST_ROUNDS
    assert (row().dirty_at is not None, row().lease_owner) == (True, "")


def assert_marked() -> None:
    assert dirty.mark(["cus_acme"], at=later(1)) == 1


def test_a_slow_older_fetch_never_overwrites_a_newer_one(acme: UUID) -> None:
    slow = Said(bought("price_starter"))

    def be_overtaken(_number: int) -> None:
        # The lease of the slow one is over; another worker reads, and stores, meanwhile.
        fast = leased(acme, seconds=61)
        assert sync(fast, gateway=Said(bought("price_business")), clock=lambda: later(61)) is Result.SETTLED

    slow.meanwhile = be_overtaken
    assert sync(leased(acme), gateway=slow, clock=at_noon) is Result.LOST
    assert plan_of(acme, later(70)) == ("business", "active")


def test_the_older_one_stores_nothing_while_the_newer_one_still_reads_either(acme: UUID) -> None:
    slow = Said(bought("price_starter"))
    newer: list[leases.Lease] = []
    slow.meanwhile = lambda _number: newer.append(leased(acme, seconds=61))
    assert sync(leased(acme), gateway=slow, clock=at_noon) is Result.LOST
    assert plan_of(acme, later(70)) is None
    assert row().fence == newer[0].fence == 2


def test_nor_does_what_was_read_earlier_by_the_same_one(acme: UUID) -> None:
    lease = leased(acme)
    earlier, newer = (leases.look(lease, at=NOON) for _ in range(2))
    assert earlier is not None
    assert newer is not None
    assert leases.store(lease, newer, problem="", at=NOON) is False
    assert leases.store(lease, earlier, problem="", at=NOON) is None


def test_a_failure_of_the_older_one_takes_nothing_from_the_newer(acme: UUID) -> None:
    old = leased(acme)
    new = leased(acme, seconds=61)
    assert leases.fail(old, error="late", at=later(62)) is None
    leases.release(old)
    assert leases.look(old, at=later(62)) is None
    assert (row().lease_owner, row().attempts, row().fence) == ("somebody", 0, new.fence)


def test_one_of_many_at_once_reads(acme: UUID) -> None:
    found: list[Any] = []
    barrier = Barrier(6)

    def take() -> None:
        barrier.wait()
        found.append(leases.take_next(owner="thread", at=NOON))
        connection.close()

    threads = [Thread(target=take) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len([one for one in found if one]) == 1
    assert row().fence == 1


@pytest.mark.parametrize(
    "backwards",
    ["fence = fence - 1", "done_seq = -1", "dirty_seq = 0, done_seq = 0, dirty_at = NULL", "fetched_at = NULL"],
)
def test_the_database_lets_no_counter_go_back(acme: UUID, backwards: str) -> None:
    assert sync_tenant(tenant_id=acme, gateway=Said(), clock=at_noon) is Result.SETTLED
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_customer SET {backwards}")  # noqa: S608 - the test's own words


def test_a_clock_that_was_ahead_and_is_put_right_holds_nobody_up(acme: UUID) -> None:
    year = timedelta(days=365)
    sync_tenant(tenant_id=acme, gateway=Said(bought("price_starter")), clock=at_noon)
    # A worker that was a year ahead took a lease and died, another failed, and the database's own clock was ahead, too.
    Customer.objects.update(
        lease_owner="dead", lease_until=NOON + year, fetched_at=clock.now() + year, next_try_at=NOON + year
    )
    dirty.mark(["cus_acme"], at=NOON)
    assert work_off(gateway=Said(bought("price_business")), clock=at_noon_then_later(), until=later(60)) == 1
    assert plan_of(acme, later(1)) == ("business", "active")
    assert row().dirty_at is None


def test_an_unknown_price_keeps_the_last_good_state_and_calls_somebody(acme: UUID) -> None:
    sync_tenant(tenant_id=acme, gateway=Said(bought("price_business")), clock=at_noon)
    for _ in range(2):
        held = sync_tenant(tenant_id=acme, gateway=Said(bought("price_new")), clock=lambda: later(60))
        assert held is Result.HELD
    assert plan_of(acme, later(61)) == ("business", "active")
    (letter,) = billing.list_dead_letters()
    assert (letter.kind, letter.ref, letter.problem) == ("customer", "cus_acme", "unknown_price: price_new")
    with tenant_transaction(acme):
        kept = Snapshot.objects.get(tenant_id=acme)
        entries = [one.kind for one in audit.api.list_entries(tenant_id=acme, limit=100)]
    assert kept.settled is not None
    assert (kept.settled["plan"], kept.state["subscriptions"][0]["items"][0]["price"]) == ("business", "price_new")
    assert entries.count("billing.held") == 1


def test_a_price_that_is_mapped_later_settles_what_was_held(acme: UUID) -> None:
    stripe = Said(bought("price_new"))
    sync_tenant(tenant_id=acme, gateway=stripe, clock=at_noon)
    version = next(one.id for one in licensing.list_priced_versions() if one.plan == "business")
    billing.map_price(price="price_new", plan_version=version, by="test", at=NOON)
    assert billing.replay(ref="cus_acme", by="test", at=NOON)
    assert work_off(gateway=stripe, clock=at_noon_then_later(), until=later(60)) == 1
    assert plan_of(acme, later(1)) == ("business", "active")
    assert billing.list_dead_letters() == []


def test_stripe_away_changes_nothing_is_tried_later_and_for_ever_and_calls_somebody(acme: UUID) -> None:
    class Away:
        def subscriptions_of(self, customer: str) -> Any:
            raise StripeUnavailable(customer)

    for number in range(leases.CALLED_AFTER + 1):
        at = NOON + timedelta(hours=2 * number)
        assert sync_tenant(tenant_id=acme, gateway=Away(), clock=lambda at=at: at) is Result.FAILED  # type: ignore[misc]
        assert row().next_try_at is not None
        assert leases.take_next(owner="other", at=at) is None, "it waits first"
        assert (row().dead_at is not None) == (number + 1 >= leases.CALLED_AFTER)
    assert row().dirty_at is not None
    assert plan_of(acme) is None
    late = NOON + timedelta(days=2)
    assert sync_tenant(tenant_id=acme, gateway=Said(bought("price_business")), clock=lambda: late) is Result.SETTLED
    assert (row().dead_at, row().attempts) == (None, 0)


def test_a_subscription_that_ends_leaves_nothing_and_what_stripe_does_not_manage_stays(acme: UUID) -> None:
    sync_tenant(tenant_id=acme, gateway=Said(bought("price_business")), clock=at_noon)
    ended = Said(bought("price_business", status="canceled"))
    sync_tenant(tenant_id=acme, gateway=ended, clock=lambda: later(60))
    assert plan_of(acme, later(61)) in {None, ("business", "canceled")}
    assert not licensing.entitlements_at(tenant_id=acme, at=later(61))["exports"].is_granted
    licensing.put_subscription(tenant_id=acme, plan="starter", by="olga", at=later(90))
    sync_tenant(tenant_id=acme, gateway=ended, clock=lambda: later(120))
    assert plan_of(acme, later(121)) == ("starter", "active")


def at_noon_then_later() -> Any:
    """A clock that goes on by a millisecond each time it is asked."""
    ticks = iter(range(1_000_000))
    return lambda: later(next(ticks) / 1000)


def test_a_price_and_an_account_are_of_one_thing_for_good(acme: UUID) -> None:
    versions = {one.plan: one.id for one in licensing.list_priced_versions()}
    assert not map_price(price="price_starter", plan_version=versions["starter"], by="test", at=NOON)
    with pytest.raises(PriceTaken):
        map_price(price="price_starter", plan_version=versions["business"], by="test", at=NOON)
    other = licensing.put_tenant(slug="other", name="Other", by="test", at=NOON)[0].id
    assert not billing.link_customer(tenant_id=acme, stripe_id="cus_acme", by="test", at=NOON)
    for tenant, account in ((acme, "cus_second"), (other, "cus_acme")):
        with pytest.raises(CustomerTaken):
            billing.link_customer(tenant_id=tenant, stripe_id=account, by="test", at=NOON)
    assert not billing.want_customer(tenant_id=acme, name="Acme", at=NOON), "who has an account needs no second one"
    assert not unlink_deleted(tenant_id=acme, stripe_id="cus_of_before", at=NOON)
    assert billing.get_customer(tenant_id=acme).stripe_id == "cus_acme"
