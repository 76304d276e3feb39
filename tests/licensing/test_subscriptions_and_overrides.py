"""What a tenant holds, when; and that a regulated feature never asks less."""

import threading
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, transaction

import audit.api
from isolation.api import tenant_transaction
from licensing import api
from licensing.models import Subscription
from tests.licensing.conftest import AAL2, AAL3, NOON, fill, later
from tiergate import Entitlement, Requirement, join

pytestmark = pytest.mark.usefixtures("catalogue")


def exports(tenant_id: UUID, days: float) -> Entitlement:
    return api.entitlements_at(tenant_id=tenant_id, at=later(days))["exports"]


def asked(tenant_id: UUID, days: float) -> Requirement | None:
    return join(exports(tenant_id, days).contributions)


def subscribe(tenant_id: UUID, plan: str, days: float, **more: object) -> api.Subscription:
    return api.put_subscription(tenant_id=tenant_id, plan=plan, by="test", at=later(days), **more)[0]  # type: ignore[arg-type]


def entries(tenant_id: UUID) -> int:
    with tenant_transaction(tenant_id):
        return len(audit.api.list_entries(tenant_id=tenant_id))


def test_a_new_plan_holds_from_its_instant_and_the_old_one_until_it(acme: UUID) -> None:
    subscribe(acme, "starter", 0)
    subscribe(acme, "business", 1, active_from=later(3))
    assert not exports(acme, 2.999).is_granted
    assert exports(acme, 3).is_granted
    assert exports(acme, 2).next_change_at == later(3)
    assert [(one.plan, one.active_to) for one in api.list_subscriptions(tenant_id=acme)] == [
        ("starter", later(3)),
        ("business", None),
    ]


def test_an_end_is_not_part_of_the_range(acme: UUID) -> None:
    subscribe(acme, "business", 0, active_to=later(5))
    assert exports(acme, 4.999).is_granted
    assert not exports(acme, 5).is_granted


def test_what_is_so_already_changes_nothing(acme: UUID) -> None:
    subscribe(acme, "business", 0, add_ons=["more-seats"])
    before = (api.snapshot_version(tenant_id=acme), entries(acme))
    subscribe(acme, "business", 1, add_ons=["more-seats"])
    assert (api.snapshot_version(tenant_id=acme), entries(acme)) == before


def test_a_plan_that_is_published_anew_moves_nobody_who_is_on_it(acme: UUID) -> None:
    subscribe(acme, "business", 0)
    with api.edit_catalogue(by="test", at=NOON) as edit:
        fill(edit, business_price=5900)
    assert subscribe(acme, "business", 1).version == 1
    assert subscribe(acme, "business", 2, version=2).version == 2


def test_add_ons_add_to_limits_and_bring_features(acme: UUID) -> None:
    subscribe(acme, "starter", 0, add_ons=["more-seats", "export-pack"])
    found = api.entitlements_at(tenant_id=acme, at=NOON)
    assert found["seats"].limit == 13
    assert found["exports"].is_granted


def test_a_later_subscription_is_not_run_over(acme: UUID) -> None:
    subscribe(acme, "starter", 0)
    subscribe(acme, "business", 0, active_from=later(10))
    with pytest.raises(api.SubscriptionOverlap) as refused:
        subscribe(acme, "regulated", 1)
    assert refused.value.extra["next_active_from"] == later(10).isoformat()
    subscribe(acme, "regulated", 1, active_to=later(10))
    assert [one.plan for one in api.list_subscriptions(tenant_id=acme)] == ["starter", "regulated", "business"]


@pytest.mark.parametrize("status", ["paused", "canceled"])
def test_a_subscription_that_is_paused_or_cancelled_grants_nothing(acme: UUID, status: str) -> None:
    subscribe(acme, "business", 0)
    subscribe(acme, "business", 1, status=status)
    assert exports(acme, 0.5).is_granted
    assert not exports(acme, 1).is_granted


def test_past_due_is_grace(acme: UUID) -> None:
    subscribe(acme, "business", 0, status="past_due")
    assert exports(acme, 1).is_granted


def test_two_writers_at_once_cannot_make_ranges_overlap(acme: UUID) -> None:
    """Both insert before either commits; the exclusion constraint lets one through."""
    version = subscribe(acme, "starter", 0, active_to=later(1)).id
    outcomes: list[str] = []
    both_ready = threading.Barrier(2)

    def write() -> None:
        try:
            with tenant_transaction(acme), connection.cursor() as cursor:
                both_ready.wait(timeout=10)
                cursor.execute(
                    "INSERT INTO licensing_subscription (id, tenant_id, plan_version_id, status, active_from)"
                    " SELECT gen_random_uuid(), tenant_id, plan_version_id, 'active', active_to"
                    " FROM licensing_subscription WHERE id = %s",
                    [version],
                )
            outcomes.append("stands")
        except (IntegrityError, OperationalError) as error:
            # Each may find the other's row and wait for it: PostgreSQL then ends one of them as a deadlock.
            is_refused = "no_overlap" in str(error) or "deadlock detected" in str(error)
            outcomes.append("refused" if is_refused else repr(error))
        finally:
            connections.close_all()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=20)
    assert sorted(outcomes) == ["refused", "stands"]
    with tenant_transaction(acme):
        assert Subscription.objects.count() == 2


def test_two_who_change_the_plan_at_once_both_leave_one_open_subscription(acme: UUID) -> None:
    subscribe(acme, "starter", 0)
    errors: list[Exception] = []

    def change(plan: str, days: float) -> None:
        try:
            subscribe(acme, plan, days)
        except api.SubscriptionOverlap as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=change, args=args) for args in (("business", 1), ("regulated", 2))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=20)
    open_ones = [one for one in api.list_subscriptions(tenant_id=acme) if one.active_to is None]
    assert len(open_ones) == 1


