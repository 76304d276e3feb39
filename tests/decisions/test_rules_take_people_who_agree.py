"""Where it is set so, rules are put in force by people of whom others agree, each by a step-up of their own."""

from typing import Any

import pytest
from django.test import Client

from audit import api as audit
from decisions.policy.activating import read_stage
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask
from tests.decisions.bundles import stored
from tests.decisions.conftest import World
from tests.decisions.operators import Operator, get, publisher

ACTIVATIONS = "/v1/policy/activations"


@pytest.fixture(autouse=True)
def _one_other_agrees(settings: Any) -> None:
    settings.POLICY_APPROVALS = 1


def change(digest: str, **how: Any) -> dict[str, Any]:
    return {"digest": digest, "mode": "active", "because": "It was reviewed."} | how


def agree(operator: Operator, approval: str, *, status: int = 200) -> Any:
    return operator.post(f"/step-up/approvals/{approval}/grant", {}, status=status)


def test_a_service_stores_rules_and_puts_none_in_force(client: Client, world: World) -> None:
    key = publisher()
    digest = stored().digest
    for path, body in ((ACTIVATIONS, change(digest)), ("/v1/policy/rollbacks", {"because": "I say so."})):
        refused = ask(client, key, body, path=path, status=403)
        assert refused["code"] == "people_must_apply"
        with tenant_transaction(licensing.VENDOR_TENANT_ID):
            (entry,) = [
                one
                for one in audit.list_entries(tenant_id=licensing.VENDOR_TENANT_ID, limit=50)
                if refused["decision_id"].endswith(one.id.hex)
            ]
        assert "setting:TIERGATE_POLICY_APPROVALS" in str(entry.payload)
    assert get(client, key, "/v1/policy") == {"active": None, "candidate": None}


def test_another_operator_agrees_to_exactly_that_change_and_it_is_made_once(client: Client, world: World) -> None:
    first, second = stored("first").digest, stored("second").digest
    olga, pete, sam = Operator(client), Operator(client, "pete"), Operator(client, "sam", roles=("support",))
    refused = olga.post(ACTIVATIONS, change(first), status=401)
    assert {need["kind"] for need in refused["needs"]} == {"step_up", "approval"}
    asked = {"decision_id": refused["approval"]["decision_id"]}
    approval = olga.post("/step-up/approvals", asked)["approval_id"]
    olga.confirm(refused)
    assert olga.post(ACTIVATIONS, change(first), status=403)["code"] == "approval_required"
    assert agree(olga, approval, status=403)["code"] == "approval_not_yours"
    assert agree(sam, approval, status=404)["code"] == "approval_not_found"
    shown = pete.get(f"/step-up/approvals/{approval}")["display"]["fields"]
    assert {one["value"] for one in shown if isinstance(one["value"], str)} >= {first, "active", "It was reviewed."}
    pete.confirm(agree(pete, approval, status=401))
    assert agree(pete, approval)["state"] == "approved"
    for other in (change(second), change(first, because="Another."), change(first, mode="staged", percent=50)):
        assert olga.post(ACTIVATIONS, other, status=401)["code"] in {"step_up_required", "approval_required"}
    assert olga.post(ACTIVATIONS, change(first))["digest"] == first == read_stage().active
    olga.confirm(again := olga.post(ACTIVATIONS, change(first), status=401))
    assert {need["kind"] for need in again["needs"]} == {"step_up", "approval"}
    assert olga.post(ACTIVATIONS, change(first), status=403)["code"] == "approval_required"
