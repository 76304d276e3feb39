"""However odd a body is, the short way in, Django's view, and both ways of reading it say the same, and no error is ours."""

import json
from itertools import islice
from typing import Any

import msgspec
import pytest

from config.wsgi import application
from decisions import wire
from decisions.callers import find_credential
from isolation.clock import now
from tests.bad_input.odd import bodies, seeded
from tests.decisions.asking import body, export, payment
from tests.decisions.conftest import World
from tests.decisions.test_the_short_way_in import knock, same

DRAWN = 700


def questions(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Write what is made odd: with whose credential it is asked, where, and what."""
    session, other = world.asserted(), world.asserted(tenant=world.globex)
    within: dict[str, Any] = {"environment": "production", "purpose": "enforce", "tenant": "acme"}
    batch: dict[str, Any] = {
        "evaluations": [body(session=session), export(session=session), {"action": {"name": "reports.read"}}]
    }
    return [
        (world.acme_key, "/access/v1/evaluation", body(session=session, **within)),
        (world.acme_key, "/t/acme/access/v1/evaluation", body(session=session, properties={"a": "1"})),
        (world.vendor_key, "/access/v1/evaluation", body(session=session, tenant="acme")),
        (world.acme_key, "/access/v1/evaluation", payment(100, session=session, origin="web")),
        (world.globex_key, "/access/v1/evaluation", export(session=other)),
        (world.acme_key, "/access/v1/evaluations", body(session=session) | batch),
        (world.bare_key, "/access/v1/evaluation", body(session=session)),
    ]


def reply_of(app: Any, key: str, path: str, content: bytes) -> tuple[int, dict[str, str], bytes]:
    environ = {"HTTP_AUTHORIZATION": f"Bearer {key}", "CONTENT_TYPE": "application/json", "HTTP_X_REQUEST_ID": "odd"}
    return same(knock(app, "POST", path, content, **environ))


def test_the_door_and_djangos_view_say_the_same_of_every_odd_body(world: World) -> None:
    drawn, statuses = seeded("two doors"), set()
    for key, path, question in questions(world):
        for content in islice(bodies(question, drawn), DRAWN // 7):
            by_door = reply_of(application, key, path, content)
            by_view = reply_of(site(), key, path, content)
            assert by_door == by_view, content[:2000]
            assert by_door[0] in {200, 400}, (by_door, content[:2000])
            statuses.add(by_door[0])
    assert statuses == {200, 400}


def site() -> Any:
    """Find Django's own application behind whatever stands before it."""
    found: Any = application
    while hasattr(found, "site"):
        found = found.site
    assert found is not application
    return found


def test_a_body_is_read_in_one_go_as_it_is_read_piece_by_piece(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is skipped in one go is looked at in the other: neither lets in what the other does not."""
    drawn, read_in_one_go = seeded("two readers"), 0
    plain = wire._plain_question
    for key, path, question in questions(world):
        for content in islice(bodies(question, drawn), DRAWN // 7):
            asked = wire.Asked(
                authorization=f"Bearer {key}", content_type="application/json", request_id="", body=content
            )
            answer = wire.evaluations_bytes if path.endswith("s") else wire.evaluate_bytes
            in_one_go = same(answer(asked, at=now()))
            with monkeypatch.context() as patched:
                patched.setattr(wire, "_plain_question", lambda *_: None)
                piece_by_piece = same(answer(asked, at=now()))
            assert in_one_go[0] in {200, 400}, (in_one_go, content[:2000])
            if in_one_go[0] == 200 and piece_by_piece[0] == 400:
                # What nobody reads may hold a number that no machine does.
                assert holds_no_number(content), (in_one_go, piece_by_piece, content[:2000])
                continue
            assert decisions(in_one_go) == decisions(piece_by_piece), (in_one_go, piece_by_piece, content[:2000])
            if in_one_go[0] == 200 and len(content) < wire.MAX_BODY:
                credential = find_credential(asked.authorization, at=now())
                assert credential is not None
                read_in_one_go += plain(asked, credential) is not None
    assert read_in_one_go > DRAWN / 20, "too few were read in one go to say anything"


def holds_no_number(content: bytes) -> bool:
    """Say whether it is a number out of every range that keeps a body from being read."""
    try:
        msgspec.json.decode(content)
    except msgspec.ValidationError as error:
        return "out of range" in str(error)
    return False


@pytest.mark.parametrize("number", ["1e999", "-1e400", "9" * 5_000])
def test_a_number_that_is_none_in_a_context_is_a_bad_request_where_it_is_read(world: World, number: str) -> None:
    """An action that binds fields looks at the whole request."""
    question = json.dumps(payment(100, session=world.asserted(), origin=4711)).replace("4711", number).encode()
    status, _headers, content = reply_of(application, world.acme_key, "/access/v1/evaluation", question)
    assert (status, json.loads(content)["code"]) == (400, "bad_request")


def decisions(reply: tuple[int, dict[str, str], bytes]) -> list[Any]:
    """List what was decided, and why."""
    told = json.loads(reply[2])
    answers = told.get("evaluations", [told]) if reply[0] == 200 else [told]
    return [(one.get("decision"), one.get("context", {}).get("reason"), one.get("code")) for one in answers]
