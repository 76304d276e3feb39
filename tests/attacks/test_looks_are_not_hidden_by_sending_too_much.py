"""Whoever sends too much, nothing, or what no table takes as their program's name is read as having another one."""

from typing import Any

import pytest
from django.test import Client

from isolation import clock
from riskengine import api as risk
from tests.authlevels.acme import PASSWORD, Acme
from tests.authlevels.test_products_tell_the_engine import key, one, tell
from tests.looking import HOME, at_home, signals
from tiergate import Verb

ODD = ["x" * 600, "x" * 3_000, "", "curl\x00", "\u202egpj.exe"]


def codes(acme: Acme, who: str) -> set[str]:
    """Give what was made of somebody's last sign-in."""
    return {one["code"] for one in signals(acme.tenant_id, kind="sign_in", subject_id=who)[-1].reasons}


@pytest.mark.parametrize("agent", ["x" * 3_000, ""])
def test_an_own_sign_in(acme: Acme, agent: str) -> None:
    at_home(acme.tenant_id, ("account", "alice"))
    named = {"tenant": "acme", "username": "alice", "password": PASSWORD}
    answer = Client().post("/v1/sign-in", named, content_type="application/json", headers={"User-Agent": agent})
    assert answer.status_code == 201
    assert "new_system" in codes(acme, "alice")


@pytest.mark.parametrize("agent", ODD)
def test_a_product_that_passes_it_on(acme: Acme, agent: str) -> None:
    at_home(acme.tenant_id, ("user", "bob"))
    body: dict[str, Any] = {"subject": {"type": "user", "id": "bob"}, "amr": ["pwd"], "idp": "okta"}
    answer = Client().post(
        "/t/acme/sessions",
        {**body, **HOME, "auth_time": int(clock.now().timestamp()), "user_agent": agent, "device_token": "t" * 3_000},
        content_type="application/json",
        headers={"Authorization": f"Bearer {acme.secret}"},
    )
    assert answer.status_code == 201, answer.content
    assert "new_system" in codes(acme, "bob")


@pytest.mark.parametrize("agent", ODD)
def test_nobody_has_what_is_told_of_others_refused_with_their_own(acme: Acme, agent: str) -> None:
    teller = key(acme.tenant_id, Verb.RISK_SIGNAL)
    odd = one(1, "sign_in_failed", user_agent=agent, device_token="t" * 3_000)
    assert tell(teller, odd, one(2, "sign_in_failed")).json() == {"taken": 2, "ignored": 0}


@pytest.mark.parametrize("name", ["n" * 300, "n" * 3_000, "", "bob\x00", "\u202ebob"])
def test_nobody_has_others_failures_refused_by_the_name_they_type(acme: Acme, name: str) -> None:
    teller = key(acme.tenant_id, Verb.RISK_SIGNAL)
    odd = one(1, "sign_in_failed", subject={"type": "user", "id": name})
    assert tell(teller, odd, one(2, "sign_in_failed")).json() == {"taken": 2, "ignored": 0}
    assert {one.subject_type for one in signals(acme.tenant_id)} == {"nobody", "user"}, "nobody has such a name"


def test_what_is_remembered_of_a_request_is_no_longer_than_what_is_read() -> None:
    found = risk.told(ip="1" * 3_000, user_agent="x" * 3_000, device_token="t" * 3_000)
    assert found == risk.told(user_agent="x" * risk.LONGEST_AGENT)
