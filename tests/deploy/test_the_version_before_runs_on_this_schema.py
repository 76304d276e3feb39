"""An upgrade without downtime: the code of the version before serves from the schema of this one, beside this one."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.demo.people import people
from config.demo.ports import HOST
from deploy.drill.cluster import ROOT, machine
from deploy.drill.installation import Installation, Process, installation, made_secrets, valkey
from deploy.drill.questions import QUESTIONS, answer, answers, subscribe
from isolation.clock import now
from tests.deploy.codes import code_in_steps

pytestmark = pytest.mark.storm

# The last commit whose code knows nothing of the migrations since; move it with each release.
BEFORE = "083208118adae6341638135e52a6bf198cf6d956"
GRANIAN = (
    *("-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", "{port}"),
    *("--workers", "1", "--blocking-threads", "2", "--no-ws", "config.wsgi:application"),
)


def code_of(commit: str, target: Path) -> Path:
    """Lay a commit's files out in a directory."""
    done = subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, (
        f"The version before ({commit[:7]}) is not in this clone: {done.stderr.decode().strip()}. "
        "This test needs the history; fetch it with `git fetch --unshallow`."
    )
    target.mkdir()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        files.extractall(target, filter="data")
    return target


@dataclass
class Both:
    """The two versions on one database. made: the credentials and sessions that the version before gave out."""

    before: Process
    after: Process
    made: dict[str, Any]
    this: Installation


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    old = code_of(BEFORE, tmp_path_factory.mktemp("before") / "checkout")
    assert not (old / "deploy").exists(), "this is not the version before"
    given = made_secrets()
    with machine(given) as here, valkey(here) as redis_url:
        cluster = here.cluster("one")
        cluster.make()
        cluster.start()
        cluster.prepare()
        with (
            installation(here, secrets=given, cluster=cluster, valkey_url=redis_url) as this,
            installation(here, secrets=given, cluster=cluster, valkey_url=redis_url, root=old) as earlier,
        ):
            migrated = this.manage("migrate", "--no-input")
            assert migrated.returncode == 0, migrated.stderr
            # Its own writes on the new schema: catalogue, tenants, people, credentials, sessions.
            made = earlier.seed()
            before = earlier.start("web", command=GRANIAN)
            assert before.ask("GET", "/livez").status_code == 404, "this is not the version before"
            yield Both(before=before, after=this.start("web"), made=made, this=this)


def _each(both: Both) -> tuple[Process, Process]:
    return both.before, both.after


def test_both_give_the_right_answers(both: Both) -> None:
    right = {name: (question.outcome, question.reason) for name, question in QUESTIONS.items()}
    assert answers(both.before, both.made) == right
    assert answers(both.after, both.made) == right


def test_somebody_who_signs_in_at_the_one_is_known_to_the_other(both: Both) -> None:
    bob = people()["bob"]
    for here, there in (_each(both), _each(both)[::-1]):
        body = {"tenant": "acme", "username": "bob", "password": bob.password}
        signed_in = here.ask("POST", "/v1/sign-in", body=body)
        assert signed_in.status_code == 201, signed_in.text
        wrong = here.ask("POST", "/v1/sign-in", body={**body, "password": "something else"})
        assert wrong.status_code in {400, 401}, wrong.text
        handle = signed_in.json()["session"]
        question = QUESTIONS["a routine allow"].body(both.made)
        question["context"]["session"] = handle
        for server in (here, there):
            said = server.ask("POST", "/access/v1/evaluation", by=both.made["credentials"]["acme"], body=question)
            assert said.json()["decision"] is True, said.text


def _refused(both: Both, server: Process) -> tuple[dict[str, Any], str]:
    """Ask for what needs a second factor, in a fresh session; returns the question and the refusal's id."""
    by = both.made["credentials"]["globex"]
    body = {
        "subject": {"type": "user", "id": "7781"},
        "amr": ["pwd"],
        "auth_time": int(now().timestamp()),
        "idp": "https://idp.globex.example",
    }
    started = server.ask("POST", "/t/globex/sessions", by=by, body=body)
    assert started.status_code == 201, started.text
    question = QUESTIONS["a regulated feature without a second factor"].body(both.made)
    question["context"] |= {"session": started.json()["session"], "environment": "production"}
    refused = server.ask("POST", "/access/v1/evaluation", by=by, body=question).json()["context"]
    assert refused["outcome"] == "step_up", refused
    return question, refused["challenge"]["decision_id"]


@pytest.mark.parametrize(
    ("opens", "verifies", "steps"),
    # A code is good once, so that each step-up shows the code of a later step.
    [("before", "before", -1), ("after", "before", 0), ("after", "after", 1)],
)
def test_a_refusal_of_the_version_before_is_confirmed_at_either(
    both: Both, opens: str, verifies: str, steps: int
) -> None:
    by = both.made["credentials"]["globex"]
    question, decision_id = _refused(both, both.before)
    opened = getattr(both, opens).ask("POST", "/step-up/challenges", by=by, body={"decision_id": decision_id})
    assert opened.status_code == 201, opened.text
    passed = getattr(both, verifies).ask(
        "POST",
        f"/step-up/challenges/{opened.json()['challenge_id']}/verify",
        by=by,
        body={"method": "totp", "code": code_in_steps(people()["ines"].totp_secret, steps)},
    )
    assert passed.status_code == 200, passed.text
    for server in _each(both):
        assert server.ask("POST", "/access/v1/evaluation", by=by, body=question).json()["decision"] is True


def test_a_refusal_of_this_version_is_opened_by_this_one_alone(both: Both) -> None:
    # Why the runbook says: web first, then decide. The version before cannot read whom a record of this one is about.
    by = both.made["credentials"]["globex"]
    _, decision_id = _refused(both, both.after)
    body = {"decision_id": decision_id}
    assert both.before.ask("POST", "/step-up/challenges", by=by, body=body).status_code == 409
    assert both.after.ask("POST", "/step-up/challenges", by=by, body=body).status_code == 201


def test_a_change_at_the_one_is_what_the_other_answers_from(both: Both) -> None:
    question = QUESTIONS["a premium feature that is not sold"]
    for here, there in (_each(both), _each(both)[::-1]):
        for plan, outcome in (("business", "allow"), ("starter", "upgrade")):
            version = subscribe(here, both.made, "acme", plan)
            assert version is not None
            body = question.body(both.made)
            body["context"]["min_snapshot"] = version
            for server in (here, there):
                said = server.ask("POST", "/access/v1/evaluation", by=both.made["credentials"]["acme"], body=body)
                assert said.json()["context"]["outcome"] == outcome, said.text


def test_what_both_wrote_is_sealed_and_verifies(both: Both) -> None:
    assert answer(both.before, QUESTIONS["an action that nobody declared"], both.made)[0] == "deny"
    assert answer(both.after, QUESTIONS["an action that nobody declared"], both.made)[0] == "deny"
    sealed = both.this.manage("audit", "seal")
    assert sealed.returncode == 0, sealed.stderr
    verified = both.this.manage("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_clone_without_the_history_says_so(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="needs the history"):
        code_of("0" * 40, tmp_path / "none")
