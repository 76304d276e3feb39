"""A service elsewhere lets in who shows a token that is good there, over real HTTP; whatever cannot be told is no."""

import asyncio
import importlib.util
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from tests.decisions.asking import payment
from tests.decisions.conftest import World
from tests.decisions.test_a_token_is_good_for_one_task import API, ISSUER, elevated, reader, take
from tiergate.guard import Guard, IssuerUnavailable
from tiergate.tokens import TokenRefused, Wanted

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "tokens"

__all__ = ["reader"]  # a fixture of the tests beside


class _Silent(WSGIRequestHandler):
    def log_message(self, *_args: Any) -> None: ...


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve a WSGI application by a thread and give its address."""
    with make_server("127.0.0.1", 0, app, handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def published(client: Client) -> Callable[[Request], bytes]:
    """Fetch the keys of now, wherever they are asked for: a thread of a server has no connection of the test's."""
    answer = client.get("/.well-known/jwks.json").content
    return lambda _request: answer


def from_client(client: Client) -> Callable[[Request], bytes]:
    """Fetch from this very Tiergate, without a server of its own."""

    def fetch(request: Request) -> bytes:
        path = request.full_url.removeprefix(ISSUER)
        headers = {"Authorization": str(request.get_header("Authorization"))}
        if request.data is None:
            answer = client.get(path)
        else:
            answer = client.post(path, request.data, content_type="application/x-www-form-urlencoded", headers=headers)
        if answer.status_code != 200:
            raise OSError(answer.status_code)
        return answer.content

    return fetch


def call(url: str, token: str = "", body: Any = None) -> tuple[int, Any, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = Request(url, data=None if body is None else json.dumps(body).encode(), headers=headers)
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read()), ""
    except HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read()), refused.headers.get("WWW-Authenticate", "")


def paying(**context: Any) -> dict[str, Any]:
    return payment(1200, **context)


