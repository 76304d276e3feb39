"""Whatever is sent as a bundle: nothing of it is read for who may not store it, and nothing of it takes long or gets out."""

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from authlevels import api as authlevels
from authlevels.cookies import session_cookie_name
from decisions.policy.parsers import MAX_UPLOAD
from decisions.policy.storing import list_bundles
from isolation import clock
from tests.attacks.test_support_never_elevates_as_somebody_else import employ
from tests.decisions.asking import ask
from tests.decisions.bundles import applied, files
from tests.decisions.conftest import World, client, world
from tests.decisions.operators import Operator, get, publisher
from tiergate import Verb

__all__ = ["client", "world"]

BUNDLES = "/v1/policy/bundles"
ESCAPE = "\x1b[2J"
MARKUP = "<script>alert(1)</script>"


class Watched(io.BytesIO):
    """A body that tells whether any of it was read."""

    is_read = False

    def read(self, *size: int | None) -> bytes:
        self.is_read = True
        return super().read(*size)


def sent(client: Client, key: str, content: bytes, path: str = BUNDLES) -> tuple[int, Any, bool]:
    """Post bytes; give status, answer, and whether any of them was read."""
    stream = Watched(content)
    response = client.request(
        **{
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": stream,
            "HTTP_AUTHORIZATION": f"Bearer {key}",
        }
    )
    return response.status_code, response.json(), stream.is_read


def bundle(**changed: str) -> Mapping[str, str]:
    return {**files(), **{path.replace("__", "/") + ".yaml": text for path, text in changed.items()}}


def test_of_who_may_not_store_it_not_a_byte_is_read(client: Client, world: World) -> None:
    content = json.dumps({"files": files()}).encode()
    _told, tenants = authlevels.create_credential(
        tenant_id=world.acme, name="acme-all", verbs=list(Verb), by="test", at=clock.now()
    )
    unconfirmed = Operator(client).secret
    reader = publisher(Verb.BUNDLES_READ, Verb.BUNDLES_APPLY)
    for key, status in (("", 401), ("tgk_nobody", 401), (tenants, 403), (reader, 403), (unconfirmed, 401)):
        assert sent(client, key, content)[::2] == (status, False)
    assert sent(client, employ("pete", world.acme, ["owner"]).removeprefix("Bearer "), content)[::2] == (403, False)
    assert list_bundles() == []


def test_a_body_is_small_and_plain_and_says_each_thing_once(client: Client, world: World) -> None:
    key = publisher()
    twice = b'{"files": {"bundle.yaml": "a", "bundle.yaml": "b"}}'
    for content in (
        b'{"files": {"a": "' + b"x" * MAX_UPLOAD + b'"}}',
        b'{"files": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        twice,
        b'{"files": {}, "files": {}}',
        b'{"files": {"bundle.yaml": "\\ud800"}}',
        b'{"files": {}, "odd": NaN}',
        b'{"files": {}, "unknown": 1}',
        twice.decode().encode("utf-16"),
        json.dumps({"files": {f"rules/{n}.yaml": "" for n in range(1001)}}).encode(),
        json.dumps({"files": files(), "source": {"repository": ESCAPE, "commit": "a", "author": "b"}}).encode(),
        json.dumps({"files": files(), "signature": {"publisher": "a\u202eb", "value": "x"}}).encode(),
    ):
        status, answer, _is_read = sent(client, key, content)
        assert (status, answer["code"]) in {(400, "parse_error"), (400, "invalid")}, (content[:60], answer)
    much = b'{"digest": "' + b"0" * 64 + b'", "mode": "active", "because": "' + b"x" * 70_000 + b'"}'
    for path in ("/v1/policy/activations", "/v1/policy/rollbacks", "/v1/policy/plans"):
        status, answer, _is_read = sent(client, key, much, path)
        assert (status, answer["code"]) == (400, "parse_error")
        status, answer, _is_read = sent(client, key, b'{"because": "a", "because": "b"}', path)
        assert (status, answer["code"]) == (400, "parse_error")


