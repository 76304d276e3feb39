"""What looks like somebody else is asked for more, by the tenant's table; what looks as always is not."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.test import Client
from msgspec.structs import replace

from audit import api as audit
from authlevels import api as authlevels
from console.trail.sentences import sentence
from console.trail.wording import Names
from decisions import people
from decisions.looked import Looked
from decisions.risk import _sensitivity
from decisions.trail import read_back
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine import api as risk
from riskengine.models import SessionRisk, TenantCutoffs
from riskengine.sights import flush_sights
from tests.decisions.asking import ask, body, step_up, store_routine_records
from tests.decisions.conftest import World, code_at
from tests.decisions.test_explain import _explained
from tests.looking import FAR, HOME, at_home, far_is, people_fail_from, signals
from tests.riskengine.conftest import no_valkey
from tiergate import ActionSpec, Activity, Entitlement, FeatureKind, Sensitivity, SessionFacts, SessionState, decide

__all__ = ["no_valkey"]


def asked(client: Client, world: World, session: str, looks: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Ask to read a report, and give what is asked for it; nothing where it is allowed."""
    answer = ask(client, world.acme_key, body(session=session, **looks, **context))
    return {} if answer["decision"] else answer["context"]["needs"][0]


def recorded(world: World, answer: Any) -> audit.Entry:
    """Give the entry of an answer."""
    store_routine_records()
    entry_id = authlevels.parse_decision_ref(answer["context"]["id"])
    assert entry_id is not None
    with tenant_transaction(world.acme):
        return audit.get_entry(tenant_id=world.acme, entry_id=entry_id, kind=audit.Kind.DECISION)


def policy(world: World, **changed: Any) -> None:
    risk.put_policy(tenant_id=world.acme, by="account:olga", at=clock.now(), **changed)
    # What nobody told of is seen after a second.
    licensing.forget_snapshots()


def everything_is_high(world: World) -> None:
    """Let every look be a high risk, however usual."""
    with tenant_transaction(world.acme):
        TenantCutoffs.objects.filter(tenant_id=world.acme).update(medium=-100.0, high=-100.0)
    risk.forget_usual()
    risk.forget_assessments()


@pytest.fixture
def session(world: World) -> str:
    """A session of Alice, who is at home every day; elsewhere she looks like a high risk."""
    at_home(world.acme)
    far_is(world.acme, "high")
    return world.asserted()


def test_on_the_usual_device_nothing_is_asked_and_from_elsewhere_a_second_factor(
    client: Client, world: World, session: str
) -> None:
    assert asked(client, world, session, HOME) == {}
    need = asked(client, world, session, FAR)
    assert (need["kind"], need["level"], need["max_age"]) == ("step_up", "aal2", 900)


def test_why_is_told_in_words_to_whoever_asks_why(client: Client, world: World, session: str, tmp_path: Path) -> None:
    answer = ask(client, world.acme_key, body(session=session, **FAR))
    entry = recorded(world, answer)
    because = "high risk: first time"
    assert because in answer["context"]["reason_admin"]["401"]
    assert answer["context"]["reason_user"]["401"] == "Confirm that it is you to go on."
    assert because in sentence([entry], Names(tenant="Acme", called=lambda subject: subject[1].title()))
    told = entry.payload["risk"]
    assert (told["mode"], told["band"], told["requirement"]) == ("enforce", "high", {"level": "aal2", "max_age": 900})
    assert told["codes"][0].startswith("new_")
    document = {**body(session=session, **FAR), "context": {"session": session, "tenant": "acme", **FAR}}
    text = _explained(tmp_path, document)
    assert re.search(r"risk         high, score \+\d+\.\d\d: new_", text)
    assert f"risk requires aal2 within 900 s: {because}" in text


def test_what_speaks_for_the_person_is_no_reason(client: Client, world: World, session: str) -> None:
    everything_is_high(world)
    entry = recorded(world, ask(client, world.acme_key, body(session=session, **HOME)))
    assert (entry.payload["risk"]["band"], entry.payload["risk"].get("codes", [])) == ("high", [])


