"""A product asks whether a call may go ahead, and gets the right one of four answers."""

from datetime import timedelta
from typing import Any, cast

import pytest
import time_machine
from django.db import transaction
from django.test import Client, RequestFactory

from audit import api as audit
from authlevels import api as authlevels
from decisions import api as decisions
from decisions.trail import read_back
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask, body, export, step_up, store_routine_records
from tests.decisions.conftest import World, code_at
from tiergate import Action, Verb, decide


def test_a_basic_feature_is_allowed_to_a_signed_in_member(client: Client, world: World) -> None:
    answer = ask(client, world.acme_key, body(session=world.asserted()))
    assert answer["decision"] is True
    assert answer["context"]["outcome"] == "allow"
    assert answer["context"]["snapshot"].startswith("g")


def test_a_feature_outside_the_plan_names_the_plan_that_unlocks_it_and_what_it_will_ask(
    client: Client, world: World
) -> None:
    context = ask(client, world.acme_key, export(session=world.asserted()))["context"]
    assert context["outcome"] == "upgrade"
    assert [need["kind"] for need in context["needs"]] == ["upgrade", "step_up"]
    assert context["unlocks"][0]["plan"] == "regulated"
    assert context["unlocks"][0]["price"] == {"amount": 49900, "currency": "eur", "interval": "month"}
    assert "challenge" not in context, "nothing can be stepped up to before the plan is there"


def test_a_changed_subscription_changes_the_next_answer(client: Client, world: World) -> None:
    handle = world.asserted()
    assert ask(client, world.acme_key, export(session=handle))["context"]["outcome"] == "upgrade"
    licensing.put_subscription(tenant_id=world.acme, plan="regulated", by="test", at=clock.now())
    assert ask(client, world.acme_key, export(session=handle))["context"]["outcome"] == "step_up"


def test_a_real_code_turns_the_refusal_into_an_allow_until_the_task_ends(client: Client, world: World) -> None:
    handle = world.asserted(tenant=world.globex)
    refused = ask(client, world.globex_key, export(session=handle))
    assert (refused["decision"], refused["context"]["outcome"]) == (False, "step_up")
    assert refused["context"]["max_age"] == 300
    assert refused["context"]["amr_values"] == "otp"
    assert "aal2" in refused["context"]["acr_values"]

    passed = step_up(client, world.globex_key, refused, code_at(clock.now()))
    allowed = ask(client, world.globex_key, export(session=handle))
    assert allowed["decision"] is True
    assert allowed["context"]["next_change_at"] > allowed["context"]["as_of"]

    other = body("exports.create", subject="alice", resource=("export", "invoices"), session=handle)
    assert ask(client, world.globex_key, other)["decision"] is True, "scope action covers any resource of the action"

    client.delete(
        f"/step-up/elevations/{passed['elevation_id']}", headers={"Authorization": f"Bearer {world.globex_key}"}
    )
    assert ask(client, world.globex_key, export(session=handle))["context"]["outcome"] == "step_up"


def test_an_elevation_is_no_good_in_another_session_of_the_same_person(client: Client, world: World) -> None:
    first, second = world.asserted(tenant=world.globex), world.asserted(tenant=world.globex)
    step_up(client, world.globex_key, ask(client, world.globex_key, export(session=first)), code_at(clock.now()))
    assert ask(client, world.globex_key, export(session=first))["decision"] is True
    assert ask(client, world.globex_key, export(session=second))["context"]["outcome"] == "step_up"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": {"type": "user", "id": "mallory"}}, "not_a_member"),
        ({"subject": {"type": "user", "id": "nul\x00"}}, "not_a_member"),
        ({"subject": {"type": "user", "id": "x" * 5000}}, "not_a_member"),
        ({"action": {"name": "reports.burn"}}, "unknown_action"),
        ({"action": {"name": "tiergate.made.up"}}, "unknown_action"),
        ({"resource": {"type": "planet", "id": "1"}}, "wrong_resource_type"),
        ({"subject": {"type": "user", "id": "carol"}}, "unknown_session"),
    ],
)
def test_whatever_is_unknown_is_a_plain_no(client: Client, world: World, change: dict[str, Any], reason: str) -> None:
    answer = ask(client, world.acme_key, body(session=world.asserted()) | change)
    assert (answer["decision"], answer["context"]["reason"]) == (False, reason)


