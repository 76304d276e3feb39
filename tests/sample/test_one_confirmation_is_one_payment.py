"""The protected write and the use of its confirmation commit together, or not at all."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import RequestFactory

from decisions import api as decisions
from isolation.api import tenant_transaction
from licensing import api as licensing
from sample.models import Payment
from tests.sample.conftest import Person

type SignIn = Callable[[str], Person]
BODY = {"reference": "INV-7", "amount": 125_000, "payee": "Kontor GmbH"}


def pay(person: Person, **more: object) -> Any:
    return person.send("POST", "/northwind/payments", {**BODY, **more})


def paid() -> list[tuple[str, int, str]]:
    tenant_id = licensing.get_tenant("globex").id
    with tenant_transaction(tenant_id):
        return list(Payment.objects.values_list("reference", "amount", "payee"))


@pytest.fixture
def carol(signed_in: SignIn) -> Person:
    return signed_in("carol")


def test_one_confirmation_is_good_for_one_payment(carol: Person) -> None:
    passed = carol.step_up(pay(carol))
    assert passed["scope"] == "transaction"
    assert pay(carol).status_code == 201
    assert pay(carol).status_code == 401
    assert paid() == [("INV-7", 125_000, "Kontor GmbH")]


@pytest.mark.parametrize("changed", [{"amount": 125_001}, {"payee": "Kontor AG"}, {"reference": "INV-8"}])
def test_it_is_good_for_that_amount_to_that_payee_alone(carol: Person, changed: dict[str, object]) -> None:
    carol.step_up(pay(carol))
    assert pay(carol, **changed).status_code == 401
    assert paid() == []


def test_a_write_that_fails_gives_the_use_back(carol: Person) -> None:
    carol.step_up(pay(carol))
    assert pay(carol).status_code == 201
    # The same reference, confirmed again: the write is refused, and the confirmation stays good.
    carol.step_up(pay(carol))
    for _ in range(2):
        answer = pay(carol)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")
    assert len(paid()) == 1


def test_of_two_at_once_one_is_paid(carol: Person) -> None:
    carol.step_up(pay(carol))
    begun = threading.Barrier(2)
    statuses: list[int] = []

    def send() -> None:
        twin = Person("carol")
        twin.client.defaults = dict(carol.client.defaults)
        begun.wait()
        statuses.append(pay(twin).status_code)
        connection.close()

    both = [threading.Thread(target=send) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert min(statuses) == 201
    # The other was refused at the door, or, when both had passed it, at the use.
    assert max(statuses) in {401, 409}
    assert len(paid()) == 1


def test_a_request_that_no_decision_allowed_consumes_nothing() -> None:
    with pytest.raises(RuntimeError), decisions.elevation_consumed(RequestFactory().post("/")):
        pytest.fail("the block was entered")


def test_an_approved_payment_is_never_changed(carol: Person) -> None:
    carol.step_up(pay(carol))
    assert pay(carol).status_code == 201
    with pytest.raises(DatabaseError), tenant_transaction(licensing.get_tenant("globex").id):
        Payment.objects.update(amount=1)
    assert paid() == [("INV-7", 125_000, "Kontor GmbH")]


def test_payments_of_another_workspace_cannot_be_seen(carol: Person) -> None:
    carol.step_up(pay(carol))
    assert pay(carol).status_code == 201
    with tenant_transaction(licensing.get_tenant("acme").id):
        assert Payment.objects.count() == 0
