"""`replay` over HTTP: only a server that says that all of it came out as it was is taken for one of which that is so."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.policy.answering import Answering, Asked, Said
from tiergate.command import main
from tiergate.policy.remote.server import TOKEN

REPLAYS = "/v1/policy/replays"
CAME = {"decisions": 12, "is_same": True, "same": 12, "differing": 0, "inexact": {}, "left_out": {}}
DONE = {"id": "r1", "status": "done", "done": 12, "total": 12, "report": CAME, "lines": ["12 decisions: 12 the same"]}
MISSING = {"the entry cannot be read": {"count": 1, "ids": ["dec_1"]}}


@pytest.fixture
def said() -> list[Said]:
    return [Said(202, {"id": "r1", "status": "waiting", "done": 0, "total": 0})]


@pytest.fixture
def server(said: list[Said], monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    def answer(asked: Asked) -> Said:
        assert asked.path in {REPLAYS, f"{REPLAYS}/r1"}
        return said.pop(0)

    monkeypatch.setenv(TOKEN, "tg_secret")
    found = Answering(answer)
    yield found
    found.close()


def _run(server: Answering, *words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["policy", "replay", "--server", server.url, "--pace", "0.01", *words], out, err)
    return code, out.getvalue(), err.getvalue()


def test_it_tells_how_far_it_is_and_what_came_of_it(server: Answering, said: list[Said]) -> None:
    said += [Said(200, {"id": "r1", "status": "running", "done": 5, "total": 12}), Said(200, DONE)]
    code, out, err = _run(server, "--days", "3")
    assert (code, out) == (0, "12 decisions: 12 the same\n")
    assert err == "waiting: 0 of 0 decisions\nrunning: 5 of 12 decisions\n"
    assert server.asked[0].body == {"days": 3}


def test_as_json_it_says_whether_all_is_well(server: Answering, said: list[Said]) -> None:
    said.append(Said(200, DONE))
    told = json.loads(_run(server, "--json")[1])
    assert (told["is_good"], told["replay"], told["differing"]) == (True, "r1", 0)


@pytest.mark.parametrize(
    "came",
    [
        {"is_same": False, "differing": 1},
        {"differing": 1},
        {"is_same": False},
        {"inexact": MISSING},
        {"left_out": MISSING},
    ],
)
def test_what_came_out_otherwise_or_could_not_be_looked_at_is_no_good(
    server: Answering, said: list[Said], came: dict[str, Any]
) -> None:
    said.append(Said(200, DONE | {"report": CAME | came}))
    assert _run(server)[0] == 1


@pytest.mark.parametrize(
    "done",
    [
        DONE | {"report": None},
        DONE | {"report": {}},
        *(
            DONE | {"report": {name: value for name, value in CAME.items() if name != left}}
            for left in CAME
            if left not in {"decisions", "same"}
        ),
        DONE | {"report": CAME | {"differing": "0"}},
        {"id": "r1", "status": "failed", "done": 0, "total": 12, "why": "This process may not look."},
        {"id": "r1", "status": "perhaps", "done": 0, "total": 12},
    ],
)
def test_what_is_not_said_is_never_taken_for_the_same(
    server: Answering, said: list[Said], done: dict[str, Any]
) -> None:
    said.append(Said(200, done))
    assert _run(server)[0] == 2
