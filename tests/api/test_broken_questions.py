"""A question that is broken, huge or strange is refused with a status that the document names, and never allowed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from decisions.wire import MAX_BODY
from isolation import clock
from isolation.api import tenant_transaction
from tests.decisions.asking import ask, body, payment, step_up
from tests.decisions.conftest import World, code_at

ADDRESSES = ["/access/v1/evaluation", "/access/v1/evaluations", "/t/acme/access/v1/evaluation"]
HUGE = 10**400


QUESTION = json.dumps(body())


BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "white space": b"  \n",
    "invalid UTF-8": QUESTION.encode().replace(b"alice", b"al\xff\xfeice"),
    "an overlong encoding": QUESTION.encode().replace(b"alice", b"al\xc0\xafice"),
    "UTF-16": QUESTION.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + QUESTION.encode(),
    "one byte too many": QUESTION.encode().ljust(MAX_BODY + 1),
    "a megabyte": QUESTION.encode().replace(b"alice", b"a" * 1_000_000),
    "ten megabytes": QUESTION.encode().ljust(10_000_000),
    "arrays, 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "objects, 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "properties, 10,000 deep": QUESTION.encode().replace(
        b'"properties": {}', b'"properties": {"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    ),
    "NaN": QUESTION.encode().replace(b'"properties": {}', b'"properties": {"a": NaN}'),
    "Infinity": QUESTION.encode().replace(b'"properties": {}', b'"properties": {"a": -Infinity}'),
    "a second document": QUESTION.encode() * 2,
    "an array": b"[" + QUESTION.encode() + b"]",
    "null": b"null",
    "a text": b'"question"',
    "a number": str(HUGE).encode(),
    "half": QUESTION.encode()[: len(QUESTION) // 2],
}


def post(client: Client, key: str, address: str, sent: bytes, **headers: str) -> Any:
    return client.generic(
        "POST",
        address,
        sent,
        content_type=headers.pop("content_type", "application/json"),
        headers={"Authorization": f"Bearer {key}"} | headers,
    )


def refuses(response: Any) -> bool:
    """Say whether an answer allows nothing."""
    told = response.json()
    return told.get("decision") is not True and not any(one["decision"] for one in told.get("evaluations", []))


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("kind", BROKEN)
def test_a_body_that_is_no_question_is_a_bad_request(world: World, client: Client, address: str, kind: str) -> None:
    response = post(client, world.acme_key, address, BROKEN[kind])
    assert response.status_code == 400, (response.status_code, response.content[:300])
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "bad_request"


STRANGE: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    HUGE,
    -HUGE,
    2**64,
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\u202ealice",
    "x" * 100_000,
    "' OR 1=1 --",
    [],
    ["alice"],
    {},
    {"alice": "alice"},
    {"\x00": "\ud800"},
    [[[]]],
]


def places(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """List every place in a question, each object and each member."""
    for name, value in document.items():
        yield (*path, name)
        if isinstance(value, dict):
            yield from places(value, (*path, name))


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Write a question that would be allowed but for the one strange value in it."""
    whole: dict[str, Any] = json.loads(json.dumps(FULL))
    within = whole
    for name in path[:-1]:
        within = within[name]
    within[path[-1]] = value
    return whole


FULL = body(
    session="ses_" + "0" * 32, tenant="acme", environment="production", purpose="enforce", min_snapshot="g0.t0"
) | {"action": {"name": "reports.read", "properties": {"a": 1}}}


@pytest.mark.parametrize("path", list(places(FULL)), ids=".".join)
def test_a_strange_value_anywhere_is_a_refusal_and_no_failure(
    world: World, client: Client, path: tuple[str, ...]
) -> None:
    for value in STRANGE:
        for document, address in (
            (changed(path, value), ADDRESSES[0]),
            ({"evaluations": [changed(path, value)]}, ADDRESSES[1]),
            (changed(path, value) | {"evaluations": [{}, {"resource": value}]}, ADDRESSES[1]),
        ):
            response = post(client, world.acme_key, address, json.dumps(document).encode())
            assert response.status_code in {200, 400}, (value, response.status_code, response.content[:300])
            assert refuses(response), (value, response.content)


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_a_strange_value_in_a_bound_field_is_recorded_or_refused_and_never_allowed(
    world: World, client: Client, value: Any
) -> None:
    session = world.asserted()
    document = payment(1, session=session)
    document["resource"]["properties"]["amount"] = value
    response = post(client, world.acme_key, ADDRESSES[0], json.dumps(document).encode())
    assert response.status_code in {200, 400}, (response.status_code, response.content[:300])
    assert refuses(response)
    with tenant_transaction(world.acme), connection.cursor() as cursor:
        cursor.execute("SELECT payload::text FROM audit_entry WHERE kind = 'decision'")
        assert len(cursor.fetchall()) == (1 if response.status_code == 200 else 0)


