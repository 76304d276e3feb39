"""A second person agrees to exactly one thing, by a step-up of their own, and it is used up with it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import Approval, ApprovalGrant
from decisions import api as decisions
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.attacks.parallel import at_once
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import TOTP_SECRET, World, code_at
from tiergate import ActionSpec, CallerKind, Level, Requirement, Scope, Verb

TWO = Requirement(level=Level.AAL2, max_age=120, scope=Scope.TRANSACTION, approvals=2)
PAYMENTS = ActionSpec(
    name="payments.approve",
    title="Approve a payment",
    resource_type="payment",
    privilege="payments.approve",
    binds=("resource.properties.amount", "resource.properties.payee"),
    requirement=TWO,
    callers=(CallerKind.PERSON, CallerKind.SERVICE),
)


@pytest.fixture
def house(world: World) -> World:
    """Payments of Acme need two others; Carol, Dave and Erin may approve them, and Bob the auditor may not."""
    at = world.at
    with licensing.edit_catalogue(by="test", at=at) as edit:
        edit.put_action(PAYMENTS)
    for name in ("dave", "erin"):
        licensing.put_member(
            tenant_id=world.acme, subject_type="user", subject_id=name, roles=["member"], by="test", at=at
        )
    for name in ("bob", "carol", "dave", "erin"):
        authlevels.put_user(subject_id=name, subject_type="user", realm=world.acme, totp_secret=TOTP_SECRET, at=at)
    return world


def opened(client: Client, world: World, refused: Any) -> str:
    """Ask others to agree to what was refused; give the approval's id."""
    assert refused["context"]["approval"]["href"].endswith("/step-up/approvals")
    body = {"decision_id": refused["context"]["approval"]["decision_id"]}
    answer = ask(client, world.acme_key, body, path="/step-up/approvals", status=201)
    found: str = answer["approval_id"]
    return found


def grant(client: Client, world: World, approval: str, handle: str, *, status: int = 200) -> Any:
    return ask(client, world.acme_key, {"session": handle}, path=f"/step-up/approvals/{approval}/grant", status=status)


def agreed(client: Client, world: World, approval: str, name: str) -> Any:
    """Agree in a session of one's own, after the step-up that it asks for."""
    handle = world.asserted(name)
    refused = grant(client, world, approval, handle, status=401)
    step_up(client, world.acme_key, {"context": refused}, code_at(clock.now()))
    return grant(client, world, approval, handle)


def test_two_others_agree_and_the_payment_goes_through_once(client: Client, house: World) -> None:
    handle = house.asserted()
    refused = ask(client, house.acme_key, payment(1200, session=handle))
    assert {need["kind"] for need in refused["context"]["needs"]} == {"step_up", "approval"}
    approval = opened(client, house, refused)
    assert agreed(client, house, approval, "carol")["state"] == "pending"
    last = agreed(client, house, approval, "dave")
    assert (last["state"], last["granted"], last["needed"]) == ("approved", 2, 2)
    step_up(client, house.acme_key, refused, code_at(clock.now()))
    assert ask(client, house.acme_key, payment(12000, session=handle))["decision"] is False
    assert ask(client, house.acme_key, payment(1200, "Mallory", session=handle))["decision"] is False
    for _ in range(2):
        paid = ask(client, house.acme_key, payment(1200, session=handle), headers={"X-Request-ID": "pay-1"})
        assert paid["decision"] is True
    again = ask(client, house.acme_key, payment(1200, session=handle))
    assert {need["kind"] for need in again["context"]["needs"]} == {"step_up", "approval"}
    shown = client.get(f"/step-up/approvals/{approval}", headers={"Authorization": f"Bearer {house.acme_key}"})
    assert shown.json()["state"] == "used"


def test_nobody_agrees_to_what_they_asked_for_nor_twice(client: Client, house: World) -> None:
    handle = house.asserted()
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=handle)))
    for own in (handle, house.asserted()):
        assert grant(client, house, approval, own, status=403)["code"] == "approval_not_yours"
    first = agreed(client, house, approval, "carol")
    second = grant(client, house, approval, house.asserted("carol"))
    assert (second["granted"], second["expires_at"]) == (1, first["expires_at"])
    with tenant_transaction(house.acme):
        carols = ApprovalGrant.objects.get()
        alices = authlevels.get_session(tenant_id=house.acme, session_id=session_id(handle), at=clock.now())
        for change in ({"user_id": alices.user_id, "subject_id": "someone"}, {"subject_id": "alice"}, {}):
            copied = {
                name: getattr(carols, name)
                for name in ("tenant_id", "approval_id", "session_id", "user_id", "subject_type", "subject_id")
            }
            with pytest.raises(IntegrityError), transaction.atomic():
                ApprovalGrant.objects.create(**copied | change, level="aal2", at=clock.now())
        with pytest.raises(IntegrityError), transaction.atomic():
            Approval.objects.update(needed=1)