def test_a_member_without_the_privilege_is_denied(client: Client, world: World) -> None:
    answer = ask(client, world.acme_key, body(subject="bob", session=world.asserted("bob")))
    assert (answer["decision"], answer["context"]["reason"]) == (False, "no_privilege")


@pytest.mark.parametrize(
    ("session", "reason"),
    [(None, "no_session"), ("ses_" + "0" * 32, "unknown_session"), ("garbage", "unknown_session")],
)
def test_without_a_live_session_there_is_no_allow(
    client: Client, world: World, session: str | None, reason: str
) -> None:
    context: dict[str, Any] = {} if session is None else {"session": session}
    answer = ask(client, world.acme_key, body(**context))
    assert (answer["decision"], answer["context"]["reason"]) == (False, reason)


def test_a_session_of_another_tenant_is_unknown_here(client: Client, world: World) -> None:
    foreign = world.asserted(tenant=world.globex)
    answer = ask(client, world.acme_key, body(session=foreign))
    assert (answer["decision"], answer["context"]["reason"]) == (False, "unknown_session")


def test_an_ended_session_ends_the_allow(client: Client, world: World) -> None:
    handle = world.asserted()
    assert ask(client, world.acme_key, body(session=handle))["decision"] is True
    response = client.delete(f"/t/acme/sessions/{handle}", headers={"Authorization": f"Bearer {world.acme_key}"})
    assert response.status_code in {200, 204}
    assert ask(client, world.acme_key, body(session=handle))["context"]["reason"] == "session_revoked"


def test_a_removed_member_is_denied_on_the_next_call(client: Client, world: World) -> None:
    handle = world.asserted()
    licensing.remove_member(tenant_id=world.acme, subject_type="user", subject_id="alice", by="test", at=clock.now())
    assert ask(client, world.acme_key, body(session=handle))["context"]["reason"] == "not_a_member"


def test_a_suspended_tenant_is_denied_everything(client: Client, world: World) -> None:
    handle = world.asserted()
    licensing.put_tenant(slug="acme", name="Acme", status="suspended", by="test", at=clock.now())
    assert ask(client, world.acme_key, body(session=handle))["context"]["reason"] == "tenant_suspended"


def test_a_drawn_menu_permits_nothing(client: Client, world: World) -> None:
    handle = world.asserted(tenant=world.globex)
    answer = ask(client, world.globex_key, export(session=handle, purpose="display"))
    assert answer["context"]["purpose"] == "display"
    assert "challenge" not in answer["context"]


def test_an_unknown_purpose_is_refused_as_a_shape(client: Client, world: World) -> None:
    ask(client, world.acme_key, body(session=world.asserted(), purpose="whatever"), status=400)


def test_an_answer_is_never_older_than_what_the_caller_has_seen(client: Client, world: World) -> None:
    handle = world.asserted()
    seen = ask(client, world.acme_key, body(session=handle))["context"]["snapshot"]
    assert ask(client, world.acme_key, body(session=handle, min_snapshot=seen))["decision"] is True
    later = f"g{10**9}.t{10**9}"
    refused = ask(client, world.acme_key, body(session=handle, min_snapshot=later), status=503)
    assert refused["code"] == "snapshot_behind"


def test_every_decision_is_recorded_and_can_be_made_again_from_its_record(client: Client, world: World) -> None:
    handle = world.asserted(tenant=world.globex)
    for document in (export(session=handle), body(session=handle), body("reports.burn", session=handle)):
        answer = ask(client, world.globex_key, document)
        entry_id = authlevels.parse_decision_ref(answer["context"]["id"])
        assert entry_id is not None
        store_routine_records()
        with tenant_transaction(world.globex):
            entry = audit.get_entry(tenant_id=world.globex, entry_id=entry_id, kind=audit.Kind.DECISION)
        facts, decision = read_back(entry)
        assert decide(facts) == decision
        assert decision.outcome.value == answer["context"]["outcome"]
        assert entry.subject == ("user", "alice")


