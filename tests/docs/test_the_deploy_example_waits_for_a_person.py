"""The pipeline of docs/examples/deploy asks, waits until somebody agrees, goes on once, and stops when refused."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, step_up
from tests.decisions.conftest import TOTP_SECRET, World, client, code_at, world
from tiergate import ActionSpec, CallerKind, Requirement

__all__ = ["client", "world"]

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "deploy"
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
def given(world: World, live_server: Any) -> dict[str, str]:
    """Put the example's action into the catalogue, and give what the job is given."""
    said = yaml.safe_load((EXAMPLE / "catalog.yaml").read_text())["actions"]["deploy.release"]
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
    }


class Dave:
    """Agrees or refuses while the job waits."""

    def __init__(self, client: Client, world: World, does: str) -> None:
        self.client, self.world, self.does = client, world, does
        self.heard: list[str] = []

    def hear(self, line: str) -> None:
        self.heard.append(line)

    def act(self, _seconds: float) -> None:
        approval = next(line.split()[1].rstrip(",") for line in self.heard if line.startswith("Approval: "))
        document = {"session": self.world.asserted("dave")}
        path, key = f"/step-up/approvals/{approval}/{self.does}", self.world.acme_key
        if self.does == "grant":
            refused = ask(self.client, key, document, path=path, status=401)
            step_up(self.client, key, {"context": refused}, code_at(clock.now()))
        ask(self.client, key, document, path=path)


def test_the_job_goes_on_once_somebody_has_agreed_to_this_commit(
    script: Any, given: dict[str, str], client: Client, world: World
) -> None:
    dave = Dave(client, world, "grant")
    assert script.main(given, say=dave.hear, pause=dave.act) == 0, dave.heard
    assert script.main(given, say=dave.hear, pause=dave.act) == 0, "the same run has the same use"

    def give_up(_seconds: float) -> None:
        raise script.Stop("nobody came")

    for other in ({"DEPLOY_COMMIT": "0ddc0de"}, {"DEPLOY_RUN": "78-1"}, {"DEPLOY_REPOSITORY": "acme/other"}):
        assert script.main(given | other, say=dave.hear, pause=give_up) == 1, other


def test_the_job_stops_when_somebody_refuses(script: Any, given: dict[str, str], client: Client, world: World) -> None:
    dave = Dave(client, world, "refuse")
    assert script.main(given, say=dave.hear, pause=dave.act) == 1
    assert dave.heard[-1] == "Stop: The approval is refused."


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
