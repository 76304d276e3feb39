"""The short way in answers what Django's views answer: the same bytes, under the same headers."""

import json
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections, transaction
from django.test import Client, override_settings

from authlevels import api as authlevels
from config.door import Door
from decisions.wire import MAX_BODY
from tests.decisions.asking import body, export, payment
from tests.decisions.conftest import World

type Reply = tuple[int, dict[str, str], bytes]

_EVALUATION = "/access/v1/evaluation"
SITE: Any = WSGIHandler()


def knock(app: Callable[..., Iterable[bytes]], method: str, path: str, content: bytes, **more: str) -> Reply:
    """Ask as a server that speaks WSGI does."""
    told: list[Any] = []
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "testserver",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(content),
        "wsgi.errors": BytesIO(),
        **more,
    }
    answered = app(environ, lambda status, headers, *_rest: told.extend((status, headers)))
    content = b"".join(answered)
    getattr(answered, "close", lambda: None)()
    return int(told[0][:3]), dict(told[1]), content


def same(reply: Reply) -> Reply:
    """Leave out what is never the same twice: ids and instants."""
    status, headers, content = reply
    content = re.sub(rb"dec_[0-9a-f]{32}", b"dec_", content)
    content = re.sub(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", b"then", content)
    headers = {name: value for name, value in headers.items() if name != "Content-Length"}
    return status, headers, content


def questions(world: World) -> dict[str, tuple[str, bytes, dict[str, str]]]:
    """Write requests of every kind: path, body, and what else the environment holds."""
    acme = {"HTTP_AUTHORIZATION": f"Bearer {world.acme_key}", "CONTENT_TYPE": "application/json"}
    globex = acme | {"HTTP_AUTHORIZATION": f"Bearer {world.globex_key}"}
    handle, other = world.asserted(), world.asserted(tenant=world.globex)
    allow = json.dumps(body(session=handle)).encode()
    batch = json.dumps({"evaluations": [body(session=handle), export(session=handle), {}]}).encode()
    return {
        "allow": (_EVALUATION, allow, acme),
        "upgrade": (_EVALUATION, json.dumps(export(session=handle)).encode(), acme),
        "step_up": (_EVALUATION, json.dumps(export(session=other)).encode(), globex),
        "bound": (_EVALUATION, json.dumps(payment(100, session=handle)).encode(), acme),
        "stranger": (_EVALUATION, json.dumps(body(subject="mallory", session=handle)).encode(), acme),
        "in a path": ("/t/acme/access/v1/evaluation", allow, acme),
        "another's path": ("/t/globex/access/v1/evaluation", allow, acme),
        "nobody's path": ("/t/nobody/access/v1/evaluation", allow, acme),
        "batch": ("/access/v1/evaluations", batch, acme),
        "request id": (_EVALUATION, allow, acme | {"HTTP_X_REQUEST_ID": "r-1"}),
        "odd request id": (_EVALUATION, allow, acme | {"HTTP_X_REQUEST_ID": "a b"}),
        "bare": (_EVALUATION, allow, acme | {"HTTP_AUTHORIZATION": f"Bearer {world.bare_key}"}),
        "nobody": (_EVALUATION, allow, {"CONTENT_TYPE": "application/json"}),
        "wrong key": (_EVALUATION, allow, acme | {"HTTP_AUTHORIZATION": "Bearer tgk_nothing"}),
        "text": (_EVALUATION, allow, acme | {"CONTENT_TYPE": "text/plain"}),
        "utf-8 said": (_EVALUATION, allow, acme | {"CONTENT_TYPE": "application/json; charset=utf-8"}),
        "no json": (_EVALUATION, b"{", acme),
        "nothing": (_EVALUATION, b"", acme),
        "a list": (_EVALUATION, b"[]", acme),
        "no subject": (_EVALUATION, b'{"action": {"name": "x"}}', acme),
        "escaped": (_EVALUATION, allow.replace(b"alice", b"alic\\u0065"), acme),
        "surrogate": (_EVALUATION, allow.replace(b'"1"', b'"\\ud800"'), acme),
        "not utf-8": (_EVALUATION, allow.replace(b"alice", b"al\xffce"), acme),
        "too long": (_EVALUATION, b" " * (MAX_BODY + 1), acme),
        "too deep": (_EVALUATION, b'{"a":' * 100 + b"1" + b"}" * 100, acme),
        "no length": (_EVALUATION, allow, acme | {"CONTENT_LENGTH": ""}),
        "odd length": (_EVALUATION, allow, acme | {"CONTENT_LENGTH": "many"}),
    }


def test_the_door_and_djangos_views_answer_alike(world: World) -> None:
    door = Door(SITE)
    for name, (path, content, environ) in questions(world).items():
        by_door = same(knock(door, "POST", path, content, **environ))
        by_view = same(knock(SITE, "POST", path, content, **environ))
        assert by_door == by_view, name


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "OPTIONS", "DELETE"])
def test_another_method_is_djangos_to_refuse(world: World, method: str) -> None:
    status, headers, _ = knock(Door(SITE), method, _EVALUATION, b"", HTTP_X_REQUEST_ID="r-2")
    assert status == 405
    assert headers["X-Request-ID"] == "r-2"


