"""A key names one use: it lets nothing else through that nothing was taken for, and nothing that was given back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.test import Client

from isolation import clock
from licensing import api as licensing
from licensing.usage.settling import expire_reservations
from tests.decisions.asking import ask, body
from tests.decisions.conftest import World, client, world
from tests.decisions.test_an_allow_takes_what_it_needs import call, calls, used

__all__ = ["calls", "client", "world"]  # fixtures


def test_a_key_of_one_thing_is_no_key_to_another(client: Client, calls: World) -> None:
    session = calls.asserted()
    assert ask(client, calls.acme_key, call(session, consume={"key": "a"}))["decision"]
    other = body("calls.make", resource=("call", "2"), session=session, consume={"key": "a"})
    assert ask(client, calls.acme_key, other, status=409)["code"] == "usage_key_reused"
    assert used(calls.acme) == (1, 0)


def test_one_key_for_a_whole_batch_lets_through_one_of_it(client: Client, calls: World) -> None:
    """A context that is meant for each of a batch takes once: so one is let through, not all."""
    resources = [{"resource": {"type": "call", "id": str(number)}} for number in range(5)]
    document = call(calls.asserted(), consume={"key": "a"}) | {"evaluations": resources}
    answers = ask(client, calls.acme_key, document, path="/access/v1/evaluations")["evaluations"]
    assert [one["decision"] for one in answers] == [True, False, False, False, False]
    assert answers[1]["context"]["error"]["status"] == 409
    assert used(calls.acme) == (1, 0)


@pytest.mark.parametrize("ended", ["released", "over", "noticed"])
def test_what_is_held_no_longer_allows_nothing(client: Client, calls: World, ended: str) -> None:
    session = calls.asserted()
    asked: dict[str, Any] = {"reserve": {"key": "a", "quantity": 3, "ttl": 60}}
    first = ask(client, calls.acme_key, call(session, **asked))
    assert first["decision"]
    with time_machine.travel(clock.now() + timedelta(seconds=0 if ended == "released" else 61), tick=False):
        if ended == "released":
            usage_id = UUID(first["context"]["usage"]["id"])
            licensing.release(tenant_id=calls.acme, usage_id=usage_id, at=clock.now())
        if ended == "noticed":
            expire_reservations(at=clock.now())
        code = ask(client, calls.acme_key, call(session, **asked), status=409)["code"]
    assert code == ("usage_settled" if ended == "released" else "usage_expired")


def test_what_is_held_still_or_was_used_allows_the_same_again(client: Client, calls: World) -> None:
    session = calls.asserted()
    asked: dict[str, Any] = {"reserve": {"key": "a", "quantity": 2}}
    first = ask(client, calls.acme_key, call(session, **asked))
    assert ask(client, calls.acme_key, call(session, **asked))["decision"]
    licensing.commit(tenant_id=calls.acme, usage_id=UUID(first["context"]["usage"]["id"]), at=clock.now())
    assert ask(client, calls.acme_key, call(session, **asked))["context"]["usage"]["state"] == "committed"
    assert used(calls.acme) == (2, 0)
