"""An admin manages people, and cannot make themselves or a friend an owner by it."""

import json
from typing import Any

import pyotp
import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.decisions.conftest import PASSWORD, TOTP_SECRET, World
from tiergate import Verb


@pytest.fixture
def admin(client: Client, world: World) -> str:
    """Ada is an admin of acme, signed in and stepped up to aal2 for changing members; this is her secret."""
    return _person(client, world, "ada", "admin")


def _person(client: Client, world: World, name: str, role: str) -> str:
    at = clock.now()
    authlevels.put_user(subject_id=name, password=PASSWORD, totp_secret=TOTP_SECRET, at=at)
    licensing.put_member(tenant_id=world.acme, subject_type="account", subject_id=name, roles=[role], by="test", at=at)
    signed_in = client.post(
        "/v1/sign-in",
        {"tenant": "acme", "username": name, "password": PASSWORD},
        content_type="application/json",
    ).json()
    secret: str = signed_in["secret"]
    refused = _send(client, secret, "put", "/v1/tenants/acme/members/user:carol", {"roles": ["member"]}, 401)
    opened = _send(client, secret, "post", "/step-up/challenges", {"decision_id": refused["decision_id"]}, 201)
    code = pyotp.TOTP(TOTP_SECRET).at(clock.now())
    path = f"/step-up/challenges/{opened['challenge_id']}/verify"
    _send(client, secret, "post", path, {"method": "totp", "code": code}, 200)
    return secret


def _send(client: Client, secret: str, method: str, path: str, body: Any, status: int) -> Any:
    response = client.generic(
        method.upper(),
        path,
        json.dumps(body).encode(),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert response.status_code == status, (response.status_code, response.content)
    return response.json() if response.content else None


def test_an_admin_gives_roles_within_their_own(client: Client, admin: str) -> None:
    _send(client, admin, "put", "/v1/tenants/acme/members/user:carol", {"roles": ["auditor"]}, 403)
    answer = _send(client, admin, "put", "/v1/tenants/acme/members/user:erin", {"roles": ["admin"]}, 201)
    assert answer["roles"] == ["admin"]


@pytest.mark.parametrize("subject", ["account:ada", "user:carol", "user:new"])
def test_an_admin_makes_nobody_an_owner(client: Client, admin: str, subject: str) -> None:
    refused = _send(client, admin, "put", f"/v1/tenants/acme/members/{subject}", {"roles": ["owner"]}, 403)
    assert refused["code"] == "privilege_beyond_own"


def test_an_admin_neither_demotes_nor_removes_an_owner(client: Client, world: World, admin: str) -> None:
    licensing.put_member(
        tenant_id=world.acme, subject_type="user", subject_id="olivia", roles=["owner"], by="test", at=clock.now()
    )
    path = "/v1/tenants/acme/members/user:olivia"
    assert _send(client, admin, "put", path, {"roles": ["member"]}, 403)["code"] == "privilege_beyond_own"
    assert _send(client, admin, "delete", path, {}, 403)["code"] == "privilege_beyond_own"


@pytest.mark.parametrize(
    ("path", "body", "beyond"),
    [
        # Of what only operators hold, the first by name.
        ("members/account:mallory", {"roles": ["operator"]}, "bundles.apply"),
        ("members/user:olga", {"roles": ["member"]}, "bundles.apply"),
        ("roles/member", {"privileges": ["operator.admin"]}, "operator.admin"),
        ("roles/operator", {"privileges": []}, "bundles.apply"),
    ],
)
def test_a_service_that_manages_members_and_roles_makes_and_unmakes_no_operator(
    client: Client, world: World, path: str, body: dict[str, Any], beyond: str
) -> None:
    vendor, at = licensing.VENDOR_TENANT_ID, clock.now()
    licensing.put_member(tenant_id=vendor, subject_type="user", subject_id="olga", roles=["operator"], by="test", at=at)
    _credential, key = authlevels.create_credential(
        tenant_id=vendor, name="provisioning", verbs=[Verb.MEMBERS_WRITE, Verb.ROLES_WRITE], by="test", at=at
    )
    refused = _send(client, key, "put", f"/v1/tenants/vendor/{path}", body, 403)
    assert (refused["code"], refused["privilege"]) == ("privilege_beyond_own", beyond)
    _send(client, key, "put", "/v1/tenants/acme/members/user:olivia", {"roles": ["owner"]}, 201)
    refused = _send(client, key, "delete", "/v1/tenants/vendor/members/user:olga", {}, 403)
    assert refused["privilege"] == "bundles.apply"
