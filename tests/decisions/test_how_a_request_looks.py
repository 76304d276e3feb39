"""What a product tells of a request is what rules read; what it tells in two ways that differ nobody knows."""

from typing import Any

import pytest

from decisions import wire
from decisions.evaluate import preview
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import body
from tests.decisions.conftest import World
from tiergate import Circumstances, Facts


def _facts(world: World, *, properties: dict[str, Any] | None = None, **context: Any) -> Facts:
    document = body(session=world.asserted(), **context)
    if properties is not None:
        document["resource"]["properties"] = properties
    return preview(wire.read_question(document, tenant_id=world.acme), at=clock.now())[0].facts


def test_what_the_tenant_holds_is_known_and_the_rest_is_not(world: World) -> None:
    facts = _facts(world)
    assert facts.circumstances == Circumstances(
        scopes=facts.circumstances.scopes, plans=("starter",), zone="UTC", offset=0
    )
    assert facts.circumstances.scopes is not None
    assert facts.session is not None
    assert facts.session.started_at is not None
    assert facts.session.started_at <= facts.at


def test_an_hour_is_the_tenants(world: World) -> None:
    licensing.put_tenant(slug="acme", name="Acme", settings={"timezone": "Asia/Kolkata"}, by="test", at=clock.now())
    looks = _facts(world).circumstances
    assert (looks.zone, looks.offset) == ("Asia/Kolkata", 19_800)


def test_a_transaction_is_read_as_it_is_told(world: World) -> None:
    told = {"type": "payout", "amount": 5_000, "currency": "eur"}
    looks = _facts(world, transaction=told).circumstances
    assert (looks.transaction_type, looks.transaction_amount, looks.transaction_currency) == ("payout", 5_000, "EUR")
    assert looks.has_transaction


def test_what_a_person_confirms_is_the_amount_that_rules_read(world: World) -> None:
    looks = _facts(world, properties={"amount": 700, "currency": "USD", "type": "report"}).circumstances
    assert (looks.transaction_type, looks.transaction_amount, looks.transaction_currency) == (None, 700, "USD")
    assert looks.has_transaction


@pytest.mark.parametrize(
    ("properties", "context"),
    [
        ({"amount": 1_000_000}, {"transaction": {"amount": 1}}),
        ({"amount": 1_000_000}, {"amount": 1}),
        ({"amount": 1}, {"amount": True}),
        ({"amount": 1.0}, {"amount": 1}),
        ({"amount": "5.00"}, {}),
        ({"amount": None}, {}),
        ({}, {"transaction": {"amount": [1]}}),
        ({}, {"transaction": "payout"}),
        ({}, {"transaction": []}),
        ({}, {"transaction": {}}),
    ],
)
def test_an_amount_that_is_unclear_is_none_and_yet_a_transaction(
    world: World, properties: dict[str, Any], context: dict[str, Any]
) -> None:
    looks = _facts(world, properties=properties, **context).circumstances
    assert looks.has_transaction
    assert looks.transaction_amount is None


@pytest.mark.parametrize("currency", ["EURO", "€€€", 5, None, ["EUR"]])
def test_a_currency_that_is_none_is_not_known(world: World, currency: Any) -> None:
    looks = _facts(world, transaction={"amount": 1, "currency": currency}).circumstances
    assert (looks.transaction_amount, looks.transaction_currency) == (1, None)


def test_a_product_vouches_for_place_and_device(world: World) -> None:
    looks = _facts(
        world, origin={"country": "de", "network_class": "vpn"}, device={"id": "d1", "is_known": True}
    ).circumstances
    assert (looks.country, looks.network_class, looks.is_known_device) == ("DE", "vpn", True)


@pytest.mark.parametrize(
    "context",
    [
        {"origin": "web", "device": "d1"},
        {"origin": {"country": "Germany", "network_class": "home"}, "device": {"is_known": 1}},
        {"origin": [], "device": {"is_known": "yes"}},
        {"origin": {"country": 49, "network_class": ["vpn"]}, "device": True},
    ],
)
def test_what_cannot_be_read_is_not_known_and_is_no_error(world: World, context: dict[str, Any]) -> None:
    looks = _facts(world, **context).circumstances
    assert (looks.country, looks.network_class, looks.is_known_device) == (None, "unknown", False)
