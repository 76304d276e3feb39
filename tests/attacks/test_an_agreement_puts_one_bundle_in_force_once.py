"""What others agreed to, and what a person confirmed, puts that one bundle in force, as it was said, and once."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from decisions.policy import memory
from decisions.policy.activating import read_stage
from decisions.policy.history import list_activations
from tests.attacks.parallel import at_once
from tests.decisions.bundles import applied, stored
from tests.decisions.conftest import World, client, world
from tests.decisions.operators import Operator

__all__ = ["client", "world"]

ACTIVATIONS = "/v1/policy/activations"


@pytest.fixture(autouse=True)
def _one_other_agrees(settings: Any) -> Iterator[None]:
    settings.POLICY_APPROVALS = 1
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


def change(digest: str, **how: Any) -> dict[str, Any]:
    return {"digest": digest, "mode": "active", "because": "It was reviewed."} | how


def agreed(olga: Operator, pete: Operator, told: dict[str, Any]) -> None:
    """Have Pete agree to a change, and Olga confirm it: all that it takes."""
    refused = olga.post(ACTIVATIONS, told, status=401)
    approval = olga.post("/step-up/approvals", {"decision_id": refused["approval"]["decision_id"]})["approval_id"]
    grant = f"/step-up/approvals/{approval}/grant"
    pete.confirm(pete.post(grant, {}, status=401))
    assert pete.post(grant, {}, status=200)["state"] == "approved"
    olga.confirm(refused)


@pytest.fixture
def people(client: Client, world: World) -> tuple[Operator, Operator]:
    return Operator(client), Operator(client, "pete")


@pytest.mark.parametrize(
    "other", [{"mode": "staged", "percent": 5}, {"because": "Another reason."}, {}], ids=["for some", "why", "digest"]
)
def test_what_was_agreed_to_for_one_change_serves_no_other_even_if_that_is_confirmed(
    people: tuple[Operator, Operator], other: dict[str, Any]
) -> None:
    olga, pete = people
    first, second = stored("first").digest, stored("second").digest
    agreed(olga, pete, change(first))
    elsewhere = change(first, **other) if other else change(second)
    olga.confirm(olga.post(ACTIVATIONS, elsewhere, status=401))
    assert olga.post(ACTIVATIONS, elsewhere, status=403)["code"] == "approval_required"
    assert list_activations() == []
    assert olga.post(ACTIVATIONS, change(first))["digest"] == first, "and it is not used up by the attempt"


def test_what_was_agreed_to_is_used_up_whatever_is_in_force_afterwards(people: tuple[Operator, Operator]) -> None:
    olga, pete = people
    first = stored("first").digest
    agreed(olga, pete, change(first))
    olga.post(ACTIVATIONS, change(first))
    second = applied("second").digest
    again = olga.post(ACTIVATIONS, change(first), status=401)
    assert {need["kind"] for need in again["needs"]} == {"step_up", "approval"}
    olga.confirm(again)
    assert olga.post(ACTIVATIONS, change(first), status=403)["code"] == "approval_required"
    assert read_stage().active == second


def test_of_one_agreement_used_several_times_at_once_one_is_a_step(people: tuple[Operator, Operator]) -> None:
    olga, pete = people
    first = stored("first").digest
    agreed(olga, pete, change(first))

    def act(_number: int) -> int:
        headers = {"Authorization": f"Bearer {olga.secret}"}
        return Client().post(ACTIVATIONS, change(first), "application/json", headers=headers).status_code

    answers = sorted(one for one in at_once(act, 4) if isinstance(one, int))
    assert (answers[0], set(answers[1:]) <= {401, 403, 409}, len(answers)) == (201, True, 4), answers
    assert len(list_activations()) == 1


def test_a_step_that_is_not_taken_gives_back_what_was_agreed_to_for_it_alone(
    people: tuple[Operator, Operator],
) -> None:
    olga, pete = people
    first, second = stored("first").digest, stored("second").digest
    told = change(first, expected=second)
    agreed(olga, pete, told)
    assert olga.post(ACTIVATIONS, told, status=409)["code"] == "stage_changed"
    assert olga.post(ACTIVATIONS, change(second, expected=None), status=401)["code"] in {
        "approval_required",
        "step_up_required",
    }
    assert olga.post(ACTIVATIONS, change(first, expected=None))["digest"] == first
    assert olga.post(ACTIVATIONS, change(first), status=401)["code"] in {"approval_required", "step_up_required"}


def test_no_confirmation_is_good_for_several_bundles(people: tuple[Operator, Operator], settings: Any) -> None:
    settings.POLICY_APPROVALS = 0
    olga, _pete = people
    refused = olga.post(ACTIVATIONS, change(stored("first").digest), status=401)
    asked = {"decision_id": refused["challenge"]["decision_id"], "batch": {"items": 2}}
    assert olga.post("/step-up/challenges", asked, status=400)["code"] == "batch_refused"
    assert list_activations() == []
