"""Northwind as the demo has it, with its people signed in."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from typing import Any

import pyotp
import pytest
from django.core.management import call_command
from django.http import HttpResponseBase
from django.test import Client

from authlevels import api as authlevels
from config.demo.people import people
from config.embedded.paths import CHECKOUT
from isolation.clock import now
from licensing import api as licensing
from tests import rows
from tests.asked_before import remember_tenants

NORTHWIND = CHECKOUT / "sample" / "northwind"


@pytest.fixture
def northwind(db: None, worlds: rows.Worlds) -> None:
    """Give each test what the demo's files make: applied once, then put back row by row."""
    authlevels.forget_credentials()
    remember_tenants("demo", at=worlds.put_back("demo", _apply))


def _apply() -> datetime:
    call_command("catalog", "apply", str(NORTHWIND / "catalog.yaml"), stdout=StringIO())
    for name in ("tenants.yaml", "playground.yaml"):
        call_command("tenants", "apply", str(NORTHWIND / name), stdout=StringIO())
    return now()


@dataclass
class Person:
    """One of the demo's people with a session of their own."""

    name: str
    client: Client = field(default_factory=Client)
    shown_codes: int = 0

    def sign_in(self) -> None:
        """Sign in with the password, as a client that keeps its secret itself."""
        known = people()[self.name]
        body = {"tenant": known.tenant, "username": self.name, "password": known.password}
        answer = self.client.post("/v1/sign-in", body, content_type="application/json")
        assert answer.status_code == 201, answer.content
        self.client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {answer.json()['secret']}"

    def send(self, method: str, path: str, body: object = None) -> HttpResponseBase:
        """Call the sample API."""
        content = "" if body is None else json.dumps(body)
        found: HttpResponseBase = self.client.generic(method, path, content, content_type="application/json")
        return found

    def step_up(self, refused: Any) -> dict[str, Any]:
        """Answer a refusal with the code that the phone shows; each time the next one, since none is good twice."""
        challenge = self.send("POST", "/step-up/challenges", {"decision_id": refused.json()["decision_id"]})
        assert challenge.status_code == 201, challenge.content  # type: ignore[attr-defined]
        code = pyotp.TOTP(people()[self.name].totp_secret).at(now(), counter_offset=self.shown_codes)
        self.shown_codes += 1
        ref = challenge.json()["challenge_id"]  # type: ignore[attr-defined]
        passed = self.send("POST", f"/step-up/challenges/{ref}/verify", {"method": "totp", "code": code})
        assert passed.status_code == 200, passed.content  # type: ignore[attr-defined]
        found: dict[str, Any] = passed.json()  # type: ignore[attr-defined]
        return found


@pytest.fixture
def signed_in(northwind: None) -> Callable[[str], Person]:
    """Sign one of the demo's people in."""

    def sign_in(name: str) -> Person:
        person = Person(name)
        person.sign_in()
        return person

    return sign_in


@pytest.fixture
def upgrade(northwind: None) -> Callable[[str, str], None]:
    """Put a tenant on a plan."""

    def put(tenant: str, plan: str) -> None:
        licensing.put_subscription(tenant_id=licensing.get_tenant(tenant).id, plan=plan, by="a test", at=now())

    return put
