"""Decide and consume: what is counted is decided by its counter, and an allow takes what it was asked for."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django.test import Client

from config.door import Door
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, body, step_up
from tests.decisions.conftest import World, code_at
from tests.decisions.test_the_short_way_in import SITE, knock, same
from tiergate import ActionSpec, FeatureKind, FeatureSpec, Level, Requirement, Scope


@pytest.fixture
def calls(world: World) -> World:
    """Acme may make three calls a day, and whoever makes transfers confirms each."""
    with licensing.edit_catalogue(by="test", at=world.at) as edit:
        edit.put_feature(FeatureSpec(key="calls", kind=FeatureKind.LIMIT))
        edit.put_action(ActionSpec(name="calls.make", resource_type="call", privilege="calls.make", feature="calls"))
        edit.put_role("member", ["reports.read", "exports.create", "payments.approve", "calls.make"])
    licensing.put_override(
        tenant_id=world.acme,
        feature="calls",
        effect="value",
        limit=3,
        reset_period="day",
        reason="pilot",
        by="test",
        at=world.at,
    )
    return world


def call(session: str, **context: Any) -> dict[str, Any]:
    return body("calls.make", resource=("call", "1"), session=session, **context)


def used(tenant_id: UUID) -> tuple[int, int]:
    view = licensing.usage_of(tenant_id=tenant_id, at=clock.now())["calls"]
    return view.used, view.reserved


def test_an_allow_takes_what_was_asked_for_and_a_repetition_nothing_more(client: Client, calls: World) -> None:
    session = calls.asserted()
    first = ask(client, calls.acme_key, call(session, consume={"quantity": 2, "key": "a"}))
    again = ask(client, calls.acme_key, call(session, consume={"quantity": 2, "key": "a"}))
    assert (first["decision"], again["decision"]) == (True, True)
    assert first["context"]["usage"] == again["context"]["usage"]
    assert first["context"]["usage"]["state"] == "consumed"
    assert used(calls.acme) == (2, 0)


def test_a_refusal_takes_nothing_and_says_when_to_come_back(client: Client, calls: World) -> None:
    session = calls.asserted()
    answer = ask(client, calls.acme_key, call(session, consume={"quantity": 4, "key": "a"}))
    assert (answer["decision"], answer["context"]["reason"]) == (False, "limit_reached")
    ask(client, calls.acme_key, call(session, consume={"quantity": 3, "key": "b"}))
    answer = ask(client, calls.acme_key, call(session, consume={"key": "c"}))
    assert [need["kind"] for need in answer["context"]["needs"]] == ["wait"]
    nobody = ask(client, calls.acme_key, call(calls.asserted("bob"), consume={"key": "d"}))
    assert not nobody["decision"]
    assert used(calls.acme) == (3, 0)


def test_without_taking_the_counter_decides_and_stays_as_it_is(client: Client, calls: World) -> None:
    session = calls.asserted()
    assert ask(client, calls.acme_key, call(session))["decision"]
    ask(client, calls.acme_key, call(session, consume={"quantity": 3, "key": "a"}))
    assert not ask(client, calls.acme_key, call(session))["decision"]
    shown = ask(client, calls.acme_key, call(session, purpose="display", consume={"key": "b"}))
    assert not shown["decision"]
    assert used(calls.acme) == (3, 0)


def test_what_a_menu_asks_for_is_not_taken(client: Client, calls: World) -> None:
    answer = ask(client, calls.acme_key, call(calls.asserted(), purpose="display", consume={"key": "a"}))
    assert answer["decision"]
    assert "usage" not in answer["context"]
    assert used(calls.acme) == (0, 0)


def test_what_an_allow_holds_is_committed_by_its_name(client: Client, calls: World) -> None:
    answer = ask(client, calls.acme_key, call(calls.asserted(), reserve={"quantity": 2, "key": "a", "ttl": 60}))
    assert used(calls.acme) == (0, 2)
    usage_id = UUID(answer["context"]["usage"]["id"])
    licensing.commit(tenant_id=calls.acme, usage_id=usage_id, quantity=1, at=clock.now())
    assert used(calls.acme) == (1, 0)


def test_a_key_of_something_else_is_a_conflict_and_takes_nothing(client: Client, calls: World) -> None:
    session = calls.asserted()
    ask(client, calls.acme_key, call(session, consume={"key": "a"}))
    problem = ask(client, calls.acme_key, call(session, consume={"quantity": 2, "key": "a"}), status=409)
    assert problem["code"] == "usage_key_reused"
    assert used(calls.acme) == (1, 0)


@pytest.mark.parametrize(
    "context",
    [
        {"consume": {"key": "a"}, "reserve": {"key": "b"}},
        {"consume": {"key": ""}},
        {"consume": {"key": "a", "quantity": 0}},
        {"consume": {"quantity": 1}},
        {"reserve": {"key": "a", "ttl": 0}},
    ],
)
def test_what_cannot_be_taken_is_no_request(client: Client, calls: World, context: dict[str, Any]) -> None:
    ask(client, calls.acme_key, call("ses_x", **context), status=400)


def test_nothing_is_taken_of_what_is_not_counted(client: Client, calls: World) -> None:
    problem = ask(client, calls.acme_key, body(session=calls.asserted(), consume={"key": "a"}), status=400)
    assert problem["code"] == "not_counted"


def test_in_a_batch_of_questions_each_takes_its_own(client: Client, calls: World) -> None:
    session = calls.asserted()
    document = {"evaluations": [call(session, consume={"key": f"k{number}"}) for number in range(5)]}
    answers = ask(client, calls.acme_key, document, path="/access/v1/evaluations")["evaluations"]
    assert [one["decision"] for one in answers] == [True, True, True, False, False]
    assert used(calls.acme) == (3, 0)


def test_what_could_not_be_recorded_was_not_taken(client: Client, calls: World) -> None:
    session = calls.asserted()
    ask(client, calls.acme_key, call(session))
    asked = call(session, consume={"key": "a", "quantity": 3})

    def full_disk(execute: Any, sql: str, *rest: Any) -> Any:
        if "audit_entry" in sql or "audit_append" in sql:
            raise OperationalError("could not extend file")
        return execute(sql, *rest)

    with connection.execute_wrapper(full_disk):
        ask(client, calls.acme_key, asked, status=503)
    assert used(calls.acme) == (0, 0)
    assert ask(client, calls.acme_key, asked)["decision"]


def test_a_confirmation_is_not_used_up_by_what_the_limit_refuses(client: Client, calls: World) -> None:
    """What is confirmed for one transaction stays good where others took the last of the limit meanwhile."""
    with licensing.edit_catalogue(by="test", at=calls.at) as edit:
        edit.put_action(
            ActionSpec(
                name="calls.make",
                resource_type="call",
                privilege="calls.make",
                feature="calls",
                requirement=Requirement(level=Level.AAL2, scope=Scope.TRANSACTION),
            )
        )
    session = calls.asserted()
    refused = ask(client, calls.acme_key, call(session, consume={"key": "a"}))
    assert refused["context"]["outcome"] == "step_up"
    assert used(calls.acme) == (0, 0)
    step_up(client, calls.acme_key, refused, code_at(clock.now()))
    held = licensing.reserve(tenant_id=calls.acme, items=[("calls", 3)], key="b", at=clock.now())
    assert ask(client, calls.acme_key, call(session, consume={"key": "a"}))["context"]["reason"] == "limit_reached"
    licensing.release(tenant_id=calls.acme, usage_id=held.usage_id, at=clock.now())
    assert ask(client, calls.acme_key, call(session, consume={"key": "a"}))["decision"]
    assert not ask(client, calls.acme_key, call(session, consume={"key": "c"}))["decision"]
    assert used(calls.acme) == (1, 0)


def test_the_short_way_in_and_djangos_view_take_alike(calls: World) -> None:
    session, path = calls.asserted(), "/access/v1/evaluation"
    environ = {"HTTP_AUTHORIZATION": f"Bearer {calls.acme_key}", "CONTENT_TYPE": "application/json"}
    batch = {"evaluations": [call(session, consume={"key": "a"}), call(session, consume={"key": "a", "quantity": 2})]}
    documents: list[tuple[str, Any]] = [
        (path, call(session, consume={"key": "a"})),
        (path, call(session, consume={"key": "a", "quantity": 2})),
        (path, call(session, reserve={"key": "b", "quantity": 2, "ttl": 600})),
        (path, call(session, consume={"key": "c"})),
        (path, call(session, consume={"key": "d", "quantity": 0})),
        (path, call(session, consume={"key": "d"}, reserve={"key": "d"})),
        ("/access/v1/evaluations", batch),
    ]
    for where, document in documents:
        content = json.dumps(document).encode()
        by_door, by_view = (same(knock(app, "POST", where, content, **environ)) for app in (Door(SITE), SITE))
        assert by_door == by_view, document
    assert used(calls.acme) == (1, 2)