NUMBERS = ["1e999", "-1e999", "1e-999", "1" + "0" * 5000, "-" + "9" * 5000, "0." + "1" * 5000, "1e308", "-0.0", "1E400"]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("action", ["payments.approve", "reports.read"])
def test_a_number_that_few_machines_hold_is_recorded_or_refused(
    world: World, client: Client, number: str, action: str
) -> None:
    document = payment(4711, session=world.asserted()) | {"action": {"name": action}}
    if action == "reports.read":
        document["resource"]["type"] = "report"
    sent = json.dumps(document).replace("4711", number)
    response = post(client, world.acme_key, ADDRESSES[0], sent.encode())
    assert response.status_code in {200, 400}, (response.status_code, response.content[:300])
    if action == "payments.approve":
        assert refuses(response)


@pytest.mark.parametrize("depth", [20, 40, 100, 300, 400, 600, 800, 1000, 2000])
@pytest.mark.parametrize("halves", [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
def test_a_bound_field_nested_deep_is_asked_about_or_refused(
    world: World, client: Client, depth: int, halves: tuple[str, str]
) -> None:
    document = payment(4711, session=world.asserted())
    nested = halves[0] * depth + "1" + halves[1] * depth
    response = post(client, world.acme_key, ADDRESSES[0], json.dumps(document).replace("4711", nested).encode())
    assert response.status_code in {200, 400}, (response.status_code, response.content[:300])
    assert refuses(response)
    if response.status_code == 200:
        opened = {"decision_id": response.json()["context"]["challenge"]["decision_id"]}
        ask(client, world.acme_key, opened, path="/step-up/challenges", status=201)


def test_a_huge_number_is_confirmed_and_recorded_as_it_was_sent(world: World, client: Client) -> None:
    session = world.asserted()
    huge = payment(HUGE, session=session)
    refused = ask(client, world.acme_key, huge)
    assert refused["context"]["reason"] == "step_up_required"
    step_up(client, world.acme_key, refused, code_at(clock.now()))
    other = payment(HUGE + 1, session=session)
    assert ask(client, world.acme_key, other)["decision"] is False
    assert ask(client, world.acme_key, huge)["decision"] is True


def test_a_member_given_twice_is_never_two_questions(world: World, client: Client) -> None:
    """The last one counts, everywhere: what is decided is what is recorded."""
    session = world.asserted()
    sent = json.dumps(body(session=session))
    assert post(client, world.acme_key, ADDRESSES[0], sent.encode()).json()["decision"] is True
    twice = sent.replace('"id": "alice"', '"id": "alice", "id": "mallory"')
    told = post(client, world.acme_key, ADDRESSES[0], twice.encode())
    assert told.status_code in {200, 400}
    assert refuses(told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer"),
        ("Authorization", "Bearer \x00"),
        ("Authorization", "Bearer tgk_" + "0" * 32 + "_" + "A" * 43),
        ("Authorization", "Bearer " + "x" * 100_000),
        ("Authorization", "Basic Og=="),
        ("Authorization", "Bearer \xff\xfe"),
    ],
)
def test_a_strange_credential_is_nobody(world: World, client: Client, name: str, value: str) -> None:
    response = client.post(ADDRESSES[0], body(), content_type="application/json", headers={name: value})
    assert response.status_code == 401


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/json; charset=latin-1", "application/json; charset=nosuch", "multipart/form-data"],
)
def test_only_json_in_utf_8_is_read(world: World, client: Client, content_type: str) -> None:
    response = post(client, world.acme_key, ADDRESSES[0], QUESTION.encode(), content_type=content_type)
    assert response.status_code == 400


@pytest.mark.parametrize("request_id", ["\x00", "x" * 10_000, "a b", "é", "a\tb"])
def test_a_strange_request_id_is_neither_echoed_nor_an_error(world: World, client: Client, request_id: str) -> None:
    response = post(client, world.acme_key, ADDRESSES[0], QUESTION.encode(), **{"X-Request-ID": request_id})
    assert response.status_code == 200
    assert "X-Request-ID" not in response