def session_id(handle: str) -> UUID:
    found = authlevels.parse_session_handle(handle)
    assert found is not None
    return found


def test_only_who_may_do_it_may_agree_to_it_and_a_yes_ends_with_the_membership(client: Client, house: World) -> None:
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=house.asserted())))
    assert grant(client, house, approval, house.asserted("bob"), status=404)["code"] == "approval_not_found"
    agreed(client, house, approval, "carol")
    assert agreed(client, house, approval, "dave")["granted"] == 2
    licensing.put_member(
        tenant_id=house.acme, subject_type="user", subject_id="carol", roles=["auditor"], by="test", at=clock.now()
    )
    licensing.remove_member(tenant_id=house.acme, subject_type="user", subject_id="dave", by="test", at=clock.now())
    shown = client.get(f"/step-up/approvals/{approval}", headers={"Authorization": f"Bearer {house.acme_key}"}).json()
    assert (shown["state"], shown["granted"]) == ("pending", 0)


def test_one_no_closes_it_and_asking_again_meets_the_same_no(client: Client, house: World) -> None:
    handle = house.asserted()
    refused = ask(client, house.acme_key, payment(1200, session=handle))
    approval = opened(client, house, refused)
    assert opened(client, house, ask(client, house.acme_key, payment(1200, session=handle))) == approval
    agreed(client, house, approval, "carol")
    no = {"session": house.asserted("dave")}
    answer = ask(client, house.acme_key, no, path=f"/step-up/approvals/{approval}/refuse")
    assert answer["state"] == "refused"
    assert grant(client, house, approval, house.asserted("erin"), status=409)["code"] == "approval_closed"
    assert opened(client, house, ask(client, house.acme_key, payment(1200, session=handle))) == approval


def test_who_may_agree_sees_what_waits_with_its_amount(client: Client, house: World) -> None:
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=house.asserted())))

    def waiting(name: str) -> list[Any]:
        found: list[Any] = client.get(
            f"/t/acme/approvals?session={house.asserted(name)}", headers={"Authorization": f"Bearer {house.acme_key}"}
        ).json()["items"]
        return found

    (one,) = waiting("carol")
    assert (one["approval_id"], one["requester"]["id"]) == (approval, "alice")
    assert {field["label"]: field["value"] for field in one["display"]["fields"]} == {
        "amount": 1200,
        "payee": "ACME Ltd",
    }
    assert waiting("alice") == waiting("bob") == []
    refused = grant(client, house, approval, house.asserted("carol"), status=401)
    opened_for = ask(
        client,
        house.acme_key,
        {"decision_id": refused["challenge"]["decision_id"]},
        path="/step-up/challenges",
        status=201,
    )
    shown = {field["label"]: field["value"] for field in opened_for["display"]["fields"]}
    assert shown["details"] == "Amount: 1,200; Payee: ACME Ltd"
    assert shown["asked_by"] == "user:alice"


def test_who_agrees_reads_a_sum_as_people_write_it_and_agrees_to_what_was_told(client: Client, house: World) -> None:
    with licensing.edit_catalogue(by="test", at=house.at) as edit:
        edit.put_action(
            msgspec.structs.replace(
                PAYMENTS, binds=("resource.properties.amount", "resource.properties.payee", "context.currency")
            )
        )
    asked = payment(120_000, session=house.asserted(), currency="EUR")
    opened(client, house, ask(client, house.acme_key, asked))
    with tenant_transaction(house.acme):
        (row,) = Approval.objects.all()
    assert {one["name"]: one["value"] for one in row.display["fields"]} == {
        "resource.properties.amount": 120_000,
        "resource.properties.payee": "ACME Ltd",
        "context.currency": "EUR",
    }
    page = render_to_string("decisions/agree.html", {"about": {"properties": {}, "display": row.display}})
    assert "<strong>1,200.00 EUR</strong>" in page
    assert "120,000" not in page


