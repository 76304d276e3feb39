"""A change of what a tenant may use, or of what it asks, is told: by the door that makes it, or when time makes it."""

from typing import Any
from uuid import UUID

from django.db import transaction
from msgspec.structs import replace

from isolation.api import tenant_transaction
from licensing import api
from licensing.models import OutboxEvent
from licensing.telling import tell_waiting
from tests.licensing.conftest import AAL3, NOON, later
from tiergate import FeatureKind, FeatureSpec, ResetPeriod, Sensitivity, Term


def told(tenant_id: UUID, kind: str) -> list[dict[str, Any]]:
    with tenant_transaction(tenant_id):
        rows = OutboxEvent.objects.filter(kind=kind).order_by("at", "id")
        return [row.payload["features"] for row in rows]


def subscribe(acme: UUID, plan: str, *, days: float = 0, **parts: Any) -> None:
    api.put_subscription(tenant_id=acme, plan=plan, by="test", at=later(days), **parts)


NOTHING = {"granted": False, "value": None, "limit": None, "unlimited": False, "level": None} | {
    "per": None,
    "overage": False,
    "rollover": None,
}


def granted(**said: Any) -> Any:
    return NOTHING | {"granted": True} | said


def test_an_upgrade_tells_which_features_came_and_what_they_ask(acme: UUID) -> None:
    subscribe(acme, "starter")
    subscribe(acme, "business", days=1)
    first, second = told(acme, "entitlements.changed")
    assert first == {
        "reports": {"old": NOTHING, "new": granted(value=True)},
        "seats": {"old": NOTHING, "new": granted(limit=3)},
    }
    assert second == {
        "exports": {"old": NOTHING, "new": granted(value=True, level="aal2")},
        "seats": {"old": granted(limit=3), "new": granted(limit=40)},
    }
    assert told(acme, "assurance.changed") == [
        {"exports": {"direction": "rose", "old": None, "new": {"level": "aal2", "max_age": 300}}}
    ]


def test_the_same_again_and_what_touches_no_entitlement_tell_nothing(acme: UUID) -> None:
    subscribe(acme, "starter")
    subscribe(acme, "starter", days=1)
    api.put_role(tenant_id=acme, key="boss", privileges=["x.y"], by="test", at=later(2))
    tell_waiting(at=later(3))
    assert len(told(acme, "entitlements.changed")) == 1


def test_changes_of_one_transaction_are_told_together_and_what_was_taken_back_is_not_told(acme: UUID) -> None:
    subscribe(acme, "starter")
    with transaction.atomic(), tenant_transaction(acme):
        subscribe(acme, "regulated", days=1)
        subscribe(acme, "business", days=1)
        api.put_override(tenant_id=acme, feature="reports", effect="removed", reason="misuse", by="test", at=later(1))
        api.remove_override(tenant_id=acme, feature="reports", by="test", at=later(1))
    _first, together = told(acme, "entitlements.changed")
    assert set(together) == {"exports", "seats"}
    assert together["seats"] == {"old": granted(limit=3), "new": granted(limit=40)}
    # What a regulated feature asked for a moment, it goes on asking.
    (assurance,) = told(acme, "assurance.changed")
    assert assurance["exports"]["new"]["level"] == "aal3"


def test_what_time_alone_ends_is_told_when_it_has_ended_and_once(acme: UUID) -> None:
    subscribe(acme, "starter")
    api.put_override(
        tenant_id=acme,
        feature="seats",
        effect="value",
        limit=10,
        reason="fair",
        by="test",
        expires_at=later(5),
        at=NOON,
    )
    assert tell_waiting(at=later(4)) == 0
    assert [tell_waiting(at=later(5)), tell_waiting(at=later(5))] == [1, 0]
    assert told(acme, "entitlements.changed")[-1] == {"seats": {"old": granted(limit=10), "new": granted(limit=3)}}


def test_a_limit_whose_count_begins_anew_less_often_or_that_turns_soft_is_told(acme: UUID) -> None:
    term = Term(feature="seats", limit=9, reset_period=ResetPeriod.DAY)
    others: list[dict[str, Any]] = [{}, {"reset_period": ResetPeriod.MONTH}, {"overage": True}, {"rollover": 2}]
    for days, said in enumerate(others):
        with api.edit_catalogue(by="test", at=NOON) as edit:
            edit.put_plan(api.PlanSpec(key=f"calls{days}", terms=(replace(term, **said),)))
        subscribe(acme, f"calls{days}", days=days)
    found = [one["seats"]["new"] for one in told(acme, "entitlements.changed")]
    assert [(one["per"], one["overage"], one["rollover"]) for one in found] == [
        ("day", False, None),
        ("month", False, None),
        ("day", True, None),
        ("day", False, 2),
    ]


def test_a_catalogue_that_asks_more_of_a_feature_is_told_to_whoever_has_it(acme: UUID) -> None:
    subscribe(acme, "business")
    globex = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    subscribe(globex, "starter")
    with api.edit_catalogue(by="test", at=later(1)) as edit:
        edit.put_feature(
            FeatureSpec(key="exports", kind=FeatureKind.SWITCH, sensitivity=Sensitivity.REGULATED, requirement=AAL3)
        )
    assert tell_waiting(at=later(1)) == 2
    assert [one["exports"]["direction"] for one in told(acme, "assurance.changed")] == ["rose", "rose"]
    assert told(globex, "assurance.changed") == []
    assert tell_waiting(at=later(1)) == 0


def test_what_was_there_before_anything_was_told_is_taken_for_known(acme: UUID) -> None:
    subscribe(acme, "starter")
    with tenant_transaction(acme):
        OutboxEvent.objects.all().delete()
        from licensing.models import ToldStanding  # noqa: PLC0415 - as a release before this one leaves it

        ToldStanding.objects.all().delete()
    assert tell_waiting(at=later(1)) == 1
    assert told(acme, "entitlements.changed") == []
    subscribe(acme, "business", days=2)
    assert [set(one) for one in told(acme, "entitlements.changed")] == [{"exports", "seats"}]
