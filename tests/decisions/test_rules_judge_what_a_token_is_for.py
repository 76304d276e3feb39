"""A token is judged by rules as the call would be that it stands for: by what was confirmed for just that."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from decisions.policy import memory
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, body
from tests.decisions.bundles import put_in_force, ruled
from tests.decisions.conftest import World
from tests.decisions.test_a_token_is_good_for_one_task import elevated, introspected, reader, take
from tiergate import ActionSpec, Level, Reason, Requirement, Scope

__all__ = ["reader"]

PAYEE = {"name": "ACME Ltd", "iban": "DE02120300000000202051"}


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


@pytest.fixture
def bank(world: World) -> World:
    """Whoever approves a payment confirms amount and account; the account stands deeper than rules read."""
    once = Requirement(level=Level.AAL2, max_age=120, scope=Scope.TRANSACTION)
    with licensing.edit_catalogue(by="test", at=clock.now()) as edit:
        edit.put_action(
            ActionSpec(
                name="payments.approve",
                title="Approve a payment",
                resource_type="payment",
                privilege="payments.approve",
                binds=("resource.properties.amount", "resource.properties.payee.iban"),
                requirement=once,
            )
        )
    return world


def paying(**context: Any) -> dict[str, Any]:
    properties = {"amount": 1200, "payee": PAYEE}
    return body("payments.approve", resource=("payment", "7"), properties=properties, **context)


# Each holds, or not, by what was shown for this very payment; and one by its amount alone.
REFUSES = [
    ("assurance.level == 2 && !assurance.is_phishing_resistant", "forbid: true", Reason.FORBIDDEN_BY_POLICY),
    ("assurance.level == 2", "require: {phishing_resistant: true}", Reason.ENROLMENT_REQUIRED),
    ("transaction.is_present && transaction.amount == 1200", "forbid: true", Reason.FORBIDDEN_BY_POLICY),
]


@pytest.mark.parametrize(("when", "says", "reason"), REFUSES)
def test_a_rule_that_refuses_the_call_or_asks_it_for_more_refuses_its_token(
    client: Client, bank: World, when: str, says: str, reason: Reason
) -> None:
    handle, elevation = elevated(client, bank, paying)
    put_in_force(ruled(when, says, on="payments.approve"))
    refused = take(client, bank.globex_key, elevation, "payments", status=403)
    assert (refused["code"], refused["reason"]) == ("invalid_scope", reason)
    call = ask(client, bank.globex_key, paying(session=handle))
    assert (call["decision"], call["context"]["reason"]) == (False, reason)


@pytest.mark.parametrize(("when", "says", "reason"), REFUSES)
def test_a_token_is_dead_as_soon_as_a_rule_would_refuse_its_call_or_ask_it_for_more(
    client: Client, bank: World, reader: str, when: str, says: str, reason: Reason
) -> None:
    _handle, elevation = elevated(client, bank, paying)
    token = take(client, bank.globex_key, elevation, "payments")["access_token"]
    assert introspected(client, reader, token)["active"] is True
    put_in_force(ruled(when, says, on="payments.approve"))
    assert introspected(client, reader, token) == {"active": False}, reason


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("assurance.level < 2", "forbid: true"),
        ("true", "require: {level: aal2, max_age: 60}"),
        ("transaction.is_present && transaction.amount > 1200", "forbid: true"),
    ],
)
def test_a_rule_that_lets_the_call_be_lets_its_token_be(
    client: Client, bank: World, reader: str, when: str, says: str
) -> None:
    _handle, elevation = elevated(client, bank, paying)
    put_in_force(ruled(when, says, on="payments.approve"))
    token = take(client, bank.globex_key, elevation, "payments")["access_token"]
    assert introspected(client, reader, token)["active"] is True


def test_a_rule_is_asked_of_what_was_confirmed_and_not_of_another_amount(client: Client, bank: World) -> None:
    put_in_force(ruled("!transaction.is_present || transaction.amount > 1200", "forbid: true", on="payments.approve"))
    _handle, elevation = elevated(client, bank, paying)
    take(client, bank.globex_key, elevation, "payments")
