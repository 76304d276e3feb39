"""An instant at the end of the calendar is answered like any other: with what holds then, or with a refusal."""

import json
from typing import Any
from uuid import UUID

import pytest

from authlevels import api as authlevels
from licensing import api
from tests.licensing.test_http import ALL, Caller
from tests.usage.conftest import NOON, acme, catalogue
from tiergate import ResetPeriod, Term, Verb

__all__ = ["acme", "catalogue"]  # fixtures

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "subscription/pending", {"plan": "starter", "effective_at": LAST}),
    ("PUT", "subscription/pending", {"plan": "starter", "effective_at": LAST, "grace_days": 90}),
    ("PUT", "subscription", {"plan": "business", "active_from": LAST}),
    ("PUT", "subscription", {"plan": "business", "active_from": FIRST}),
    ("PUT", "subscription", {"plan": "business", "active_to": LAST, "status": "past_due"}),
    ("PUT", "subscription", {"plan": "business", "active_from": LAST, "status": "past_due"}),
    ("PUT", "overrides/calls", {"effect": "value", "limit": 5, "reason": "r", "expires_at": LAST}),
]


@pytest.fixture
def caller(acme: UUID) -> Caller:
    authlevels.forget_credentials()
    with api.edit_catalogue(by="test", at=NOON) as edit:
        terms = (
            Term(feature="calls", limit=9, reset_period=ResetPeriod.YEAR),
            Term(feature="mails", limit=9, reset_period=ResetPeriod.BILLING_PERIOD, rollover=2),
        )
        edit.put_plan(api.PlanSpec(key="pro", rank=3, terms=terms))
    return Caller(api.VENDOR_TENANT_ID, [*ALL, Verb.USAGE_READ])


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_whatever_is_asked_of_the_first_and_the_last_instant_is_answered(caller: Caller, acme: UUID, zone: str) -> None:
    api.put_tenant(slug="acme", name="Acme", settings={"timezone": zone}, by="test", at=NOON)
    for plan in ("starter", "pro"):
        api.put_subscription(tenant_id=acme, plan=plan, by="test", at=NOON)
        for path in ("usage", "entitlements", "subscription"):
            for at in (FIRST, LAST, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
                status, told = caller.get(f"/v1/tenants/acme/{path}", at=at)
                assert status in {200, 400, 404}, (path, at, told)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_whatever_is_to_happen_at_the_last_instant_is_taken_or_refused(
    caller: Caller, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = caller.client.generic(
        method, f"/v1/tenants/acme/{path}", json.dumps(body), content_type="application/json"
    )
    assert answer.status_code < 500, answer.content
    for seen in ("usage", "entitlements"):
        assert caller.get(f"/v1/tenants/acme/{seen}")[0] == 200
