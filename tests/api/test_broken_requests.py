"""Whatever comes in a path, a query, a header or a body, at any address: no error is ours."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from decisions.checks import walk
from tests.api.asking import callers, put_dora, sign_in
from tests.decisions.conftest import World

HUGE = 10**400
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "two megabytes": b'{"name": "' + b"a" * 2_000_000 + b'"}',
    "arrays, 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "objects, 10,000 deep": b'{"settings":' * 10_000 + b"1" + b"}" * 10_000,
    "settings, 500 deep": b'{"name": "a", "settings": {"a":' + b"[" * 500 + b"]" * 500 + b"}}",
    "NaN": b'{"name": "a", "settings": {"a": NaN}, "limit": NaN, "auth_time": NaN}',
    "a huge number": b'{"name": "a", "settings": {"a": %d}, "limit": %d, "auth_time": %d}' % (HUGE, HUGE, HUGE),
    "a number of 5,000 digits": b'{"name": "a", "settings": {"a": 1' + b"0" * 5000 + b"}}",
    "an array": b"[1]",
    "null": b"null",
    "a number": b"1",
}
WORDS = ["\x00", "a\x00b", "\ud800", "\u202e", "x" * 5000, "", -1, HUGE, True, None, [], {}, ["\x00"], {"\x00": 1}]
SEGMENTS = ["%00", "a%00b", "%ED%A0%80", "%FF", "%E2%80%AE", "x" * 3000, "..", "-", "0", "%20", "%2F", "%25", "a%0Ab"]
ANSWERS = {
    "name": "A",
    "status": "active",
    "roles": ["member"],
    "privileges": ["reports.read"],
    "plan": "starter",
    "effect": "value",
    "reason": "agreed",
    "amr": ["pwd"],
    "auth_time": 1,
    "idp": "https://login.example",
    "subject": {"type": "user", "id": "alice"},
    "decision_id": "dec_" + "0" * 32,
    "method": "totp",
    "code": "123456",
    "tenant": "acme",
    "username": "dora",
}


def addresses() -> Iterator[tuple[str, str]]:
    """List the methods and routes of the API."""
    for route, view in walk(get_resolver()):
        drf_view = getattr(view, "cls", None)
        if drf_view is None or route.startswith("api/"):
            continue
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(drf_view, method):
                yield method.upper(), "/" + route


def filled(route: str, value: str = "acme") -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", value, route)


def headers_of(world: World) -> list[dict[str, str]]:
    put_dora(world)
    return [{"Authorization": sign_in(world)}, {"Authorization": callers(world)["vendor"]}]


def is_ours(response: Any) -> bool:
    return bool(response.status_code >= 500)


def test_no_broken_body_is_an_error_of_ours(world: World, client: Client) -> None:
    send_all(client, callers(world)["vendor"], list(BODIES.values()))


@pytest.mark.storm
def test_no_word_in_a_body_is_an_error_of_ours(world: World, client: Client) -> None:
    bodies = [*BODIES.values(), *(json.dumps({name: word}).encode() for name in ("name", "code") for word in WORDS)]
    bodies += [json.dumps(ANSWERS | {name: word}).encode() for name in ANSWERS for word in WORDS[:3]]
    for headers in headers_of(world):
        send_all(client, headers["Authorization"], bodies)


def send_all(client: Client, authorization: str, bodies: list[bytes]) -> None:
    """Send every body to every address that takes one."""
    headers = {"Authorization": authorization}
    for method, route in addresses():
        if method in {"GET", "DELETE"} or "sign-" in route:
            continue
        for sent in bodies:
            response = client.generic(method, filled(route), sent, content_type="application/json", headers=headers)
            assert not is_ours(response), (method, route, sent[:100], response.content[:300])


@pytest.mark.storm
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "x"])
def test_no_content_type_is_an_error_of_ours(world: World, content_type: str) -> None:
    """Also where the body is looked at for a token that proves that no other site sent it."""
    put_dora(world)
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["tiergate"] = sign_in(world).removeprefix("Bearer ")
    client.cookies["csrftoken"] = "a" * 32
    for method, route in addresses():
        for sent in (b"a=" + b"b" * 2_000_000, b"&a=b" * 5_000, b"--b\r\n"):
            response = client.generic(method, filled(route), sent, content_type=content_type)
            assert not is_ours(response), (method, route, sent[:100], response.content[:300])


@pytest.mark.parametrize("who", ["vendor", pytest.param("person", marks=pytest.mark.storm)])
def test_no_path_is_an_error_of_ours(world: World, client: Client, who: str) -> None:
    headers = headers_of(world)[who == "vendor"]
    for method, route in addresses():
        if "<" not in route or method == "PATCH":
            continue
        for segment in SEGMENTS:
            response = client.generic(
                method, filled(route, segment), b"{}", content_type="application/json", headers=headers
            )
            assert not is_ours(response), (method, route, segment, response.content[:300])


@pytest.mark.storm
def test_no_query_is_an_error_of_ours(world: World, client: Client) -> None:
    queries = [f"{name}={one}" for name in ("after", "limit", "at") for one in SEGMENTS]
    queries += [
        "format=%00",
        "format=xml",
        "at=9999-12-31T23:59:59-23:59",
        "at=0001-01-01T00:00:00%2B14:00",
        "at=2026-11-22T00:00:00Z&at=x",
    ]
    for headers in headers_of(world):
        for method, route in addresses():
            if method != "GET":
                continue
            for query in queries:
                response = client.get(f"{filled(route)}?{query}", headers=headers)
                assert not is_ours(response), (route, query, response.content[:300])


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Request-ID", "Accept", "Accept-Language", "Cookie", "X-CSRFToken"]
)
def test_no_header_is_an_error_of_ours(world: World, client: Client, name: str) -> None:
    for value in ("", "Bearer", "x" * 10_000, "\xff\xfe", ";;;=,,", "tiergate=%00; csrftoken=\xff", "*/*;q=x"):
        for address in ("/v1/me", "/v1/tenants", "/sign-in", "/step-up/challenges/x", "/nothing", "/operator/"):
            assert not is_ours(client.get(address, headers={name: value})), (name, value, address)
