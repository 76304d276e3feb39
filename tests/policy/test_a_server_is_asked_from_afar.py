"""`plan`, `apply`, `rollback`, `history`, `state` over HTTP: a no is told in words, and silence is never taken for a yes."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.policy.answering import Answering, Asked, Said
from tests.policy.bundles import bundle, files, rule
from tiergate.command import main
from tiergate.policy.remote.server import TOKEN, checked_address
from tiergate.policy.signing import is_signed_by, new_key, public_key

RULES = rule("risk.band == 'high'")
DIGEST = bundle(RULES).digest
OTHER = "cd" * 32
SECRET = "tg_secret"
ACTIVE = {"digest": OTHER, "name": "old", "activated_at": "2026-11-02T12:00:00Z", "by": "alice", "because": "first"}
NO_STAGE: Mapping[str, Any] = {"active": None, "candidate": None}
REPORT = {"changes": {"newly_challenged": 2, "unchanged": 10}}
DONE = {"id": "p1", "status": "done", "done": 12, "total": 12, "report": REPORT, "markdown": "### 2 of 12\n"}


class Tiergate:
    """What a server would answer; a test says otherwise by address."""

    def __init__(self) -> None:
        self.stage: Mapping[str, Any] = NO_STAGE
        self.says: dict[str, list[Said]] = {}

    def __call__(self, asked: Asked) -> Said:
        path = asked.path.partition("?")[0]
        if self.says.get(path):
            return self.says[path].pop(0)
        answers = {
            "/v1/policy": Said(200, self.stage),
            "/v1/policy/bundles": Said(201, {"digest": DIGEST, "name": "acme", "findings": []}),
            "/v1/policy/activations": Said(
                201, {"number": 1, "sentence": "#1: ci put acme in force", "digest": DIGEST}
            ),
            "/v1/policy/rollbacks": Said(201, {"number": 2, "sentence": "#2: ci went back", "digest": OTHER}),
            "/v1/policy/plans": Said(202, {"id": "p1", "status": "waiting", "done": 0, "total": 0}),
            "/v1/policy/plans/p1": Said(200, DONE),
        }
        return answers.get(path, Said(404, {"detail": "There is no such address.", "code": "not_found"}))


@pytest.fixture
def tiergate() -> Tiergate:
    return Tiergate()


@pytest.fixture
def server(tiergate: Tiergate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    monkeypatch.setenv(TOKEN, SECRET)
    found = Answering(tiergate)
    yield found
    found.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in files(RULES).items():
        path = tmp_path / "policies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "policies"


def _run(*words: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main(["policy", *map(str, words)], out, err), out.getvalue(), err.getvalue()


def _apply(server: Answering, folder: Path, *more: str) -> tuple[int, str, str]:
    return _run("apply", folder, "--server", server.url, "--because", "CAB 17", *more)


def _plan(server: Answering, folder: Path, *more: str | Path) -> tuple[int, str, str]:
    return _run("plan", folder, "--server", server.url, "--pace", "0.01", *more)


def test_a_bundle_is_brought_and_put_in_force(server: Answering, tiergate: Tiergate, folder: Path) -> None:
    tiergate.stage = {"active": ACTIVE, "candidate": None}
    key = folder / ".." / "key.pem"
    key.touch(0o600)
    key.write_bytes(new_key())
    source = {"repository": "acme/rules", "commit": "5f1c", "author": "alice"}
    words = [word for name, value in source.items() for word in (f"--{name}", value)]
    code, out, err = _apply(server, folder, "--publisher", "acme", "--key", str(key), *words)
    assert (code, out, err) == (0, "#1: ci put acme in force\n", "")
    _stage, stored, activated = server.asked
    assert stored.body["files"] == files(RULES)
    assert stored.body["source"] == source
    assert stored.body["signature"]["publisher"] == "acme"
    assert is_signed_by(public_key(key.read_bytes()), DIGEST, stored.body["signature"]["value"])
    assert activated.body == {"digest": DIGEST, "mode": "active", "because": "CAB 17", "expected": OTHER}
    assert {one.headers["Authorization"] for one in server.asked} == {f"Bearer {SECRET}"}


def test_a_candidate_is_for_whom_it_is_said_to_be(server: Answering, folder: Path) -> None:
    assert _apply(server, folder, "--mode", "staged", "--tenants", "acme, umbrella", "--percent", "5")[0] == 0
    assert server.asked[-1].body == {
        "digest": DIGEST,
        "mode": "staged",
        "tenants": ["acme", "umbrella"],
        "percent": 5,
        "because": "CAB 17",
        "expected": None,
    }


def test_what_is_in_force_already_is_not_put_there_again(server: Answering, tiergate: Tiergate, folder: Path) -> None:
    tiergate.stage = {"active": ACTIVE | {"digest": DIGEST}, "candidate": None}
    code, out, _ = _apply(server, folder)
    assert (code, "in force already" in out) == (0, True)
    # It may have got another signature by that.
    assert [one.path for one in server.asked] == ["/v1/policy", "/v1/policy/bundles"]
    tiergate.stage = {"active": ACTIVE | {"digest": DIGEST}, "candidate": ACTIVE}
    assert _apply(server, folder)[0] == 0
    assert server.asked[-1].path == "/v1/policy/activations"


def test_another_bundle_than_the_expected_one_stops_before_anything_is_sent(
    server: Answering, tiergate: Tiergate, folder: Path
) -> None:
    for stage, expected in (({"active": ACTIVE, "candidate": None}, "none"), (NO_STAGE, OTHER)):
        tiergate.stage = stage
        code, out, _ = _apply(server, folder, "--expected", expected)
        assert (code, "Another bundle is in force" in out) == (1, True)
    assert {one.method for one in server.asked} == {"GET"}


def test_a_no_of_the_server_is_a_sentence_with_places(server: Answering, tiergate: Tiergate, folder: Path) -> None:
    error = {"file": "rules/a.yaml", "line": 4, "column": 9, "message": "no such\x1b[31m field"}
    problem = {"title": "Unprocessable", "detail": "These files are no bundle.", "code": "bundle_refused"}
    tiergate.says["/v1/policy/bundles"] = [Said(422, problem | {"errors": [error]})] * 2
    code, out, _ = _apply(server, folder)
    assert (code, out.splitlines()) == (
        1,
        ["These files are no bundle. (bundle_refused)", "rules/a.yaml:4:9: no such\N{REPLACEMENT CHARACTER}[31m field"],
    )
    code, out, _ = _apply(server, folder, "--json")
    assert (code, json.loads(out)["code"], json.loads(out)["status"]) == (1, "bundle_refused", 422)
    tiergate.says["/v1/policy/activations"] = [Said(409, {"detail": "Another is.", "code": "stage_changed"})]
    assert _apply(server, folder)[:2] == (1, "Another is. (stage_changed)\n")
    tiergate.says["/v1/policy"] = [Said(403, b"<html>"), Said(403, {"detail": ["odd"], "errors": "odd", "code": 7})]
    assert _apply(server, folder)[:2] == _apply(server, folder)[:2] == (1, "The server refuses. (403)\n")


def test_a_server_that_reads_the_bundle_otherwise_is_not_told_to_activate_it(
    server: Answering, tiergate: Tiergate, folder: Path
) -> None:
    tiergate.says["/v1/policy/bundles"] = [Said(201, {"digest": OTHER})]
    code, out, _ = _apply(server, folder)
    assert (code, "(digest_differs)" in out, server.asked[-1].path) == (1, True, "/v1/policy/bundles")


@pytest.mark.parametrize(
    "said", [Said(200, None), Said(500, {"code": "internal_error"}), Said(201, b"<html>"), Said(201, [])]
)
def test_of_a_change_without_an_answer_nobody_says_that_it_was_made(
    server: Answering, tiergate: Tiergate, folder: Path, said: Said
) -> None:
    tiergate.says["/v1/policy/activations"] = [said]
    code, out, err = _apply(server, folder)
    assert (code, out, "Whether it was done nobody knows" in err) == (2, "", True)


@pytest.mark.parametrize("stage", [{}, {"active": None}, {"active": "odd", "candidate": None}])
def test_a_server_that_does_not_say_what_is_in_force_is_changed_nothing(
    server: Answering, tiergate: Tiergate, folder: Path, stage: dict[str, Any]
) -> None:
    tiergate.stage = stage
    assert _apply(server, folder)[0] == 2
    assert _run("withdraw", "--server", server.url, "--because", "so")[0] == 2
    assert {one.method for one in server.asked} == {"GET"}


def test_a_plan_is_waited_for_and_its_report_written(
    server: Answering, tiergate: Tiergate, folder: Path, tmp_path: Path
) -> None:
    running = {"id": "p1", "status": "running", "done": 5, "total": 12}
    tiergate.says["/v1/policy/plans/p1"] = [
        Said(200, running),
        Said(503, {}, {"Retry-After": "0"}),
        Said(200, None),
        Said(200, running),
    ]
    code, out, err = _plan(server, folder, "--days", "7", "--markdown", tmp_path / "plan.md")
    assert (code, out) == (0, "### 2 of 12\n")
    assert err.splitlines() == ["waiting: 0 of 0 decisions", "running: 5 of 12 decisions"]
    assert (tmp_path / "plan.md").read_text() == "### 2 of 12\n"
    assert server.asked[1].body == {"digest": DIGEST, "days": 7}


@pytest.mark.parametrize("change", ["newly_allowed", "no_longer_refused", "requirement_lowered", "a_kind_of_tomorrow"])
def test_a_plan_that_asks_for_less_fails_unless_that_is_meant(
    server: Answering, tiergate: Tiergate, folder: Path, change: str
) -> None:
    lower = DONE | {"report": {"changes": {change: 3, "unchanged": 9}}}
    tiergate.says["/v1/policy/plans/p1"] = [Said(200, lower)] * 3
    code, out, _ = _plan(server, folder)
    assert (code, "3 decisions would ask for less" in out) == (1, True)
    assert _plan(server, folder, "--allow-lowering")[0] == 0
    said = json.loads(_plan(server, folder, "--json")[1])
    assert (said["is_good"], said["lowered"], said["digest"]) == (False, 3, DIGEST)


def test_what_a_plan_could_not_look_at_is_not_taken_for_unchanged(
    server: Answering, tiergate: Tiergate, folder: Path
) -> None:
    unseen = DONE | {"report": {"changes": {"unchanged": 9}, "left_out": {"no facts": {"count": 4, "ids": []}}}}
    tiergate.says["/v1/policy/plans/p1"] = [Said(200, unseen)] * 2
    code, out, _ = _plan(server, folder)
    assert (code, "4 decisions could not be looked at" in out) == (1, True)
    assert _plan(server, folder, "--allow-lowering")[0] == 0


@pytest.mark.parametrize(
    "plan",
    [
        {"status": "failed"},
        {"status": "odd"},
        {},
        DONE | {"report": None},
        DONE | {"report": {"changes": []}},
        DONE | {"report": {"changes": {"newly_allowed": "0"}}},
        DONE | {"report": {"changes": {"newly_allowed": False}}},
        DONE | {"report": {"changes": {}, "left_out": 4}},
        DONE | {"report": {"changes": {}, "left_out": {"no facts": 4}}},
        DONE | {"markdown": None},
    ],
)
def test_a_plan_that_does_not_say_what_changes_is_no_good(
    server: Answering, tiergate: Tiergate, folder: Path, plan: dict[str, Any]
) -> None:
    tiergate.says["/v1/policy/plans/p1"] = [Said(200, plan)]
    assert _plan(server, folder)[:2] == (2, "")


def test_a_plan_is_not_waited_for_for_ever(server: Answering, tiergate: Tiergate, folder: Path) -> None:
    tiergate.says["/v1/policy/plans/p1"] = [Said(200, {"status": "waiting"})] * 1000
    code, _, err = _plan(server, folder, "--wait", "0.05")
    assert (code, "not done after 0.05 seconds" in err) == (2, True)
    tiergate.says["/v1/policy/plans/p1"] = [Said(503, {})] * 1000
    assert _plan(server, folder)[0] == 2
    assert len(tiergate.says["/v1/policy/plans/p1"]) == 1000 - 6


def test_going_back_withdrawing_and_looking_back(server: Answering, tiergate: Tiergate) -> None:
    tiergate.stage = {"active": ACTIVE, "candidate": ACTIVE | {"digest": DIGEST, "mode": "shadow", "percent": 5}}
    why = ("--server", server.url, "--because", "it broke")
    assert _run("rollback", *why)[:2] == (0, "#2: ci went back\n")
    assert server.asked[-1].body == {"because": "it broke", "expected": OTHER}
    assert _run("rollback", *why, "--expected", "none")[0] == 0
    assert server.asked[-1].body == {"because": "it broke", "expected": None}
    assert _run("withdraw", *why)[0] == 0
    assert server.asked[-1].body["mode"] == "withdraw"
    assert server.asked[-1].body["digest"] == DIGEST
    assert _run("state", "--server", server.url)[1].splitlines() == [
        f"old ({OTHER[:12]}) is in force since 2026-11-02T12:00:00Z, by alice, because: first",
        f"old ({DIGEST[:12]}) is the candidate: shadow, for 5 % of tenants",
    ]
    pages = [
        {"items": [{"sentence": "third"}, {"sentence": "second"}], "next": "2 &"},
        {"items": [{"sentence": "first"}], "next": None},
    ]
    tiergate.says["/v1/policy/activations"] = [Said(200, page) for page in (*pages, *pages)]
    assert _run("history", "--server", server.url)[:2] == (0, "third\nsecond\nfirst\n")
    assert server.asked[-1].path == "/v1/policy/activations?cursor=2+%26"
    assert _run("history", "--server", server.url, "--limit", "1")[1] == "third\n"


@pytest.mark.parametrize("verb", [_apply, _plan], ids=["apply", "plan"])
def test_what_is_wrong_with_a_promise_is_shown_in_its_line_and_never_sent(
    server: Answering, folder: Path, verb: Callable[[Answering, Path], tuple[int, str, str]]
) -> None:
    (folder / "invariants").mkdir()
    (folder / "invariants" / "a.yaml").write_text("- id: kept\n  on: {actions: []}\n  forbidden: true\n  owner: me\n")
    code, out, _ = verb(server, folder)
    assert (code, out.splitlines()[1:3]) == (1, ["    on: {actions: []}", "                  ^"]), out
    assert server.asked == []


def test_what_does_not_belong_together_is_not_sent(server: Answering, folder: Path) -> None:
    for words in (("--publisher", "acme"), ("--signature", "x"), ("--commit", "5f1c"), ("--expected", "5f1c")):
        assert _apply(server, folder, *words)[0] == 2
    (folder / "rules" / "a.yaml").write_text("- [")
    assert _apply(server, folder)[0] == 1
    assert server.asked == []


@pytest.mark.parametrize("token", [None, "", " ", "two words", "line\r\nX-More: 1", "é", "x" * 1025])
def test_without_a_credential_nobody_is_asked(
    server: Answering, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    monkeypatch.delenv(TOKEN)
    if token is not None:
        monkeypatch.setenv(TOKEN, token)
    code, out, err = _run("state", "--server", server.url)
    assert (code, out, TOKEN in err, server.asked) == (2, "", True, [])


@pytest.mark.parametrize(
    "address",
    [
        "http://tiergate.example",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://localhost@tiergate.example",
        "http://localhost:80@tiergate.example",
        "http://127.0.0.1\\@tiergate.example",
        "http://127.0.0.1 .example",
        "https://user:secret@tiergate.example",
        "https://tiergate.example?x=1",
        "https://tiergate.example#x",
        "https://tiergate.example:port",
        "https://tiergate.example:99999",
        "ftp://tiergate.example",
        "file:///etc/passwd",
        "tiergate.example",
        "https://",
        "https:tiergate.example",
        "https://tiergate.exa\u200bmple",
        "https://[::1",
        "",
    ],
)
def test_a_credential_is_sent_encrypted_to_a_named_server_or_to_this_machine(address: str) -> None:
    with pytest.raises(ValueError, match="--server: "):
        checked_address(address)


def test_an_address_is_taken_as_it_is_meant() -> None:
    for address in ("https://tiergate.example", "https://h:8443/base/", "http://localhost:8000/", "http://[::1]:80"):
        assert checked_address(address)[0] == address.rstrip("/")


def test_no_redirect_is_shown_the_credential(server: Answering, tiergate: Tiergate) -> None:
    thief = Answering(lambda _: Said(200, NO_STAGE))
    try:
        for status in (301, 302, 303, 307, 308):
            tiergate.says["/v1/policy"] = [Said(status, {}, {"Location": f"{thief.url}/v1/policy"})]
            code, _, err = _run("state", "--server", server.url)
            assert (code, "leads elsewhere" in err) == (2, True)
        assert thief.asked == []
    finally:
        thief.close()


def test_no_proxy_is_asked_about_this_machine(server: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert _run("state", "--server", server.url)[0] == 0
