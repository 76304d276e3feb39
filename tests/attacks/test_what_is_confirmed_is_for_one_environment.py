"""Pitfalls 1 and 15: where an action asks by environment, a yes and a proof are for the one that was asked about."""

from typing import Any

import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, step_up
from tests.decisions.conftest import TOTP_SECRET, World, client, code_at, world
from tests.decisions.test_a_service_asks_in_its_own_name import deploy, made
from tests.decisions.test_others_have_to_agree import agreed
from tiergate import ActionSpec, CallerKind, Level, Requirement, Scope

__all__ = ["client", "world"]


def _declare(requirement: Requirement) -> None:
    with licensing.edit_catalogue(by="test", at=clock.now()) as edit:
        edit.put_action(
            ActionSpec(
                name="deploy.release",
                resource_type="repository",
                privilege="deploy.release",
                environment_aware=True,
                environments={"staging": Requirement(), "production": requirement},
                callers=(CallerKind.PERSON, CallerKind.SERVICE),
            )
        )
        edit.put_role("member", ["reports.read", "deploy.release"])


@pytest.fixture
def shores(world: World) -> World:
    """Acme has two production environments."""
    licensing.put_environments(
        tenant_id=world.acme, environments={"eu": "production", "us": "production"}, by="test", at=clock.now()
    )
    authlevels.put_user(subject_id="carol", subject_type="user", realm=world.acme, totp_secret=TOTP_SECRET, at=world.at)
    return world


def test_what_a_colleague_agreed_to_for_one_is_not_done_in_another(client: Client, shores: World) -> None:
    _declare(Requirement(level=Level.AAL2, scope=Scope.TRANSACTION, approvals=1))
    key = made(shores, "pipeline", "deploy.release", "access.evaluate", "step_up.create")
    refused = ask(client, key, deploy(environment="eu"))["context"]
    body = {"decision_id": refused["approval"]["decision_id"]}
    approval = ask(client, key, body, path="/step-up/approvals", status=201)
    assert {one["label"]: one["value"] for one in approval["display"]["fields"]} == {"environment": "eu"}
    assert agreed(client, shores, approval["approval_id"], "carol")["state"] == "approved"
    assert ask(client, key, deploy(environment="us"))["decision"] is False
    assert ask(client, key, deploy(environment="eu"))["decision"] is True


def test_what_was_confirmed_for_one_is_not_done_in_another(client: Client, shores: World) -> None:
    _declare(Requirement(level=Level.AAL2, max_age=120, scope=Scope.TRANSACTION))
    handle = shores.asserted()

    def asked(environment: str) -> Any:
        document = deploy("alice", kind="user", environment=environment, session=handle)
        return ask(client, shores.acme_key, document)

    step_up(client, shores.acme_key, asked("eu"), code_at(clock.now()))
    assert asked("us")["decision"] is False
    assert asked("eu")["decision"] is True
