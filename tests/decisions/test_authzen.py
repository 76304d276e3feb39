"""The wire is AuthZEN 1.0's, to the letter."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from authlevels import api as authlevels
from decisions.wire import Asked, evaluate_bytes
from isolation import clock
from tests.decisions.asking import ask, body, export
from tests.decisions.conftest import World
from tiergate import Verb

SINGLE = "/access/v1/evaluation"
BATCH = "/access/v1/evaluations"


def _without(document: dict[str, Any], *path: str) -> dict[str, Any]:
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return document


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        "text",
        7,
        None,
        _without(body(), "subject"),
        _without(body(), "action"),
        _without(body(), "resource"),
        _without(body(), "subject", "id"),
        _without(body(), "subject", "type"),
        _without(body(), "action", "name"),
        _without(body(), "resource", "id"),
        body() | {"subject": "alice"},
        body() | {"subject": {"type": "user", "id": 7}},
        body() | {"action": {"name": None}},
        body() | {"resource": {"type": "report", "id": "1", "properties": []}},
        body() | {"context": "none"},
        body(session=7),
    ],
)
def test_a_request_of_the_wrong_shape_is_a_400_with_a_sentence(client: Client, world: World, document: Any) -> None:
    answer = ask(client, world.acme_key, document, status=400)
    assert answer["code"] == "bad_request"
    assert answer["detail"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"subject": NaN}',
        b'{"a":"\xed\xa0\x80"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'"' + b"x" * 300_000 + b'"',
    ],
)
def test_bytes_that_are_not_json_are_a_400(client: Client, world: World, raw: bytes) -> None:
    response = client.post(
        SINGLE, raw, content_type="application/json", headers={"Authorization": f"Bearer {world.acme_key}"}
    )
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json; charset=UTF-8", 200),
        ("application/json; charset=latin-1", 400),
        ("text/plain", 400),
        ("", 400),
    ],
)
def test_the_body_is_json_in_utf8(client: Client, world: World, content_type: str, status: int) -> None:
    raw = json.dumps(body(session=world.asserted())).encode()
    response = client.post(
        SINGLE, raw, content_type=content_type, headers={"Authorization": f"Bearer {world.acme_key}"}
    )
    assert response.status_code == status


@pytest.mark.parametrize("path", [SINGLE, BATCH])
@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_only_post_asks(client: Client, world: World, path: str, method: str) -> None:
    response = getattr(client, method)(path, headers={"X-Request-ID": "r-1"})
    assert response.status_code == 405
    assert response["X-Request-ID"] == "r-1"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer nothing", "Basic abc", "Bearer tgk_" + "0" * 32 + "_x"]
)
def test_an_unknown_caller_is_the_only_401(client: Client, world: World, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = client.post(SINGLE, body(), content_type="application/json", headers=headers)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_key_that_may_not_ask_is_a_403(client: Client, world: World) -> None:
    _, key = authlevels.create_credential(
        tenant_id=world.acme, name="reader", verbs=[Verb.TENANTS_READ], by="test", at=clock.now()
    )
    assert ask(client, key, body(), status=403)["code"] == "verb_missing"


def test_the_request_id_comes_back_on_every_answer(client: Client, world: World) -> None:
    for path, document, status in ((SINGLE, body(), 200), (BATCH, body(), 200), (SINGLE, {}, 400)):
        response = client.post(
            path,
            document,
            content_type="application/json",
            headers={"Authorization": f"Bearer {world.acme_key}", "X-Request-ID": "abc-123"},
        )
        assert (response.status_code, response["X-Request-ID"]) == (status, "abc-123")
    assert client.get("/.well-known/authzen-configuration", headers={"X-Request-ID": "m"})["X-Request-ID"] == "m"


def test_unknown_members_are_ignored(client: Client, world: World) -> None:
    document = body(session=world.asserted(), weather="rain") | {"extra": {"deep": [1]}}
    assert ask(client, world.acme_key, document)["decision"] is True


def test_a_bare_key_gets_bare_answers(client: Client, world: World) -> None:
    assert ask(client, world.bare_key, body()) == {"decision": False}
    assert ask(client, world.bare_key, body(session=world.asserted())) == {"decision": True}
    assert ask(client, world.bare_key, {"evaluations": [body(), {}]}, path=BATCH) == {
        "evaluations": [{"decision": False}, {"decision": False}]
    }


def test_a_batch_fills_in_defaults_and_answers_in_order(client: Client, world: World) -> None:
    handle = world.asserted()
    document = {
        "subject": {"type": "user", "id": "alice"},
        "context": {"session": handle},
        "action": {"name": "reports.read"},
        "evaluations": [
            {"resource": {"type": "report", "id": "1"}},
            {"resource": {"type": "export", "id": "1"}, "action": {"name": "exports.create"}},
            {"resource": {"type": "report", "id": "1"}, "context": {}},
            {"resource": {"type": "report"}},
            "not an object",
        ],
    }
    answers = ask(client, world.acme_key, document, path=BATCH)["evaluations"]
    assert [one["decision"] for one in answers] == [True, False, False, False, False]
    assert answers[1]["context"]["outcome"] == "upgrade"
    assert answers[2]["context"]["reason"] == "no_session", "an item's context replaces the default whole"
    assert answers[3]["context"]["error"]["status"] == 400


def test_an_item_inherits_only_the_identifying_members_it_lacks(client: Client, world: World) -> None:
    document = body(session=world.asserted()) | {"evaluations": [{"resource": {"id": "2"}}]}
    assert ask(client, world.acme_key, document, path=BATCH)["evaluations"][0]["decision"] is True


@pytest.mark.parametrize(
    ("semantic", "count"), [("execute_all", 3), ("deny_on_first_deny", 2), ("permit_on_first_permit", 1)]
)
def test_a_batch_stops_where_its_semantics_say(client: Client, world: World, semantic: str, count: int) -> None:
    handle = world.asserted()
    document = {
        "options": {"evaluations_semantic": semantic},
        "evaluations": [body(session=handle), export(session=handle), body(session=handle)],
    }
    assert len(ask(client, world.acme_key, document, path=BATCH)["evaluations"]) == count


@pytest.mark.parametrize(
    "document",
    [
        body() | {"evaluations": "all"},
        {"evaluations": [body()], "options": {"evaluations_semantic": "sometimes"}},
        {"evaluations": [body()], "options": []},
        {"evaluations": [body()] * 201},
    ],
)
def test_a_batch_of_the_wrong_shape_is_a_400(client: Client, world: World, document: Any) -> None:
    ask(client, world.acme_key, document, path=BATCH, status=400)


@pytest.mark.parametrize("empty", [{}, {"evaluations": []}])
def test_a_batch_without_items_is_a_single_evaluation(client: Client, world: World, empty: dict[str, Any]) -> None:
    answer = ask(client, world.acme_key, body(session=world.asserted()) | empty, path=BATCH)
    assert answer["decision"] is True


def test_the_metadata_names_the_endpoints_of_the_place_it_was_asked_at(client: Client, world: World) -> None:
    base = settings.TIERGATE_BASE_URL
    assert client.get("/.well-known/authzen-configuration").json() == {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}{SINGLE}",
        "access_evaluations_endpoint": f"{base}{BATCH}",
    }
    of_tenant = client.get("/.well-known/authzen-configuration/t/acme").json()
    assert of_tenant["policy_decision_point"] == f"{base}/t/acme"
    assert of_tenant["access_evaluation_endpoint"] == f"{base}/t/acme{SINGLE}"


def test_the_vendor_names_the_tenant_and_a_tenant_never_reaches_another(client: Client, world: World) -> None:
    acme, globex = body(session=world.asserted()), body(session=world.asserted(tenant=world.globex))
    assert ask(client, world.vendor_key, acme, path=f"/t/acme{SINGLE}")["decision"] is True
    acme["context"]["tenant"] = "acme"
    assert ask(client, world.vendor_key, acme)["decision"] is True
    for key, document, path in (
        (world.vendor_key, globex, SINGLE),
        (world.vendor_key, acme, f"/t/globex{SINGLE}"),
        (world.acme_key, globex, f"/t/globex{SINGLE}"),
        (world.acme_key, globex | {"context": globex["context"] | {"tenant": "globex"}}, SINGLE),
        (world.acme_key, globex, f"/t/nowhere{SINGLE}"),
        (world.acme_key, acme | {"context": acme["context"] | {"tenant": "no\x00where"}}, SINGLE),
    ):
        answer = ask(client, key, document, path=path)
        assert (answer["decision"], answer["context"]["reason"]) == (False, "unknown_tenant"), (key, path)


def test_the_plain_function_and_the_view_give_the_same_bytes_of_refusal(client: Client, world: World) -> None:
    asked = Asked(authorization="Bearer x", content_type="application/json", request_id="", body=b"{}")
    status, headers, raw = evaluate_bytes(asked, at=clock.now())
    response = client.post(SINGLE, {}, content_type="application/json", headers={"Authorization": "Bearer x"})
    assert (response.status_code, response.content) == (status, raw)
    assert response["Content-Type"] == headers["Content-Type"]


def test_one_bad_item_stops_no_other(client: Client, world: World) -> None:
    handle = world.asserted()
    document = {
        "evaluations": [
            body(session=handle),
            body(session=handle, min_snapshot="yesterday"),
            body(session=handle, min_snapshot=f"g{10**9}.t{10**9}"),
            body(session=handle),
        ]
    }
    answers = ask(client, world.acme_key, document, path=BATCH)["evaluations"]
    assert [one["decision"] for one in answers] == [True, False, False, True]
    assert [answers[number]["context"]["error"]["status"] for number in (1, 2)] == [400, 503]
