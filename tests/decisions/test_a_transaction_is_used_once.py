"""A step-up for one transaction is good for exactly that transaction, once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections
from django.test import Client

from isolation import clock
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import World, code_at


def _approved(client: Client, world: World, handle: str, amount: int) -> None:
    refused = ask(client, world.acme_key, payment(amount, session=handle))
    assert refused["context"]["outcome"] == "step_up"
    step_up(client, world.acme_key, refused, code_at(clock.now()))


def test_a_changed_amount_or_payee_needs_its_own_step_up(client: Client, world: World) -> None:
    handle = world.asserted()
    _approved(client, world, handle, 100)
    assert ask(client, world.acme_key, payment(101, session=handle))["context"]["outcome"] == "step_up"
    assert ask(client, world.acme_key, payment(100, "Mallory", session=handle))["context"]["outcome"] == "step_up"
    assert ask(client, world.acme_key, payment(100, session=handle))["decision"] is True


def test_an_allowed_transaction_is_refused_the_second_time(client: Client, world: World) -> None:
    handle = world.asserted()
    _approved(client, world, handle, 100)
    assert ask(client, world.acme_key, payment(100, session=handle))["decision"] is True
    assert ask(client, world.acme_key, payment(100, session=handle))["context"]["outcome"] == "step_up"


def test_the_retry_of_the_same_request_gets_the_same_answer(client: Client, world: World) -> None:
    handle = world.asserted()
    _approved(client, world, handle, 100)
    for _ in range(2):
        answer = ask(client, world.acme_key, payment(100, session=handle), headers={"X-Request-ID": "pay-1"})
        assert answer["decision"] is True
    other = ask(client, world.acme_key, payment(100, session=handle), headers={"X-Request-ID": "pay-2"})
    assert other["decision"] is False


def test_drawing_a_menu_uses_nothing_up(client: Client, world: World) -> None:
    handle = world.asserted()
    _approved(client, world, handle, 100)
    ask(client, world.acme_key, payment(100, session=handle, purpose="display"))
    assert ask(client, world.acme_key, payment(100, session=handle))["decision"] is True


def test_a_transaction_without_its_bound_fields_is_denied(client: Client, world: World) -> None:
    document = payment(100, session=world.asserted())
    del document["resource"]["properties"]["payee"]
    answer = ask(client, world.acme_key, document)
    assert (answer["decision"], answer["context"]["reason"]) == (False, "missing_property")


def test_of_eight_at_once_exactly_one_is_allowed(client: Client, world: World) -> None:
    handle = world.asserted()
    _approved(client, world, handle, 100)

    def one(number: int) -> Any:
        try:
            return ask(
                Client(), world.acme_key, payment(100, session=handle), headers={"X-Request-ID": f"pay-{number}"}
            )["decision"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert sorted(answers) == [False] * 7 + [True]