def test_a_feature_that_nobody_knows_is_as_sensitive_as_can_be() -> None:
    action = ActionSpec(name="reports.read", resource_type="report", privilege="reports.read", feature="reports")
    other = Entitlement(feature="other", kind=FeatureKind.SWITCH, sensitivity=Sensitivity.STANDARD, is_granted=True)
    assert {_sensitivity(action, known) for known in (None, other)} == {Sensitivity.REGULATED}
    assert _sensitivity(action, replace(other, feature="reports")) == Sensitivity.STANDARD


def test_where_and_with_what_a_person_was_is_sealed_for_them(client: Client, world: World, session: str) -> None:
    entry = recorded(world, ask(client, world.acme_key, body(session=session, **FAR)))
    assert entry.personal is not None
    assert entry.personal["seen"]["network"] == "198.51.100.0/24"
    assert "198.51.100" not in json.dumps(entry.payload)


def test_a_recorded_decision_comes_out_again_without_the_engine(client: Client, world: World, session: str) -> None:
    for looks in (HOME, FAR):
        facts, decision = read_back(recorded(world, ask(client, world.acme_key, body(session=session, **looks))))
        again = decide(facts)
        assert (again.outcome, again.reason, again.requirement) == (
            decision.outcome,
            decision.reason,
            decision.requirement,
        )
    assert facts.circumstances.risk_band == "high"
    assert facts.circumstances.risk_score is not None
    assert 0.5 < facts.circumstances.risk_score <= 1.0, "rules read a probability"


@pytest.mark.parametrize(("band", "max_age"), [("medium", None), ("critical", 300)])
def test_a_band_asks_what_the_table_says(
    client: Client, world: World, session: str, band: str, max_age: int | None
) -> None:
    far_is(world.acme, band)
    assert asked(client, world, session, FAR).get("max_age") == max_age


def test_a_tenants_own_table_takes_effect_with_its_change(client: Client, world: World, session: str) -> None:
    assert asked(client, world, session, FAR)["max_age"] == 900
    policy(world, table={"high": {"standard": None}})
    assert asked(client, world, session, FAR) == {}
    sooner = {"level": "aal2", "max_age": 60, "phishing_resistant": True}
    everywhere = dict.fromkeys(("standard", "premium", "regulated"), sooner)
    policy(world, table={"high": everywhere, "critical": everywhere})
    assert asked(client, world, session, FAR)["max_age"] == 60
    with tenant_transaction(world.acme):
        told = audit.list_entries(tenant_id=world.acme, kinds=[audit.Kind.RISK_POLICY_CHANGED])
    assert [one.payload["by"] for one in told] == ["account:olga", "account:olga"]


def test_who_only_looks_on_changes_no_answer_and_sees_what_would_have_been(
    client: Client, world: World, session: str
) -> None:
    policy(world, mode="observe")
    far_is(world.acme, "critical")
    people_fail_from(world.acme, FAR)
    answer = ask(client, world.acme_key, body(session=session, **FAR))
    assert answer["decision"] is True
    entry = recorded(world, answer)
    assert (entry.payload["risk"]["mode"], entry.payload["risk"]["is_blocked"]) == ("observe", True)
    facts, _ = read_back(entry)
    assert facts.circumstances.risk_band == "unknown", "rules of a policy are no way for it to change an answer"
    assert facts.session is not None
    assert facts.session.activity.riskier_since is None


def test_switched_off_it_is_not_even_looked_at(client: Client, world: World, session: str) -> None:
    policy(world, mode="off")
    answer = ask(client, world.acme_key, body(session=session, **FAR))
    assert answer["decision"] is True
    assert "risk" not in recorded(world, answer).payload
    assert flush_sights()
    with tenant_transaction(world.acme):
        assert not SessionRisk.objects.filter(tenant_id=world.acme).exists()


