"""What a role asks is asked of what it grants; beginning a step-up and enrolling are everybody's, or nobody could."""

import json
from typing import Any

import pyotp
import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.decisions.conftest import PASSWORD, TOTP_SECRET, World
from tiergate import Level, Requirement, Scope

CAUTIOUS = Requirement(level=Level.AAL2, max_age=60, scope=Scope.ACTION)


@pytest.fixture
def cautious(world: World) -> World:
    """Acme's clerks must confirm each kind of thing that they do."""
    at = clock.now()
    licensing.put_role(
        tenant_id=world.acme, key="clerk", privileges=["members.read"], requirement=CAUTIOUS, by="test", at=at
    )
    licensing.put_member(
        tenant_id=world.acme, subject_type="account", subject_id="cleo", roles=["clerk"], by="test", at=at
    )
    return world


def _send(client: Client, secret: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    response = client.generic(
        method,
        path,
        json.dumps(body).encode() if body is not None else b"",
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    return response.status_code, response.json() if response.content else None


def _sign_in(client: Client) -> str:
    body = {"tenant": "acme", "username": "cleo", "password": PASSWORD}
    secret: str = client.post("/v1/sign-in", body, content_type="application/json").json()["secret"]
    return secret


def test_a_person_of_a_role_that_asks_for_confirmation_confirms_and_ends_the_task(
    client: Client, cautious: World
) -> None:
    authlevels.put_user(subject_id="cleo", password=PASSWORD, totp_secret=TOTP_SECRET, at=cautious.at)
    secret = _sign_in(client)
    status, refused = _send(client, secret, "GET", "/v1/tenants/acme/members")
    assert status == 401
    status, opened = _send(client, secret, "POST", "/step-up/challenges", {"decision_id": refused["decision_id"]})
    assert status == 201, opened
    shown = {"method": "totp", "code": pyotp.TOTP(TOTP_SECRET).at(clock.now())}
    _, passed = _send(client, secret, "POST", f"/step-up/challenges/{opened['challenge_id']}/verify", shown)
    assert _send(client, secret, "GET", "/v1/tenants/acme/members")[0] == 200
    assert _send(client, secret, "DELETE", f"/step-up/elevations/{passed['elevation_id']}")[0] == 204
    assert _send(client, secret, "GET", "/v1/tenants/acme/members")[0] == 401


def test_a_person_of_such_a_role_enrols_a_first_factor(client: Client, cautious: World) -> None:
    authlevels.put_user(subject_id="cleo", password=PASSWORD, at=cautious.at)
    secret = _sign_in(client)
    assert _send(client, secret, "GET", "/v1/tenants/acme/members")[0] == 401
    assert _send(client, secret, "POST", "/v1/me/factors/totp", {})[0] == 201
