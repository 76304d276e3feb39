"""`tiergate policy … --server` against a real server: signed, planned, put in force, told, and taken back."""

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from authlevels import api as authlevels
from decisions.policy.making import make_plans
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, body
from tests.decisions.bundles import files
from tests.decisions.conftest import World
from tests.decisions.operators import publisher
from tiergate import Verb
from tiergate.command import main
from tiergate.policy.remote.server import TOKEN
from tiergate.policy.signing import new_key, public_key

type Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(world: World, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Type a command, in the credential's name of a job that stores rules and puts them in force."""
    assert world.acme_key
    monkeypatch.setenv(TOKEN, publisher())

    def typed(*words: str | Path) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        given = ["policy", *map(str, words), "--server", live_server.url]
        return main(given, out, err), out.getvalue(), err.getvalue()

    return typed


def _write(folder: Path, name: str, **how: str) -> Path:
    for path, text in files(name, **how).items():
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / name / path).write_text(text)
    return folder / name


def _outcome(client: Client, world: World) -> str:
    said = ask(client, world.acme_key, body(session=world.asserted()))["context"]
    outcome: str = said["outcome"]
    return outcome


def test_a_signed_bundle_goes_all_the_way_and_back(
    run: Run, client: Client, world: World, tmp_path: Path, settings: Any
) -> None:
    key = tmp_path / "key.pem"
    key.touch(0o600)
    key.write_bytes(new_key())
    settings.POLICY_PUBLISHERS = {"release": public_key(key.read_bytes())}
    calm, strict = _write(tmp_path, "calm", says="aal2"), _write(tmp_path, "strict")
    signed = ("--publisher", "release", "--key", key)
    why = ("--because", "ticket 4711")

    code, out, _ = run("apply", calm, *why)
    assert (code, "(signature_missing)" in out) == (1, True)
    assert run("state")[:2] == (0, "No bundle is in force: rules ask for nothing.\n")
    source = ("--repository", "acme/rules", "--commit", "5f1c0de", "--author", "Alice <alice@example.com>")
    code, out, err = run("apply", calm, *why, *signed, *source)
    assert (code, "put calm" in out, err) == (0, True, "")
    assert _outcome(client, world) == "step_up"
    assert run("apply", calm, *why, *signed)[1].endswith("is in force already.\n")

    code, out, _ = run("apply", strict, *why, *signed, "--mode", "staged", "--tenants", "globex")
    assert (code, "candidate strict" in out) == (0, True)
    assert "candidate: staged, for globex and 0 % of tenants" in run("state")[1]
    assert run("withdraw", *why)[0] == 0
    assert run("withdraw", *why)[0] == 1
    assert run("apply", strict, *why, *signed, "--expected", "none")[0] == 1
    assert run("apply", strict, *why, *signed)[0] == 0
    assert _outcome(client, world) == "deny"
    assert run("rollback", *why)[0] == 0
    assert _outcome(client, world) == "step_up"

    code, out, _ = run("history")
    assert (code, len(out.splitlines())) == (0, 5)
    assert "ticket 4711" in out
    steps = json.loads(run("history", "--json", "--limit", "3")[1])["items"]
    assert [one["mode"] for one in steps] == ["rollback", "active", "withdraw"]


def test_what_the_server_refuses_it_refuses_with_places(run: Run, tmp_path: Path) -> None:
    folder = _write(tmp_path, "untested")
    (folder / "tests" / "a.yaml").write_text("[]\n")
    code, out, _ = run("apply", folder, "--because", "so")
    assert (code, "(bundle_untested)" in out, "rules/a.yaml:1:1: one: " in out) == (1, True, True)
    assert run("state")[1].startswith("No bundle is in force")


def test_who_may_only_store_puts_nothing_in_force(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _told, secret = authlevels.create_credential(
        tenant_id=licensing.VENDOR_TENANT_ID,
        name="policy-plan",
        verbs=[Verb.BUNDLES_READ, Verb.BUNDLES_WRITE],
        by="test",
        at=clock.now(),
    )
    monkeypatch.setenv(TOKEN, secret)
    why = ("--because", "so")
    code, out, _ = run("apply", _write(tmp_path, "strict"), *why)
    assert (code, out.count("\n")) == (1, 1), out
    assert run("rollback", *why)[0] == run("withdraw", *why)[0] == 1
    assert run("state")[:2] == (0, "No bundle is in force: rules ask for nothing.\n")
    monkeypatch.setenv(TOKEN, "tgk_none")
    assert run("state")[0] == 1


def _worked(run: Run, *words: str | Path) -> tuple[int, str, str]:
    """Type a command that waits for the worker, and do meanwhile what the worker does by its schedule."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(run, *words)
        while wait([asked], timeout=0.02).not_done:
            make_plans(clock=clock.now, until=clock.now() + timedelta(seconds=20))
    return asked.result()


def test_a_plan_is_waited_for_and_says_what_would_be_let_go(
    run: Run, client: Client, world: World, tmp_path: Path
) -> None:
    why = ("--because", "so")
    assert run("apply", _write(tmp_path, "strict"), *why)[0] == 0
    assert _outcome(client, world) == "deny"
    calm, report = _write(tmp_path, "calm", says="aal2"), tmp_path / "plan.md"
    code, out, _ = _worked(run, "plan", calm, "--pace", "0.02", "--days", "1", "--markdown", report)
    assert (code, "1 decisions would ask for less than they did" in out) == (1, True), out
    assert "no longer refused" in report.read_text()
    assert run("state")[1].startswith("strict ")


def test_a_replay_is_waited_for_and_says_whether_all_comes_out_again(
    run: Run, client: Client, world: World, tmp_path: Path, superuser: Any
) -> None:
    assert run("apply", _write(tmp_path, "strict"), "--because", "so")[0] == 0
    assert _outcome(client, world) == "deny"
    code, out, err = _worked(run, "replay", "--pace", "0.02", "--days", "1")
    assert (code, out.splitlines()[0].endswith("the same, 0 otherwise")) == (0, True), (out, err)
    assert "waiting: 0 of 0 decisions\n" in err
    superuser.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
    superuser.execute(
        """UPDATE audit_entry SET payload = jsonb_set(payload, '{decision,outcome}', '"allow"')
        WHERE kind = 'decision' AND tenant_id = %s""",
        [world.acme],
    )
    superuser.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER")
    code, out, _ = _worked(run, "replay", "--pace", "0.02", "--days", "1", "--json")
    said = json.loads(out)
    assert (code, said["is_good"], said["is_same"], said["differing"]) == (1, False, False, 1)
    assert said["differences"][0]["recorded"]["outcome"] == "allow"