def test_the_record_is_committed_before_the_answer(world: World) -> None:
    """Inside somebody's transaction the record could be rolled back after the answer: that is an error."""
    question = decisions.Question(
        tenant_id=world.acme,
        home=world.acme,
        asked_by="test",
        subject=decisions.Entity(type="user", id="alice"),
        action="reports.read",
        resource=decisions.Entity(type="report", id="1"),
    )
    with transaction.atomic(), pytest.raises(RuntimeError, match="outside any transaction"):
        decisions.evaluate(question, at=clock.now())


def test_looking_at_what_the_answer_would_be_leaves_no_trace(world: World) -> None:
    question = decisions.Question(
        tenant_id=world.acme,
        home=world.acme,
        asked_by="test",
        subject=decisions.Entity(type="user", id="alice"),
        action="reports.read",
        resource=decisions.Entity(type="report", id="1"),
        context=decisions.Context(session=world.asserted()),
    )
    _gathered, decision = decisions.preview(question, at=clock.now())
    assert decision.is_allowed
    with tenant_transaction(world.acme):
        assert not audit.list_entries(tenant_id=world.acme, kinds=[audit.Kind.DECISION])


def test_an_idle_session_loses_its_second_factor_for_good(client: Client, world: World) -> None:
    """A pause of more than an hour ends aal2 (NIST SP 800-63B-4 2.2.3), and a later request does not bring it back."""
    handle = world.asserted(tenant=world.globex)
    session_id = authlevels.parse_session_handle(handle)
    assert session_id is not None
    step_up(client, world.globex_key, ask(client, world.globex_key, export(session=handle)), code_at(clock.now()))
    later = clock.now() + timedelta(minutes=61)
    for at in (later, later + timedelta(seconds=61)):
        authlevels.touch_session(tenant_id=world.globex, session_id=session_id, at=at)
        facts = authlevels.session_facts(tenant_id=world.globex, session=handle, subject=("user", "alice"), at=at)
        assert facts.activity.aal2_since == later


def test_the_builtin_actions_are_guarded_by_the_same_decision(client: Client, world: World) -> None:
    """A key without the verb is refused by the kernel's word, not by the view's."""
    response = client.put(
        "/v1/tenants/acme/subscription",
        {"plan": "regulated"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {world.acme_key}"},
    )
    assert response.status_code == 403
    assert response.json()["code"] in {"no_privilege", "caller_not_allowed"}
    assert Action.SUBSCRIPTION_WRITE.value.endswith("write")
    assert Verb.SUBSCRIPTION_WRITE


def test_the_vendor_moves_a_tenant_up_over_http_and_it_counts_at_once(client: Client, world: World) -> None:
    handle = world.asserted()
    assert ask(client, world.acme_key, export(session=handle))["context"]["outcome"] == "upgrade"
    response = client.put(
        "/v1/tenants/acme/subscription",
        {"plan": "regulated"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {world.vendor_key}"},
    )
    assert response.status_code in {200, 201}, response.content
    assert ask(client, world.acme_key, export(session=handle))["context"]["outcome"] == "step_up"


def test_asking_counts_as_use_and_drawing_a_menu_does_not(client: Client, world: World) -> None:
    """A product's enforced calls keep an asserted session from idling; its menus do not."""
    handle = world.asserted()
    session_id = authlevels.parse_session_handle(handle)
    assert session_id is not None

    def last_seen() -> object:
        facts = authlevels.session_facts(
            tenant_id=world.acme, session=handle, subject=("user", "alice"), at=clock.now()
        )
        return facts.activity.last_seen_at

    begun = last_seen()
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        ask(client, world.acme_key, body(session=handle, purpose="display"))
        assert last_seen() == begun
        ask(client, world.acme_key, body(session=handle))
        assert last_seen() == clock.now()


def test_the_environment_of_our_own_door_is_never_the_callers_word(world: World) -> None:
    request = RequestFactory().get("/", headers={"X-Environment": "staging"})
    credential = authlevels.resolve_credential(world.acme_key, at=clock.now())
    assert credential is not None
    cast("Any", request).principal = authlevels.ServicePrincipal(credential)
    assert decisions.decide_for(request, Action.TENANT_READ).question.context.environment is None
