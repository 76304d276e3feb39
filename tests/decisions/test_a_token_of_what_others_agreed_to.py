"""A job waits for a person, and goes on with a token that is good for exactly what the person has seen."""

from typing import Any

import pytest
from django.test import Client

from audit import api as audit
from authlevels import api as authlevels
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask
from tests.decisions.conftest import TOTP_SECRET, World
from tests.decisions.test_a_token_is_good_for_one_task import claims_of, copy_tokens, introspected, take_at_once
from tests.decisions.test_others_have_to_agree import agreed
from tiergate import ActionSpec, CallerKind, Level, Requirement, Scope, ScopeSpec, Verb

API = "https://exports.example"
RELEASE = {"repository": "northwind/reports", "commit": "1f2e3d", "run": 7}


@pytest.fixture(params=[Scope.ACTION, Scope.TRANSACTION])
def house(world: World, request: Any) -> World:
    """Acme's pipeline may deploy what one other person has agreed to."""
    asked = Requirement(level=Level.AAL2, max_age=300, scope=request.param, approvals=1)
    with licensing.edit_catalogue(by="test", at=world.at) as edit:
        edit.put_action(
            ActionSpec(
                name="deploy.release",
                title="Release",
                resource_type="repository",
                privilege="deploy.release",
                binds=tuple(f"resource.properties.{name}" for name in RELEASE),
                requirement=asked,
                callers=(CallerKind.SERVICE,),
            )
        )
        edit.put_role("member", ["reports.read", "exports.create", "payments.approve", "deploy.release"])
        edit.put_scope(ScopeSpec(name="deploy", title="Release", actions=("deploy.release",)))
    authlevels.put_user(subject_id="carol", subject_type="user", realm=world.acme, totp_secret=TOTP_SECRET, at=world.at)
    return world


def credential(world: World, name: str, *verbs: str, audiences: tuple[str, ...] = ()) -> str:
    _made, secret = authlevels.create_credential(
        tenant_id=world.acme, name=name, verbs=verbs, audiences=audiences, by="test", at=clock.now()
    )
    return secret


@pytest.fixture
def job(house: World) -> str:
    return credential(house, "pipeline", "deploy.release", Verb.ACCESS_EVALUATE, Verb.STEP_UP_CREATE)


def release(**changed: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "service", "id": "pipeline"},
        "action": {"name": "deploy.release"},
        "resource": {"type": "repository", "id": "northwind/reports", "properties": {**RELEASE, **changed}},
    }


def opened(client: Client, key: str) -> str:
    refused = ask(client, key, release())
    assert refused["context"]["reason"] == "approval_required"
    body = {"decision_id": refused["context"]["approval"]["decision_id"]}
    found: str = ask(client, key, body, path="/step-up/approvals", status=201)["approval_id"]
    return found


def take(client: Client, key: str, approval: str, *, scope: str = "deploy", status: int = 200) -> Any:
    return ask(
        client, key, {"scope": scope, "audience": API}, path=f"/step-up/approvals/{approval}/token", status=status
    )


def test_a_job_goes_on_with_what_a_person_agreed_to(client: Client, house: World, job: str) -> None:
    reader = credential(house, "deployer", Verb.TOKENS_INTROSPECT, audiences=(API,))
    other = credential(house, "other", "deploy.release", Verb.ACCESS_EVALUATE, Verb.STEP_UP_CREATE)
    approval = opened(client, job)
    early = take(client, job, approval, status=409)
    assert (early["code"], early["state"]) == ("approval_closed", "pending")
    agreed(client, house, approval, "carol")
    for key, status in ((other, 404), (house.globex_key, 404), (house.acme_key, 404)):
        assert take(client, key, approval, status=status)["code"] == "approval_not_found"
    assert take(client, job, approval, scope="exports", status=403)["code"] == "invalid_scope"
    token = take(client, job, approval)["access_token"]
    claims = claims_of(client, token)
    assert (claims.sub, claims.scope, claims.resource) == ("service:pipeline", "deploy", "repository/northwind/reports")
    assert claims.bound == {f"resource.properties.{name}": value for name, value in RELEASE.items()}
    assert (claims.acr, claims.amr, claims.auth_time, claims.sid, claims.approvals) == ("", (), None, None, 1)
    assert introspected(client, reader, token)["active"] is True
    with tenant_transaction(house.acme):
        (raised,) = audit.list_entries(tenant_id=house.acme, kinds=[audit.Kind.SCOPE_RAISED])
    assert raised.payload["approval"] == approval


