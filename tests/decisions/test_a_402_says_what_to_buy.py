"""A refusal for want of a licence says what would bring it, what that would ask, and who may buy it."""

from typing import Any

import pytest
from django.test import Client

from billing import api as billing
from config.billing import StripeSettings
from decisions.offering import ASK_AN_OWNER, ASK_THE_VENDOR, assurance_delta
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, export
from tests.decisions.conftest import World
from tiergate import Level, Requirement, Scope


@pytest.fixture(autouse=True)
def _sold_online(settings: Any) -> None:
    settings.STRIPE = StripeSettings(key="sk_test_tiergate_fake", secrets=("whsec_of_the_tests",))


def refused(client: Client, world: World) -> dict[str, Any]:
    context: dict[str, Any] = ask(client, world.acme_key, export(session=world.asserted()))["context"]
    return context


def test_an_offer_names_plan_feature_and_what_would_be_asked_on_top(client: Client, world: World) -> None:
    context = refused(client, world)
    assert context["feature"] == "exports"
    assert context["current_plan"] == {"plan": "starter", "title": "Starter", "version": 1, "status": "active"}
    first = context["unlocks"][0]
    assert first["assurance_delta"] == first["requires"], "the action asks nothing by itself"
    assert [one["kind"] for one in context["also_requires"]] == ["step_up"]
    assert context["also_requires"][0]["level"] == "aal2"


def test_who_may_not_buy_is_told_whom_to_ask(client: Client, world: World) -> None:
    sold(world)
    context = refused(client, world)
    assert (context["can_purchase"], context["ask"]) == (False, ASK_AN_OWNER)


def made_owner(world: World) -> None:
    licensing.put_member(
        tenant_id=world.acme,
        subject_type="user",
        subject_id="alice",
        roles=["owner", "member"],
        by="test",
        at=clock.now(),
    )


def sold(world: World) -> None:
    """Have what is priced in the catalogue be paid for by a price at Stripe."""
    for one in licensing.list_priced_versions():
        billing.map_price(price=f"price_{one.plan}_{one.number}", plan_version=one.id, by="test", at=world.at)


def test_an_owner_may_buy(client: Client, world: World) -> None:
    made_owner(world)
    sold(world)
    context = refused(client, world)
    assert context["can_purchase"] is True
    assert "ask" not in context


def test_a_price_that_nobody_can_pay_online_is_no_offer(client: Client, world: World) -> None:
    made_owner(world)
    context = refused(client, world)
    assert context["unlocks"][0]["price"] is not None
    assert (context["can_purchase"], context["ask"]) == (False, ASK_THE_VENDOR)
    assert "action" not in context


def test_where_nothing_is_sold_online_even_an_owner_has_to_ask(client: Client, world: World, settings: Any) -> None:
    settings.STRIPE = StripeSettings()
    context = refused(client, world)
    assert (context["can_purchase"], context["ask"]) == (False, ASK_THE_VENDOR)


def test_what_an_exception_takes_away_is_not_sold_to_them(client: Client, world: World) -> None:
    licensing.put_override(
        tenant_id=world.acme,
        feature="exports",
        effect="removed",
        reason="abuse",
        by="test",
        at=clock.now(),
    )
    context = refused(client, world)
    assert (context["outcome"], context["reason"]) == ("deny", "not_entitled")
    assert "unlocks" not in context


@pytest.mark.parametrize(
    ("asked", "after", "delta"),
    [
        (Requirement(), None, {}),
        (Requirement(level=Level.AAL2), Requirement(level=Level.AAL2), {}),
        (Requirement(level=Level.AAL3), Requirement(level=Level.AAL2, max_age=60), {"max_age": 60}),
        (Requirement(max_age=30), Requirement(level=Level.AAL2, max_age=60), {"level": "aal2"}),
        (
            Requirement(),
            Requirement(phishing_resistant=True, scope=Scope.TRANSACTION),
            {"phishing_resistant": True, "scope": "transaction"},
        ),
    ],
)
def test_the_delta_is_only_what_comes_on_top(
    asked: Requirement, after: Requirement | None, delta: dict[str, object]
) -> None:
    assert assurance_delta(asked, after) == delta