def test_what_looked_medium_is_medium_where_the_looks_are_left_out(client: Client, world: World, session: str) -> None:
    far_is(world.acme, "medium")
    ask(client, world.acme_key, body(session=session, **FAR))
    people.forget_people()
    answer = ask(client, world.acme_key, body("tiergate.policy.write", resource=("tiergate", ""), session=session))
    told = recorded(world, answer).payload["risk"]
    assert (told["band"], told["requirement"]["max_age"]) == ("medium", 3600)


def test_a_session_that_is_over_is_not_looked_at(client: Client, world: World, session: str) -> None:
    session_id = authlevels.parse_session_handle(session)
    assert session_id is not None
    authlevels.end_session(tenant_id=world.acme, session_id=session_id, by="test", at=clock.now())
    answer = ask(client, world.acme_key, body(session=session, **FAR))
    assert answer["context"]["reason"] == "session_revoked"
    assert "risk" not in recorded(world, answer).payload
    with tenant_transaction(world.acme):
        assert not SessionRisk.objects.filter(tenant_id=world.acme).exists()


def test_what_hardly_errs_blocks_together_with_a_critical_band(client: Client, world: World, session: str) -> None:
    far_is(world.acme, "critical")
    assert asked(client, world, session, FAR)["kind"] == "step_up", "alone, the band asks for more"
    people_fail_from(world.acme, FAR)
    answer = ask(client, world.acme_key, body(session=session, **FAR))
    assert (answer["decision"], answer["context"]["outcome"]) == (False, "deny")
    assert (answer["context"]["reason"], answer["context"].get("needs")) == ("risk_blocked", None)
    assert "failed attempts for many different people" in answer["context"]["reason_admin"]["403"]
    assert (
        "network" not in answer["context"]["reason_user"]["403"] or "usually" in answer["context"]["reason_user"]["403"]
    )
    assert asked(client, world, session, HOME) != {}, (
        "the session is not believed at home either, before it is confirmed"
    )


def test_a_critical_band_of_before_and_what_hardly_errs_of_now_do_not_block_together(
    client: Client, world: World, session: str
) -> None:
    """Nothing could be shown from there, although a confirmation would end what was seen before."""
    far_is(world.acme, "critical")
    assert asked(client, world, session, FAR)["kind"] == "step_up"
    far_is(world.acme, "medium")
    people_fail_from(world.acme, FAR)
    answer = ask(client, world.acme_key, body(session=session, **FAR))
    assert answer["context"]["outcome"] == "step_up"
    assert "critical risk: the session looked so before" in answer["context"]["reason_admin"]["401"]
    facts, _ = read_back(recorded(world, answer))
    assert facts.circumstances.risk_band == "critical"


def test_a_step_up_from_there_is_enough_and_is_not_asked_for_again_at_once(
    client: Client, world: World, session: str
) -> None:
    refused = ask(client, world.acme_key, body(session=session, **FAR))
    assert step_up(client, world.acme_key, refused, code_at(clock.now()))["state"] == "passed"
    for _ in range(3):
        risk.forget_assessments()
        assert asked(client, world, session, FAR) == {}
    (passed,) = signals(world.acme, kind="step_up_passed")
    assert (passed.network, passed.trust, passed.band) == ("198.51.100.0/24", 0.5, "high"), (
        "as the refused request looked"
    )


def test_what_stays_unusual_is_raised_once_and_no_more_for_the_looks_that_were_confirmed(
    client: Client, world: World, session: str
) -> None:
    everything_is_high(world)
    refused = ask(client, world.acme_key, body(session=session, **FAR))
    assert step_up(client, world.acme_key, refused, code_at(clock.now()))["state"] == "passed"
    for _ in range(2):
        risk.forget_assessments()
        assert asked(client, world, session, FAR) == {}
    assert asked(client, world, session, HOME) != {}, "nobody confirmed from there"