def test_what_was_agreed_to_once_is_one_token(client: Client, house: World, job: str) -> None:
    approval = opened(client, job)
    agreed(client, house, approval, "carol")
    is_once = licensing.get_snapshot(tenant_id=house.acme, at=clock.now()).actions["deploy.release"].requirement
    assert is_once is not None
    take(client, job, approval)
    if is_once.scope == Scope.TRANSACTION:
        assert take(client, job, approval, status=409)["state"] == "used"
        assert ask(client, job, release())["decision"] is False
    else:
        take(client, job, approval)


def test_of_eight_that_are_taken_at_once_no_more_are_given_than_are_left(
    client: Client, house: World, job: str
) -> None:
    approval = opened(client, job)
    agreed(client, house, approval, "carol")
    path = f"/step-up/approvals/{approval}/token"
    asks = licensing.get_snapshot(tenant_id=house.acme, at=clock.now()).actions["deploy.release"].requirement
    assert asks is not None
    if asks.scope == Scope.TRANSACTION:
        assert take_at_once(path, job, "deploy") == {200: 1, 409: 7}
        return
    take(client, job, approval)
    copy_tokens(house.acme, 28)
    assert take_at_once(path, job, "deploy") == {200: 3, 429: 5}


@pytest.mark.parametrize("ends", ["yes", "credential"])
def test_the_token_ends_with_the_yes_or_with_the_credential(client: Client, house: World, job: str, ends: str) -> None:
    reader = credential(house, "deployer", Verb.TOKENS_INTROSPECT, audiences=(API,))
    approval = opened(client, job)
    agreed(client, house, approval, "carol")
    token = take(client, job, approval)["access_token"]
    assert introspected(client, reader, token)["active"] is True
    if ends == "yes":
        licensing.remove_member(
            tenant_id=house.acme, subject_type="user", subject_id="carol", by="test", at=clock.now()
        )
    else:
        found = authlevels.get_credential(tenant_id=house.acme, name="pipeline")
        authlevels.revoke_credential(tenant_id=house.acme, credential_id=found.id, by="test", at=clock.now())
    assert introspected(client, reader, token) == {"active": False}


def test_the_same_request_again_has_the_same_token_and_no_other_request_has(
    client: Client, house: World, job: str
) -> None:
    approval = opened(client, job)
    agreed(client, house, approval, "carol")
    path, body = f"/step-up/approvals/{approval}/token", {"scope": "deploy", "audience": API}

    def asked(name: str, *, key: str = job, status: int = 200, **changed: str) -> Any:
        return ask(client, key, body | changed, path=path, status=status, headers={"X-Request-ID": name})

    first = claims_of(client, asked("run-7")["access_token"])
    again = claims_of(client, asked("run-7")["access_token"])
    asks = licensing.get_snapshot(tenant_id=house.acme, at=clock.now()).actions["deploy.release"].requirement
    assert asks is not None
    if asks.scope != Scope.TRANSACTION:
        assert again.jti != first.jti, "it is no use: each is one of its own"
        return
    assert again == first
    for name in ("run-8", "", "token run-7"):
        assert asked(name, status=409)["state"] == "used"
    assert asked("run-7", status=409, audience="https://other.example")["state"] == "used"
    with tenant_transaction(house.acme):
        assert len(audit.list_entries(tenant_id=house.acme, kinds=[audit.Kind.SCOPE_RAISED])) == 1
    ended = authlevels.parse_token_ref(first.jti)
    assert ended is not None
    authlevels.drop_token(tenant_id=house.acme, token_id=ended[1], why="revoked", by="test", at=clock.now())
    assert asked("run-7", status=409)["state"] == "used", "what was taken back is given to nobody again"
