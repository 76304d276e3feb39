"""A job without a person asks for itself: its credential says what it may, and its tenant where it is."""

from typing import Any

import pytest
from django.test import Client
from msgspec.structs import replace

from audit import api as audit
from authlevels import api as authlevels
from decisions.trail import read_back
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask
from tests.decisions.conftest import World
from tiergate import ActionSpec, CallerKind, Level, Requirement, decide

_BOTH = (CallerKind.PERSON, CallerKind.SERVICE)
_APPROVED = Requirement(level=Level.AAL2, approvals=1)


@pytest.fixture
def key(world: World) -> str:
    """Give Acme's pipeline a credential that may deploy."""
    with licensing.edit_catalogue(by="test", at=world.at) as edit:
        edit.put_action(
            ActionSpec(
                name="deploy.release",
                resource_type="repository",
                privilege="deploy.release",
                environment_aware=True,
                environments={"staging": Requirement(), "production": _APPROVED},
                callers=_BOTH,
            )
        )
    return made(world, "pipeline", "deploy.release", "access.evaluate")


def made(world: World, name: str, *verbs: str, tenant: Any = None) -> str:
    _credential, secret = authlevels.create_credential(
        tenant_id=tenant or world.acme, name=name, verbs=verbs, by="test", at=world.at
    )
    return secret


def deploy(name: str = "pipeline", *, kind: str = "service", **context: Any) -> dict[str, Any]:
    return {
        "subject": {"type": kind, "id": name},
        "action": {"name": "deploy.release"},
        "resource": {"type": "repository", "id": "northwind/reports"},
        "context": {"environment": "staging", **context},
    }


def reason(answer: Any) -> tuple[bool, str]:
    return answer["decision"], answer["context"]["reason"]


def test_it_is_allowed_what_its_credential_says(client: Client, world: World, key: str) -> None:
    assert reason(ask(client, key, deploy())) == (True, "allowed")
    assert reason(ask(client, key, deploy(), path="/t/acme/access/v1/evaluation")) == (True, "allowed")


def test_levels_are_not_asked_of_it_and_approvals_are(client: Client, world: World, key: str) -> None:
    context = ask(client, key, deploy(environment="production"))["context"]
    assert (context["outcome"], context["reason"]) == ("step_up", "approval_required")
    assert context["needs"] == [{"kind": "approval", "approvals": 1}]
    assert "challenge" not in context, "there is nobody whom a code could be asked of"


def test_the_tenant_says_which_of_its_environments_is_production(client: Client, world: World, key: str) -> None:
    licensing.put_environments(
        tenant_id=world.acme, environments={"blue": "staging", "live": "production"}, by="test", at=clock.now()
    )
    found = {
        name: reason(ask(client, key, deploy(environment=name)))[0] for name in ("blue", "live", "staging", "unheard")
    }
    assert found == {"blue": True, "live": False, "staging": False, "unheard": False}


@pytest.mark.parametrize(
    "document",
    [
        deploy("acme-api"),
        deploy("nobody"),
        deploy("Pipeline"),
        deploy("pipeline", kind="Service"),
        deploy("pipeline", kind="user"),
        deploy(session="ses_" + "0" * 32),
        deploy(session=""),
    ],
    ids=["another's name", "nobody's", "in capitals", "no such type", "as a person", "in a session", "in an empty one"],
)
def test_in_any_other_name_it_is_a_subject_like_all(
    client: Client, world: World, key: str, document: dict[str, Any]
) -> None:
    assert reason(ask(client, key, document)) == (False, "not_a_member")


def test_the_verbs_are_those_of_the_very_credential_that_calls(client: Client, world: World, key: str) -> None:
    assert key
    weak = made(world, "watcher", "access.evaluate")
    assert reason(ask(client, weak, deploy("watcher"))) == (False, "no_privilege")
    elsewhere = made(world, "pipeline", "deploy.release", "access.evaluate", tenant=world.globex)
    assert reason(ask(client, elsewhere, deploy(tenant="acme"))) == (False, "unknown_tenant")


def test_the_same_name_is_told_from_its_neighbours_in_a_batch(client: Client, world: World, key: str) -> None:
    document = {"evaluations": [deploy(), deploy("acme-api")]}
    answers = ask(client, key, document, path="/access/v1/evaluations")["evaluations"]
    assert [one["decision"] for one in answers] == [True, False]


def test_what_only_people_may_ask_it_may_not(client: Client, world: World, key: str) -> None:
    document = deploy() | {"action": {"name": "reports.read"}, "resource": {"type": "report", "id": "1"}}
    assert reason(ask(client, key, document)) == (False, "caller_not_allowed")


def test_its_refusal_is_recorded_with_its_name_and_can_be_decided_again(client: Client, world: World, key: str) -> None:
    refused = ask(client, key, deploy(environment="production"))
    decision_id = authlevels.parse_decision_ref(refused["context"]["id"])
    assert decision_id is not None
    with tenant_transaction(world.acme):
        entry = audit.get_entry(tenant_id=world.acme, entry_id=decision_id, kind=audit.Kind.DECISION)
    facts, decision = read_back(entry)
    assert (facts.subject, facts.caller) == (("service", "pipeline"), CallerKind.SERVICE)
    assert replace(decide(facts), trace=()) == replace(decision, trace=())


@pytest.mark.parametrize("verb", ["reports.read", "deploy.relaese", "tiergate.deploy"])
def test_a_credential_gets_no_verb_that_no_service_could_use(world: World, key: str, verb: str) -> None:
    assert key
    with pytest.raises(ValueError, match="is no verb"):
        made(world, "odd", verb)
