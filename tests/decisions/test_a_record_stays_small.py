"""What callers make up does not fill the trail: of names that nobody knows a beginning is recorded."""

from typing import Any

import pytest
from django.test import Client

from audit import api as audit
from authlevels import api as authlevels
from decisions.trail import MAX_TOLD, read_back
from isolation.api import tenant_transaction
from tests.decisions.asking import ask, body, store_routine_records
from tests.decisions.conftest import World
from tiergate import Decision, Facts, decide

pytestmark = pytest.mark.django_db

_LONG = "x" * 50_000


def recorded(world: World, answer: Any) -> tuple[Facts, Decision]:
    store_routine_records()
    entry_id = authlevels.parse_decision_ref(answer["context"]["id"])
    assert entry_id is not None
    with tenant_transaction(world.acme):
        return read_back(audit.get_entry(tenant_id=world.acme, entry_id=entry_id, kind=audit.Kind.DECISION))


def test_of_an_unknown_action_the_beginning_of_every_name_is_recorded(client: Client, world: World) -> None:
    question = body(_LONG, resource=(_LONG, _LONG), session=world.asserted(), environment=_LONG)
    answer = ask(client, world.acme_key, question)
    assert answer["context"]["reason"] == "unknown_action"
    facts, decision = recorded(world, answer)
    cut = f"{'x' * MAX_TOLD}…"
    assert (facts.action_name, facts.resource, facts.environment) == (cut, (cut, cut), cut)
    assert decide(facts) == decision, "the same decision follows from what is left"


def test_of_a_known_action_the_resource_is_recorded_whole(client: Client, world: World) -> None:
    question = body(resource=("report", "y" * (MAX_TOLD + 1)), session=world.asserted())
    answer = ask(client, world.acme_key, question)
    assert answer["decision"] is True
    facts, decision = recorded(world, answer)
    assert facts.resource == ("report", "y" * (MAX_TOLD + 1))
    assert decide(facts) == decision
