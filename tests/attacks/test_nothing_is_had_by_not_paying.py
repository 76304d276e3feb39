"""A tenant gives itself nothing, keeps nothing by silence, and is asked no less for falling."""

import json
from typing import Any
from uuid import UUID

import pytest

from licensing import api
from tests.licensing.conftest import AAL3, NOON, acme, catalogue, later
from tests.licensing.test_http import ALL, Caller
from tests.licensing.test_subscriptions_and_overrides import asked, exports, subscribe
from tests.licensing.test_what_is_paid_for_is_settled import settle
from tiergate import Term, Verb

__all__ = ["acme", "catalogue"]  # fixtures

pytestmark = pytest.mark.usefixtures("catalogue")

HELPS_ITSELF: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "tenants/acme/subscription", {"plan": "regulated", "take_over": True}),
    ("PUT", "tenants/acme/subscription/pending", {"plan": "regulated", "effective_at": "2999-01-01T00:00:00Z"}),
    ("DELETE", "tenants/acme/subscription/pending", {}),
    ("POST", "tenants/acme/trial", {"plan": "business", "days": 14}),
    ("POST", "plans/versions", {"plan": "business"}),
    ("PATCH", "plans/versions/business@2", {"remove": ["exports"]}),
    ("POST", "plans/versions/business@1/publish", {}),
    ("POST", "plans/versions/business@1/retire", {}),
    ("POST", "plans/migrations", {"from_version": "starter@1", "to_version": "business@1", "tenants": ["acme"]}),
]


@pytest.mark.parametrize(("method", "path", "body"), HELPS_ITSELF, ids=lambda one: one if isinstance(one, str) else "")
def test_a_tenants_own_credential_gives_it_no_plan_whatever_its_verbs(
    acme: UUID, method: str, path: str, body: dict[str, Any]
) -> None:
    subscribe(acme, "starter", 0)
    own = Caller(acme, [*ALL, Verb.CATALOG_WRITE])
    response = own.client.generic(method, f"/v1/{path}", json.dumps(body), content_type="application/json")
    assert response.status_code == 403
    assert not exports(acme, 1).is_granted


def test_silence_ends_what_was_to_be_paid_for(acme: UUID) -> None:
    settle(acme, "business", 0, status="past_due")
    assert not exports(acme, 7).is_granted
    bolt = api.put_tenant(slug="bolt", name="Bolt", by="test", at=NOON)[0].id
    settle(bolt, "business", 0, status="trialing", trial_ends_at=later(14))
    assert [exports(bolt, days).is_granted for days in (20.9, 21)] == [True, False]
    core = api.put_tenant(slug="core", name="Core", by="test", at=NOON)[0].id
    settle(core, "business", 0, cancel_at=later(30))
    assert [exports(core, days).is_granted for days in (36.9, 37)] == [True, False]


def test_whoever_lets_it_lapse_to_a_laxer_plan_is_asked_no_less(acme: UUID) -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(api.PlanSpec(key="free", is_default=True, terms=(Term(feature="exports", value=True),)))
    settle(acme, "regulated", 0, cancel_at=later(1))
    assert exports(acme, 9).is_granted
    assert asked(acme, 9) == AAL3