def test_a_large_bundle_is_stored_by_who_may(client: Client, world: World) -> None:
    large = {
        name: text + f"# {'x' * 100}\n" * (6_000 if name != "bundle.yaml" else 0) for name, text in files().items()
    }
    content = json.dumps({"files": large}).encode()
    assert 1 << 20 < len(content) < MAX_UPLOAD
    status, answer, is_read = sent(client, publisher(), content)
    assert (status, answer["is_new"], is_read) == (201, True, True), answer


@pytest.mark.parametrize(
    "odd",
    [
        {"../x.yaml": "[]"},
        {"rules/../../x.yaml": "[]"},
        {"/etc/passwd": "[]"},
        {"rules/a.yaml\x00": "[]"},
        {"rules\\a.yaml": "[]"},
        {"rules/b.yaml": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"},
        {"rules/b.yaml": "- !!python/object/apply:os.system ['true']\n"},
        {"rules/b.yaml": "[" * 100_000},
        {"rules/b.yaml": f"- id: '{ESCAPE}'\n"},
        {"rules/b.yaml": '- {id: b, on: {actions: [a]}, forbid: true, because: "\\e[2J", owner: o}\n'},
        {"rules/b.yaml": "- {id: b, on: {actions: [a]}, forbid: true, because: a\u202eb, owner: o}\n"},
        {f"tests/{n}.yaml": "- []\n" * 200 for n in range(5)},
        {"invariants/a.yaml": "- {}\n" * 201},
    ],
    ids=[
        "up",
        "far up",
        "absolute",
        "nul",
        "backslash",
        "bomb",
        "tag",
        "deep",
        "escape",
        "escaped",
        "turned",
        "much",
        "promises",
    ],
)
def test_files_that_are_none_of_a_bundle_are_refused_and_kept_nowhere(
    client: Client, world: World, odd: Mapping[str, str]
) -> None:
    body = {"files": {**files(), **odd}}
    status, answer, _is_read = sent(client, publisher(), json.dumps(body).encode())
    if any("\x00" in path for path in odd):
        assert status in {400, 422}
        return
    assert (status, answer["code"]) == (422, "bundle_refused")
    assert ESCAPE not in json.dumps(answer, ensure_ascii=False)
    assert len(answer["errors"]) <= 200
    assert list_bundles() == []


def test_what_a_bundle_says_is_shown_as_it_stands_and_does_nothing(client: Client, world: World) -> None:
    key = publisher()
    named = {**files(), "bundle.yaml": files()["bundle.yaml"].replace("name: acme", f"name: '{MARKUP}'")}
    digest = ask(client, key, {"files": named}, path=BUNDLES, status=201)["digest"]
    told = {"digest": digest, "mode": "shadow", "because": f"It is {MARKUP}."}
    done = ask(client, key, told, path="/v1/policy/activations", status=201)
    assert MARKUP in done["sentence"]
    for odd in (ESCAPE, "a\nb", "a\u202eb", "\x00"):
        answer = ask(client, key, told | {"because": odd}, path="/v1/policy/activations", status=400)
        assert answer["code"] == "invalid"
    other = applied("other").digest
    response = client.get(f"{BUNDLES}/{digest}/diff?against={other}", headers={"Authorization": f"Bearer {key}"})
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert f"+name: '{MARKUP}'" in response.content.decode()


def test_the_page_that_asks_for_a_confirmation_shows_markup_as_text(client: Client, world: World) -> None:
    olga = Operator(client)
    told = {"digest": None, "mode": "active", "because": MARKUP}
    refused = olga.post("/v1/policy/activations", told, status=401)
    opened = olga.post("/step-up/challenges", {"decision_id": refused["challenge"]["decision_id"]})
    client.cookies[session_cookie_name()] = olga.secret
    page = client.get(f"/step-up/{opened['challenge_id']}").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert MARKUP not in page


def test_a_stranger_learns_nothing_of_what_there_is_by_what_is_refused(client: Client, world: World) -> None:
    key = world.vendor_key
    known, unknown = applied().digest, "0" * 64
    answers = [
        {
            name: value
            for name, value in get(client, key, f"{BUNDLES}/{one}", status=403).items()
            if name != "decision_id"
        }
        for one in (known, unknown)
    ]
    assert answers[0] == answers[1]