def test_a_step_up_for_one_approval_agrees_to_no_other(client: Client, house: World) -> None:
    first, second = (
        opened(client, house, ask(client, house.acme_key, payment(amount, session=house.asserted())))
        for amount in (1, 12000)
    )
    carol = house.asserted("carol")
    for approval, amount in ((first, "1"), (second, "12,000")):
        asked = {"decision_id": grant(client, house, approval, carol, status=401)["challenge"]["decision_id"]}
        opened_for = ask(client, house.acme_key, asked, path="/step-up/challenges", status=201)["display"]["fields"]
        details = {field["label"]: field["value"] for field in opened_for}["details"]
        assert details == f"Amount: {amount}; Payee: ACME Ltd", "what is agreed to is what is shown"
        shown = client.get(f"/step-up/approvals/{approval}", headers={"Authorization": f"Bearer {house.acme_key}"})
        assert shown.json()["approval_id"] == approval
    step_up(client, house.acme_key, {"context": grant(client, house, first, carol, status=401)}, code_at(clock.now()))
    grant(client, house, second, carol, status=401)
    assert grant(client, house, first, carol)["granted"] == 1


def test_a_yes_counts_for_no_stricter_requirement_and_not_after_its_hour(client: Client, house: World) -> None:
    handle, at = house.asserted(), clock.now()
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=handle)))
    agreed(client, house, approval, "carol")
    with tenant_transaction(house.acme):
        row = Approval.objects.get()

    def counted(requirement: Requirement, **more: Any) -> int:
        asked: dict[str, Any] = {
            "tenant_id": house.acme,
            "subject": ("user", "alice"),
            "binding": row.binding,
            "at": at,
        }
        return authlevels.count_approvals(requirement=requirement, **asked | more).people

    assert counted(TWO) == 1
    assert counted(TWO | Requirement(level=Level.AAL3)) == 0
    assert counted(TWO | Requirement(approvals=3)) == 0
    # An hour from now, since carol may have needed long to agree.
    assert counted(TWO, at=clock.now() + timedelta(hours=1, seconds=1)) == 0
    assert counted(TWO, subject=("user", "carol")) == 0


@pytest.mark.storm
def test_of_four_yeses_at_once_each_person_counts_once_and_no_more_than_are_needed(house: World) -> None:
    client = Client()
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=house.asserted())))
    handles = {name: house.asserted(name) for name in ("carol", "dave", "erin")}
    for handle in handles.values():
        refused = grant(client, house, approval, handle, status=401)
        step_up(client, house.acme_key, {"context": refused}, code_at(clock.now()))
    everyone = [*handles.values(), handles["carol"]]

    def act(number: int) -> int:
        body = {"session": everyone[number]}
        response = Client().post(
            f"/step-up/approvals/{approval}/grant",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {house.acme_key}"},
        )
        return response.status_code

    answers = at_once(act, count=4)
    assert set(answers) <= {200, 401, 409}, answers
    with tenant_transaction(house.acme):
        assert ApprovalGrant.objects.count() == 2


def test_a_service_waits_for_people_in_its_own_name(client: Client, house: World) -> None:
    credential, key = authlevels.create_credential(
        tenant_id=house.acme,
        name="deployer",
        verbs=["payments.approve", Verb.STEP_UP_CREATE, Verb.ACCESS_EVALUATE],
        by="test",
        at=clock.now(),
    )

    def deploy(request_id: str = "") -> decisions.Answer:
        return decisions.evaluate(
            decisions.Question(
                tenant_id=house.acme,
                home=house.acme,
                asked_by="credential:deployer",
                subject=decisions.Entity(type="service", id="deployer"),
                action="payments.approve",
                resource=decisions.Entity(type="payment", id="7", properties={"amount": 5, "payee": "x"}),
                service=credential.as_fact(),
                is_claiming=True,
                claim_id=request_id,
            ),
            at=clock.now(),
        )

    refused = deploy()
    assert [need.kind for need in refused.decision.needs] == ["approval"]
    body = {"decision_id": refused.public_id}
    ask(client, house.acme_key, body, path="/step-up/approvals", status=404)
    approval = ask(client, key, body, path="/step-up/approvals", status=201)["approval_id"]
    agreed(client, house, approval, "carol")
    assert not deploy().decision.is_allowed
    agreed(client, house, approval, "dave")
    assert deploy("run-1").decision.is_allowed
    assert deploy("run-1").decision.is_allowed
    assert not deploy("run-2").decision.is_allowed