def test_an_action_is_as_sensitive_as_its_feature(client: Client, world: World) -> None:
    at_home(world.globex)
    far_is(world.globex, "medium")
    handle = world.asserted(tenant=world.globex)
    document = body("exports.create", resource=("export", "1"), session=handle, **FAR)
    answer = ask(client, world.globex_key, document)
    assert "risk requires: medium risk" in answer["context"]["reason_admin"]["401"]
    assert ask(client, world.globex_key, body(session=handle, **FAR))["decision"] is True


@pytest.mark.parametrize(
    ("action", "resource", "asked"),
    [
        ("reports.read", "report", None),
        ("tiergate.policy.write", "tiergate", 3600),
        ("exports.create", "export", 900),
    ],
)
def test_what_changes_who_may_do_what_is_premium_and_what_needs_an_unknown_feature_regulated(
    client: Client, world: World, session: str, action: str, resource: str, asked: int | None
) -> None:
    far_is(world.acme, "medium")
    answer = ask(client, world.acme_key, body(action, resource=(resource, "1"), session=session, **FAR))
    requirement = recorded(world, answer).payload["risk"].get("requirement")
    assert (requirement and requirement["max_age"]) == asked


def test_a_rise_that_is_remembered_sets_none_back_that_came_later() -> None:
    now = clock.now()
    before, after = now - timedelta(minutes=1), now
    session = SessionFacts(
        handle="ses_1", state=SessionState.LIVE, proofs=(), enrolled=(), activity=Activity(riskier_since=after)
    )
    assert Looked(riskier_since=before).of_session(session) == session
    earlier = replace(session, activity=Activity(riskier_since=before))
    assert Looked(riskier_since=after).of_session(earlier) == session


def test_somebody_new_is_neither_asked_nor_taken_for_safe(client: Client, world: World) -> None:
    handle = world.asserted("carol")
    answer = ask(client, world.acme_key, body(session=handle, subject="carol", **FAR))
    assert answer["decision"] is True
    assert read_back(recorded(world, answer))[0].circumstances.risk_band == "unknown"


@pytest.mark.parametrize("looks", [{"ip": 7, "user_agent": ["x"]}, {"ip": "no address", "device": {"token": "tgd1.x"}}])
def test_what_cannot_be_read_of_how_it_looks_was_not_told(
    client: Client, world: World, session: str, looks: dict[str, Any]
) -> None:
    assert ask(client, world.acme_key, body(session=session, **looks))["decision"] is True


def test_where_the_engine_cannot_say_nobody_is_let_in(
    client: Client, world: World, session: str, superuser: psycopg.Connection, no_valkey: None
) -> None:
    superuser.execute("REVOKE EXECUTE ON FUNCTION riskengine_known FROM PUBLIC")
    try:
        risk.forget_assessments()
        answer = ask(client, world.acme_key, body(session=session, **HOME), status=503)
        assert answer["code"] == "facts_unavailable"
        policy(world, mode="observe")
        assert ask(client, world.acme_key, body(session=session, **HOME))["decision"] is True
    finally:
        superuser.execute("GRANT EXECUTE ON FUNCTION riskengine_known TO PUBLIC")


def test_asking_what_would_be_teaches_nothing_and_raises_nobody(
    client: Client, world: World, session: str, tmp_path: Path
) -> None:
    heard: list[str] = []
    licensing.subscribe(lambda kind, _key: heard.append(kind))
    for looks in (HOME, FAR):
        text = _explained(
            tmp_path, {**body(session=session, **looks), "context": {"session": session, "tenant": "acme", **looks}}
        )
    assert "risk requires aal2" in text
    assert not {"session", "risk"} & set(heard), "nobody is told of what was not asked in earnest"
    assert flush_sights()
    with tenant_transaction(world.acme):
        assert not SessionRisk.objects.filter(tenant_id=world.acme).exists()
    assert ask(client, world.acme_key, body(session=session))["decision"] is True