def test_a_host_that_is_not_ours_is_refused(world: World) -> None:
    path, content, environ = questions(world)["allow"]
    assert knock(Door(SITE), "POST", path, content, **environ | {"HTTP_HOST": "evil.example"})[0] == 400


def test_over_https_browsers_are_told_to_stay_there(world: World) -> None:
    path, content, environ = questions(world)["allow"]
    with override_settings(SECURE_HSTS_SECONDS=31536000, SECURE_HSTS_INCLUDE_SUBDOMAINS=True):
        _, headers, _ = knock(Door(SITE), "POST", path, content, **environ | {"wsgi.url_scheme": "https"})
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_a_process_that_only_decides_has_no_other_pages(world: World, client: Client) -> None:
    with override_settings(PROCESS="decide"):
        door = Door(SITE)
    for path in ("/sign-in", "/operator/", "/v1/tenants", "/step-up/challenges", "/t/acme/sessions", "/"):
        status, headers, content = knock(door, "GET", path, b"")
        assert (status, headers["Content-Type"]) == (404, "application/problem+json")
        assert json.loads(content)["code"] == "not_found"
    assert knock(door, "GET", "/livez", b"")[0] == 200
    assert knock(door, "GET", "/.well-known/authzen-configuration", b"")[0] == 200
    path, content, environ = questions(world)["allow"]
    assert json.loads(knock(door, "POST", path, content, **environ)[2])["decision"] is True


def test_a_credential_that_ended_while_its_body_was_sent_asks_nothing(world: World) -> None:
    path, content, environ = questions(world)["allow"]
    known = authlevels.resolve_credential(world.acme_key, at=world.at)
    assert known is not None
    known_id = known.id

    class Late(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            authlevels.revoke_credential(tenant_id=world.acme, credential_id=known_id, by="test", at=world.at)
            authlevels.forget_credentials()
            return super().read(size)

    late: dict[str, Any] = {"wsgi.input": Late(content)}
    assert knock(Door(SITE), "POST", path, content, **environ | late)[0] == 401


def test_a_thread_gives_its_connections_back_with_the_answer(world: World) -> None:
    """It may next wait for a body that never comes."""
    path, content, environ = questions(world)["batch"]

    def serve() -> tuple[int, bool]:
        status = knock(Door(SITE), "POST", path, content, **environ)[0]
        return status, connections["default"].connection is None

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(serve).result() == (200, True)


def test_a_transaction_that_was_left_open_ends_with_the_request(world: World) -> None:
    path, content, environ = questions(world)["allow"]

    def serve() -> list[int]:
        left_open = transaction.atomic()
        left_open.__enter__()
        try:
            return [knock(Door(SITE), "POST", path, content, **environ)[0] for _ in range(2)]
        finally:
            with suppress(Exception):
                left_open.__exit__(None, None, None)
            connections["default"].close()

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(serve).result() == [503, 200]