def test_an_add_on_is_no_plan_and_a_plan_no_add_on(acme: UUID) -> None:
    with pytest.raises(api.UnknownPlan):
        subscribe(acme, "more-seats", 0)
    with pytest.raises(api.UnknownPlan):
        subscribe(acme, "starter", 0, add_ons=["business"])


# The ratchet


def test_a_downgrade_keeps_what_a_regulated_feature_once_asked(acme: UUID) -> None:
    subscribe(acme, "regulated", 0)
    subscribe(acme, "business", 1)
    assert asked(acme, 2) == AAL3


def test_it_keeps_it_through_a_plan_without_the_feature_and_a_pause_between(acme: UUID) -> None:
    subscribe(acme, "regulated", 0, active_to=later(1))
    subscribe(acme, "starter", 3)
    subscribe(acme, "business", 4)
    assert asked(acme, 5) == AAL3


def test_dropping_an_add_on_keeps_what_it_asked(acme: UUID) -> None:
    subscribe(acme, "starter", 0, add_ons=["export-pack"])
    subscribe(acme, "starter", 1)
    assert not exports(acme, 2).is_granted
    assert asked(acme, 2) == AAL2


def test_a_plan_that_was_scheduled_and_never_began_leaves_no_floor(acme: UUID) -> None:
    subscribe(acme, "starter", 0)
    subscribe(acme, "regulated", 0, active_from=later(9))
    subscribe(acme, "business", 1, active_from=later(9))
    assert asked(acme, 10) == AAL2


def test_an_override_of_a_regulated_feature_may_ask_more_and_never_less(acme: UUID) -> None:
    subscribe(acme, "regulated", 0)
    give = {"tenant_id": acme, "feature": "exports", "effect": "inherit", "reason": "audit finding", "by": "test"}
    api.put_override(**give, requirement=AAL2, at=NOON)  # type: ignore[arg-type]
    assert asked(acme, 1) == AAL3, "an override cannot lower what the plan asks"
    stronger = Requirement(level=AAL3.level, max_age=60, approvals=1)
    api.put_override(**give, requirement=stronger, at=NOON)  # type: ignore[arg-type]
    for weaker, expires_at in ((AAL3, None), (None, None), (stronger, later(1))):
        with pytest.raises(api.RegulatedRatchet):
            api.put_override(**give, requirement=weaker, expires_at=expires_at, at=NOON)  # type: ignore[arg-type]
    api.remove_override(tenant_id=acme, feature="exports", by="test", at=NOON)
    assert asked(acme, 1) == stronger


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licensing_override SET requirement = NULL",
        'UPDATE licensing_override SET requirement = \'{"level": "aal1"}\'',
        "UPDATE licensing_override SET expires_at = now() + interval '1 second'",
        "DELETE FROM licensing_override",
        'UPDATE licensing_requirement_floor SET requirement = \'{"level": "aal1"}\'',
        "DELETE FROM licensing_requirement_floor",
    ],
)
def test_the_database_itself_lets_a_regulated_requirement_only_rise(acme: UUID, statement: str) -> None:
    subscribe(acme, "business", 0)
    subscribe(acme, "starter", 1)
    api.put_override(
        tenant_id=acme, feature="exports", effect="inherit", requirement=AAL3, reason="finding", by="test", at=NOON
    )
    with (
        pytest.raises(DatabaseError, match="only rises"),
        tenant_transaction(acme),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_an_override_has_a_reason_and_an_end_in_the_future(acme: UUID) -> None:
    give = {"tenant_id": acme, "feature": "seats", "effect": "value", "limit": 9, "by": "test", "at": NOON}
    with pytest.raises(api.InvalidName):
        api.put_override(**give, reason="  ")  # type: ignore[arg-type]
    with pytest.raises(api.InvalidRange):
        api.put_override(**give, reason="trial", expires_at=NOON)  # type: ignore[arg-type]
    api.put_override(**give, reason="trial", expires_at=later(2))  # type: ignore[arg-type]
    assert api.entitlements_at(tenant_id=acme, at=later(1))["seats"].limit == 9
    assert not api.entitlements_at(tenant_id=acme, at=later(2))["seats"].is_granted


# Generations


def test_a_change_and_its_generation_stand_or_fall_together(acme: UUID) -> None:
    before = api.snapshot_version(tenant_id=acme)
    with transaction.atomic():
        subscribe(acme, "starter", 0)
        assert api.snapshot_version(tenant_id=acme) != before
        transaction.set_rollback(True)
    assert api.snapshot_version(tenant_id=acme) == before
    subscribe(acme, "starter", 0)
    assert api.snapshot_version(tenant_id=acme) != before


def test_a_change_by_hand_is_counted_too_and_counts_for_its_tenant_alone(
    acme: UUID, superuser: psycopg.Connection
) -> None:
    globex = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    api.put_member(tenant_id=acme, subject_type="user", subject_id="al", roles=[], by="test", at=NOON)
    before = {one: api.snapshot_version(tenant_id=one) for one in (acme, globex)}
    superuser.execute("UPDATE licensing_member SET active = false WHERE tenant_id = %s", [acme])
    assert api.snapshot_version(tenant_id=acme) != before[acme]
    assert api.snapshot_version(tenant_id=globex) == before[globex]


def test_no_role_that_serves_sets_a_generation() -> None:
    for statement in ("UPDATE licensing_generation SET number = 1", "SELECT licensing_bump_one(gen_random_uuid())"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