def test_a_wsgi_service_lets_in_whoever_shows_a_token_for_it_and_nobody_else(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    token = take(client, world.globex_key, elevation)["access_token"]
    elsewhere = take(client, world.globex_key, elevation, audience="https://other.example")["access_token"]
    guard = Guard(issuer=ISSUER, audience=API, fetch=published(client))
    with serving(example("wsgi").application(guard)) as url:
        assert call(f"{url}/exports", token)[:2] == (200, {"exported_by": "user:alice"})
        assert call(f"{url}/exports")[2] == f'Bearer realm="{API}"'
        for bad in (elsewhere, "garbage", token[:-4] + "AAAA", world.globex_key):
            status, _body, header = call(f"{url}/exports", bad)
            assert (status, 'error="invalid_token"' in header) == (401, True)
        status, _body, header = call(f"{url}/payments/7", token, {"amount": 1200, "payee": "ACME Ltd"})
        assert (status, 'error="insufficient_scope", ' in header, 'scope="payments"' in header) == (403, True, True)


def test_a_payments_token_pays_what_was_confirmed_and_nothing_else(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world, paying)
    token = take(client, world.globex_key, elevation, "payments")["access_token"]
    guard = Guard(issuer=ISSUER, audience=API, fetch=published(client))
    with serving(example("wsgi").application(guard)) as url:
        assert call(f"{url}/payments/7", token, {"amount": 1200, "payee": "ACME Ltd"})[:2] == (200, {"paid": 1200})
        for path, body in (
            ("/payments/7", {"amount": 12000, "payee": "ACME Ltd"}),
            ("/payments/7", {"amount": 1200.0, "payee": "ACME Ltd"}),
            ("/payments/7", {"amount": "1200", "payee": "ACME Ltd"}),
            ("/payments/7", {"amount": 1200, "payee": "Mallory"}),
            ("/payments/8", {"amount": 1200, "payee": "ACME Ltd"}),
        ):
            assert call(url + path, token, body)[0] == 403, body
        assert call(f"{url}/payments/7", token, ["nonsense"])[0] == 400


def _told(app: Any, token: str) -> tuple[int, dict[str, str]]:
    """Call an ASGI application as a server does."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    asyncio.run(app({"type": "http", "method": "GET", "path": "/", "headers": headers}, receive, send))
    start = sent[0]
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


def test_an_asgi_service_that_asks_each_time_hears_at_once_that_the_task_has_ended(
    client: Client, world: World, reader: str
) -> None:
    _handle, elevation = elevated(client, world)
    token = take(client, world.globex_key, elevation)["access_token"]
    fetched: dict[str, bytes] = {}

    def fetch(request: Request) -> bytes:
        return fetched[request.full_url.removeprefix(ISSUER)]

    def ask() -> None:
        real = from_client(client)
        fetched["/.well-known/jwks.json"] = real(Request(f"{ISSUER}/.well-known/jwks.json"))
        asked = Request(
            f"{ISSUER}/oauth/introspect", data=f"token={token}".encode(), headers={"Authorization": f"Bearer {reader}"}
        )
        fetched["/oauth/introspect"] = real(asked)

    ask()
    app = example("asgi").application(Guard(issuer=ISSUER, audience=API, credential=reader, fetch=fetch))
    assert _told(app, token)[0] == 200
    client.delete(f"/step-up/elevations/{elevation}", headers={"Authorization": f"Bearer {world.globex_key}"})
    ask()
    status, headers = _told(app, token)
    assert (status, 'error="invalid_token"' in headers["www-authenticate"]) == (401, True)
    assert _told(app, "")[0] == 401
    del fetched["/oauth/introspect"]
    with pytest.raises(KeyError):
        _told(app, token)


def test_a_person_who_showed_too_little_or_too_long_ago_is_told_what_would_do(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    token = take(client, world.globex_key, elevation)["access_token"]
    later = Guard(
        issuer=ISSUER,
        audience=API,
        fetch=published(client),
        now=lambda: clock.now() + timedelta(seconds=61),
    )

    @later.wsgi(Wanted(tenant="globex", scope="exports", acr=("urn:tiergate:acr:aal3",), max_age=60))
    def inside(_environ: Any, _start: Any) -> Any:
        raise AssertionError

    with serving(inside) as url:
        status, body, header = call(url, token)
    assert (status, body["code"]) == (401, "insufficient_user_authentication")
    assert 'acr_values="urn:tiergate:acr:aal3"' in header
    assert 'max_age="60"' in header


def test_without_keys_nothing_is_believed_and_invented_keys_make_nobody_ask(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    token = take(client, world.globex_key, elevation)["access_token"]
    asked = []

    def away(request: Request) -> bytes:
        asked.append(request.full_url)
        raise OSError("nobody answers")

    guard = Guard(issuer=ISSUER, audience=API, fetch=away)
    for _ in range(3):
        with pytest.raises(IssuerUnavailable):
            guard.check(f"Bearer {token}", Wanted(tenant="globex", scope="exports"))
    assert len(asked) == 1

    def there(request: Request) -> bytes:
        asked.append(request.full_url)
        return from_client(client)(request)

    counted = Guard(issuer=ISSUER, audience=API, fetch=there)
    assert counted.check(f"Bearer {token}", Wanted(tenant="globex", scope="exports")).sub == "user:alice"
    signer = authlevels.Signer(kid="invented", key=authlevels.get_signer(at=clock.now()).key)
    for _ in range(3):
        with pytest.raises(TokenRefused):
            counted.check(f"Bearer {signer.sign({})}", Wanted(tenant="globex", scope="exports"))
    assert len(asked) == 2, "once at first, and not again within seconds"


@pytest.mark.parametrize("issuer", ["http://access.example", "ftp://localhost:1", "", "file:///etc/passwd"])
def test_an_issuer_that_anybody_could_speak_for_is_refused(issuer: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Guard(issuer=issuer, audience=API)


@pytest.mark.storm
def test_the_guides_node_believes_the_same_tokens(client: Client, world: World, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed: what docs/integrate.md says in it is not tried.")
    guide = (EXAMPLES.parents[1] / "integrate.md").read_text()
    (tmp_path / "token.mjs").write_text(guide.split("```js\n// token.mjs\n", 1)[1].split("```", 1)[0])
    (tmp_path / "try.mjs").write_text(
        'import { claimsOf } from "./token.mjs";\n'
        "const [token, asked] = process.argv.slice(2);\n"
        'claimsOf(token, JSON.parse(asked)).then((told) => console.log("yes", told.sub), () => console.log("no"));\n'
    )
    _handle, elevation = elevated(client, world, paying)
    token = take(client, world.globex_key, elevation, "payments")["access_token"]
    keys = client.get("/.well-known/jwks.json").content
    # The guide's issuer is where its keys are; here these are two addresses, so that the token is said to be of this one.
    issuer = json.dumps(ISSUER)

    def serve(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "application/json")])
        return [keys]

    confirmed = {"resource": "payment/7", "bound": {"resource.properties.amount": 1200}}
    confirmed["bound"] |= {"resource.properties.payee": "ACME Ltd"}  # type: ignore[operator]  # a dict
    more = {"resource": "payment/7", "bound": {"resource.properties.amount": 12000}}
    with serving(serve) as url:
        text = (tmp_path / "token.mjs").read_text()
        text = text.replace("claims.iss !== ISSUER", f"claims.iss !== {issuer}")
        (tmp_path / "token.mjs").write_text(text)
        for shown, asked, told in (
            (token, {"audience": API, "tenant": "globex", "scope": "payments", "about": confirmed}, "yes user:alice"),
            (token, {"audience": API, "tenant": "globex", "scope": "payments", "about": more}, "no"),
            (token, {"audience": API, "tenant": "globex", "scope": "payments"}, "no"),
            (token, {"audience": API, "tenant": "globex", "scope": "exports", "about": confirmed}, "no"),
            (
                token,
                {"audience": "https://other.example", "tenant": "globex", "scope": "payments", "about": confirmed},
                "no",
            ),
            (token, {"audience": API, "tenant": "acme", "scope": "payments", "about": confirmed}, "no"),
            (
                token[:-6] + "AAAAAA",
                {"audience": API, "tenant": "globex", "scope": "payments", "about": confirmed},
                "no",
            ),
        ):
            ran = subprocess.run(
                [node, "try.mjs", shown, json.dumps(asked)],
                cwd=tmp_path,
                env={"WEB": url, "PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            )
            assert ran.stdout.strip() == told, (asked, ran.stderr)
