"""The pipeline of docs/examples/deploy asks, waits until somebody agrees, goes on once, and stops when refused."""

import importlib.util
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml
from django.db.models import F
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import DeviceCode
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask, step_up
from tests.decisions.conftest import TOTP_SECRET, World, client, code_at, world
from tests.decisions.test_a_token_is_good_for_one_task import ISSUER, keys
from tiergate import ActionSpec, CallerKind, Requirement, ScopeSpec
from tiergate.tokens import read_token

__all__ = ["client", "world"]

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "deploy"
TOO_SOON = 2
VERBS = ("access.evaluate", "step_up.create", "deploy.release")


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("may_deploy", EXAMPLE / "may_deploy.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def given(world: World, live_server: Any, tmp_path: Path) -> dict[str, str]:
    """Put the example's action into the catalogue, and give what the job is given."""
    file = yaml.safe_load((EXAMPLE / "catalog.yaml").read_text())
    said, scope = file["actions"]["deploy.release"], file["scopes"]["releases"]
    with licensing.edit_catalogue(by="test", at=world.at) as edit:
        edit.put_action(
            ActionSpec(
                name="deploy.release",
                title=said["title"],
                resource_type=said["resource"],
                privilege="deploy.release",
                environment_aware=True,
                environments={key: Requirement.from_json(one["requires"]) for key, one in said["environments"].items()},
                binds=tuple(said["binds"]),
                callers=tuple(CallerKind(one) for one in said["callers"]),
            )
        )
        edit.put_scope(ScopeSpec(name="releases", title=scope["title"], actions=tuple(scope["actions"])))
    licensing.put_role(tenant_id=world.acme, key="releaser", privileges=["deploy.release"], by="test", at=world.at)
    licensing.put_member(
        tenant_id=world.acme, subject_type="user", subject_id="dave", roles=["releaser"], by="test", at=world.at
    )
    authlevels.put_user(subject_id="dave", subject_type="user", realm=world.acme, totp_secret=TOTP_SECRET, at=world.at)
    _told, key = authlevels.create_credential(
        tenant_id=world.acme, name="pipeline", verbs=VERBS, by="test", at=world.at
    )
    return {
        "TIERGATE_URL": live_server.url,
        "TIERGATE_KEY": key,
        "TIERGATE_SERVICE": "pipeline",
        "DEPLOY_REPOSITORY": "acme/reports",
        "DEPLOY_COMMIT": "5f1c0de5f1c0de5f1c0de",
        "DEPLOY_RUN": "77-1",
        "DEPLOY_ENVIRONMENT": "production",
        "DEPLOY_AUDIENCE": "https://deployer.example",
        "DEPLOY_TOKEN_FILE": str(tmp_path / "token"),
    }


class Dave:
    """Agrees or refuses while the job waits for the second time, having been asked about too soon before."""

    def __init__(self, client: Client, world: World, does: str) -> None:
        self.client, self.world, self.does = client, world, does
        self.heard: list[str] = []
        self.paused: list[float] = []

    def hear(self, line: str) -> None:
        self.heard.append(line)

    def act(self, seconds: float) -> None:
        self.paused.append(seconds)
        if len(self.paused) == TOO_SOON:
            return
        with tenant_transaction(self.world.acme):
            DeviceCode.objects.update(polled_at=F("polled_at") - timedelta(seconds=seconds))
        if len(self.paused) == TOO_SOON + 1:
            self.answer()

    def answer(self) -> None:
        approval = next(line.split()[1].rstrip(",") for line in self.heard if line.startswith("Approval: "))
        document = {"session": self.world.asserted("dave")}
        path, key = f"/step-up/approvals/{approval}/{self.does}", self.world.acme_key
        if self.does == "grant":
            refused = ask(self.client, key, document, path=path, status=401)
            step_up(self.client, key, {"context": refused}, code_at(clock.now()))
        ask(self.client, key, document, path=path)


def give_up(_seconds: float) -> None:
    raise ValueError("nobody came")


def test_the_job_goes_on_with_a_token_for_what_somebody_has_agreed_to(
    script: Any, given: dict[str, str], client: Client, world: World
) -> None:
    dave = Dave(client, world, "grant")
    assert script.main(given, say=dave.hear, pause=dave.act) == 0, dave.heard
    # Pending, too soon, and then as much slower as RFC 8628 says.
    assert dave.paused == [5, 5, 10]
    shown = re.fullmatch(r"Open \S+/activate and type the code [A-Z]{4}-[A-Z]{4}; the number is \d\d\.", dave.heard[2])
    assert shown, dave.heard
    file = Path(given["DEPLOY_TOKEN_FILE"])
    assert file.stat().st_mode & 0o077 == 0
    token = file.read_text()
    assert not any(token in line for line in dave.heard), "a job's log is read by others"
    claims = read_token(token, keys=keys(client), issuer=ISSUER, audience=given["DEPLOY_AUDIENCE"], at=clock.now())
    assert (claims.sub, claims.scope, claims.resource) == ("service:pipeline", "releases", "repository/acme/reports")
    assert claims.bound == {
        "resource.properties.commit": given["DEPLOY_COMMIT"],
        "resource.properties.run": given["DEPLOY_RUN"],
    }
    assert claims.environment == "production"
    # Its one use is gone: the same run asks anew, as does all else; and the token of before is not lying about.
    for other in ({}, {"DEPLOY_COMMIT": "0ddc0de"}, {"DEPLOY_RUN": "78-1"}, {"DEPLOY_REPOSITORY": "acme/other"}):
        assert script.main(given | other, say=dave.hear, pause=give_up) == 1, other
        assert dave.heard[-1] == "Stop: nobody came"
    assert not file.exists()


def test_an_answer_that_was_lost_costs_the_job_nothing(
    script: Any, given: dict[str, str], client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def deaf_once(opened: Any, *, timeout: float) -> Any:
        answer = urlopen(opened, timeout=timeout)  # noqa: S310 - the test's own server
        if opened.full_url.endswith("/token"):
            heard.append(json.load(answer)["access_token"])
            if len(heard) == 1:
                answer.close()
                raise URLError("the connection was reset")
            answer.close()
            answer = io.BytesIO(json.dumps({"access_token": heard[-1]}).encode())
        return answer

    monkeypatch.setattr(script, "urlopen", deaf_once)
    dave = Dave(client, world, "grant")
    assert script.main(given, say=dave.hear, pause=dave.act) == 0, dave.heard
    said = [
        read_token(one, keys=keys(client), issuer=ISSUER, audience=given["DEPLOY_AUDIENCE"], at=clock.now())
        for one in (*heard, Path(given["DEPLOY_TOKEN_FILE"]).read_text())
    ]
    assert len(said) == 3
    assert said[0] == said[1] == said[2]


def test_the_job_stops_when_somebody_refuses(script: Any, given: dict[str, str], client: Client, world: World) -> None:
    dave = Dave(client, world, "refuse")
    assert script.main(given, say=dave.hear, pause=dave.act) == 1
    assert dave.heard[-1] == "Stop: It was not agreed to: access_denied."
    assert not Path(given["DEPLOY_TOKEN_FILE"]).exists()


def test_the_job_asks_again_where_nothing_was_answered_but_not_for_ever(script: Any) -> None:
    lost = script.Stop("Tiergate did not answer.", is_passing=True)
    assert [script.next_pace(lost, pace) for pace in (5, 40)] == [10, 60]
    for told in ({"error": "expired_token"}, {"error": "something new"}, {}):
        with pytest.raises(script.Stop):
            script.next_pace(script.Stop("400", told), 5)


@pytest.mark.parametrize(
    "change",
    [{"TIERGATE_KEY": "tgk_nobody"}, {"TIERGATE_URL": "http://127.0.0.1:9"}, {"TIERGATE_SERVICE": "somebody"}],
)
def test_whatever_is_no_plain_yes_stops_the_job(script: Any, given: dict[str, str], change: dict[str, str]) -> None:
    heard: list[str] = []
    assert script.main(given | change, say=heard.append, pause=heard.append) == 1
    assert heard[-1].startswith("Stop: ")


def test_staging_waits_for_nobody(script: Any, given: dict[str, str]) -> None:
    heard: list[str] = []
    assert script.main(given | {"DEPLOY_ENVIRONMENT": "staging"}, say=heard.append, pause=heard.append) == 0
