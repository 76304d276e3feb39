"""What was recorded is decided again, exactly as it was; and what a change would have made of it is known beforehand."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict

import msgspec
import psycopg
import pytest
from django.core.management import call_command
from django.test import Client

from authlevels import api as authlevels
from decisions.policy import memory, replaying
from decisions.policy.activating import activate
from decisions.policy.measuring import measure
from decisions.policy.replaying import Rules, replay
from decisions.policy.stage import Mode
from decisions.policy.storing import store_bundle
from isolation import clock
from licensing import api as licensing
from tests.attacks.test_support_never_elevates_as_somebody_else import employ, start
from tests.decisions.asking import ask, body, export, payment, step_up, store_routine_records
from tests.decisions.conftest import World, code_at
from tests.policy.bundles import files, rule
from tiergate.policy import Bundle, compile_bundle
from tiergate.policy.impact import Report

pytestmark = pytest.mark.django_db

ALICE = ("user", "alice")
WAIVED = "waives_tests: It is tried where decisions are recorded."


def _rule(when: str, *, name: str, on: str = "{actions: ['**']}", says: str = "require: {level: aal2}") -> str:
    return rule(when, name=name, on=on, says=f"{says}\n  {WAIVED}")


# Of what rules may read, what a record could tell otherwise than it was.
RULES = (
    _rule('subject.id == "carol" && subject.type == "user"', name="carol")
    + _rule('resource.id == "9"', name="nine", says="forbid: true")
    + _rule("session.is_present && session.age > 3600", name="old")
    + _rule(
        'assurance.level < 2 && subject.roles.exists(role, role == "member")', name="low", on="{actions: [exports.*]}"
    )
    + _rule("subject.is_impersonated", name="support", on="{actions: [exports.*]}", says="forbid: true")
    + _rule(
        "transaction.is_present && transaction.amount > 400", name="amount", says="require: {level: aal2, max_age: 60}"
    )
    + _rule('time.now > timestamp("2020-01-01T00:00:00Z") && plan.keys.exists(one, one == "regulated")', name="plan")
)


_COPIED = b"""
    INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, payload)
    SELECT gen_random_uuid(), tenant_id, kind, at, subject_type, subject_id, PAYLOAD FROM audit_entry
    WHERE kind = 'decision' ORDER BY seq LIMIT 1
"""


class Window(TypedDict):
    since: datetime
    until: datetime


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


def put_in_force(rules: str, *, mode: Mode = Mode.NONE, percent: int = 0) -> str:
    digest = store_bundle(files(rules), by="user:olga", at=clock.now()).digest
    activate(digest=digest, mode=mode, percent=percent, because="it is time", by="user:olga", at=clock.now())
    return digest


def window() -> Window:
    store_routine_records()
    return {"since": clock.now() - timedelta(days=1), "until": clock.now() + timedelta(minutes=1)}


def ask_of_every_kind(client: Client, world: World, *, steps_up: bool) -> None:
    """Have decisions made of every kind that leaves something else in its record."""
    alice, here = world.asserted(tenant=world.globex), world.asserted()
    key = world.globex_key
    ask(client, key, body(session=alice))
    ask(client, key, export(session=alice, purpose="display"))
    refused = ask(client, key, export(session=alice))
    if steps_up:
        step_up(client, key, refused, code_at(clock.now()))
    ask(client, key, export(session=alice))
    ask(client, key, payment(500, session=alice))
    ask(client, key, payment(5, session=alice, transaction={"type": "transfer", "amount": 5, "currency": "EUR"}))
    for document in (
        body(session=here),
        body("reports.burn", resource=("x" * 3_000, "y" * 3_000), session=here, environment="z" * 3_000),
        body(resource=("report", "9"), session=here),
        body(resource=("report", "nul\x00"), session=here),
        body(subject="carol", session=world.asserted("carol")),
        body(subject="mallory", session="ses_" + "0" * 32),
        body(subject="n\x00ul" + "x" * 2_000),
        body(subject="bob", session=world.asserted("bob")),
        body(origin={"country": "DE"}, device={"is_known": True}, session=here),
    ):
        ask(client, world.acme_key, document)
    ask(client, world.vendor_key, body(tenant="nobody"))
    ask(client, world.vendor_key, body(tenant="acme", session=here))
    ask(client, world.acme_key, {"evaluations": [body(), body(session=here)]}, path="/access/v1/evaluations")
    service = {"subject": {"type": "service", "id": "acme-api"}, "action": {"name": "reports.read"}}
    ask(client, world.acme_key, service | {"resource": {"type": "report", "id": "1"}})
    support = start(client, employ("olga", licensing.VENDOR_TENANT_ID, ["support", "helpers"]))["session"]
    ask(client, key, body(session=support))
    ask(client, key, export(session=support))


@pytest.fixture
def helpers(world: World) -> None:
    may = ["support.impersonate"]
    licensing.put_role(tenant_id=licensing.VENDOR_TENANT_ID, key="helpers", privileges=may, by="test", at=world.at)


@pytest.mark.usefixtures("helpers")
def test_with_the_bundle_in_force_then_every_decision_comes_out_as_it_was(client: Client, world: World) -> None:
    ask_of_every_kind(client, world, steps_up=False)
    digest = put_in_force(RULES)
    ask_of_every_kind(client, world, steps_up=True)
    found = replay(**window())
    assert (found.differing, found.differences, found.left_out) == (0, [], {})
    assert set(found.bundles) == {"", digest}
    assert found.bundles[digest] >= 20
    # A name that cannot be stored is one that rules may have read otherwise.
    assert {reason: one.count for reason, one in found.inexact.items()} == {replaying.CUT: 2}


def test_what_rules_read_of_the_erased_is_never_called_the_same(client: Client, world: World) -> None:
    by_name, by_action = RULES, _rule("assurance.level < 2", name="low", on="{actions: [exports.*]}")
    for rules in (by_name, by_action):
        put_in_force(rules)
        ask(client, world.globex_key, export(session=world.asserted(tenant=world.globex)))
    licensing.remove_member(tenant_id=world.globex, subject_type="user", subject_id="alice", by="test", at=clock.now())
    authlevels.erase_person(tenant_id=world.globex, subject=ALICE, by="manage.py", at=clock.now())
    found = replay(**window())
    assert (found.same, found.erased, found.differing, found.is_same) == (1, 2, 0, False)
    assert {reason: one.count for reason, one in found.inexact.items()} == {replaying.ERASED: 1}
    assert "1 unsure: a rule reads the name of a person who is erased" in "\n".join(replaying.to_lines(found))


def test_rules_that_say_otherwise_than_they_did_are_found_and_told(client: Client, world: World) -> None:
    put_in_force(_rule('resource.id == "9"', name="nine", says="forbid: true"))
    handle = world.asserted()
    for resource in ("8", "9"):
        ask(client, world.acme_key, body(resource=("report", resource), session=handle))
    eight = compile_bundle(files(_rule('resource.id == "8"', name="nine", says="forbid: true")))
    found = replay(**window(), rules=Rules(lambda: eight))
    assert (found.same, found.differing) == (0, 2)
    assert sorted((one.recorded.outcome, one.decided.outcome) for one in found.differences) == [
        ("allow", "deny"),
        ("deny", "allow"),
    ]
    none = replay(**window(), rules=Rules(lambda: None))
    assert [(one.recorded.reason, one.decided.reason) for one in none.differences] == [
        ("forbidden_by_policy", "allowed")
    ]


def test_what_cannot_be_decided_again_is_counted_and_named(
    client: Client, world: World, superuser: psycopg.Connection
) -> None:
    handle = world.asserted()
    for _ in range(3):
        ask(client, world.acme_key, body(session=handle))
    store_routine_records()
    for change in (b"payload - 'facts'", b"jsonb_set(payload, '{facts,versions,bundle}', to_jsonb(repeat('ab', 32)))"):
        superuser.execute(_COPIED.replace(b"PAYLOAD", change))
    found = replay(**window())
    assert (found.same, found.decisions, found.is_same) == (3, 5, False)
    assert {reason: one.count for reason, one in found.left_out.items()} == {
        "the entry has no facts": 1,
        "bundle abababababab: The policy in force is not stored; ask again.": 1,
    }
    report = measured(None, None)
    assert (report.decisions, [one.count for one in report.left_out.values()]) == (4, [1])
    # Nothing would be lowered of what was looked at; of the rest nobody knows.
    assert (run("plan", "none")[0], run("plan", "none", "--allow-lowering")[0]) == (1, 0)


def measured(base: Bundle | None, candidate: Bundle | None) -> Report:
    return measure(base=base, candidate=candidate, **window())


def test_a_plan_tells_exactly_what_would_be_challenged_refused_and_allowed(client: Client, world: World) -> None:
    nine = _rule('resource.id == "9"', name="nine", says="forbid: true")
    put_in_force(nine)
    handle = world.asserted()
    for resource in ("1", "2", "9"):
        ask(client, world.acme_key, body(resource=("report", resource), session=handle))
    ask(client, world.acme_key, body(resource=("report", "1"), session=handle, purpose="display"))
    base = compile_bundle(files(nine))
    candidate = compile_bundle(
        files(
            _rule('resource.id == "1"', name="first", says="forbid: true")
            + _rule('resource.id == "2"', name="second", says="require: {level: aal2, max_age: 300}")
        )
    )
    report = measured(base, candidate)
    assert report.changes == {"newly_allowed": 1, "newly_refused": 1, "newly_challenged": 1}
    assert [(one.change.value, one.rules) for one in report.examples] == [
        ("newly_allowed", ("nine",)),
        ("newly_refused", ("first",)),
        ("newly_challenged", ("second",)),
    ]
    assert {one.who.partition("~")[0] for one in report.examples} == {"user:"}
    assert (report.advice, report.forecast.before, report.forecast.after) == ({"newly_refused": 1}, 0, 1)
    assert [(one.name, one.total) for one in report.tenants] == [("acme", 3)]
    assert measured(base, base).changes == {"unchanged": 3}


def run(*arguments: str) -> tuple[int, str, str]:
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("policy", *arguments, stdout=out, stderr=err)
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, out.getvalue(), err.getvalue()


def test_the_command_plans_a_folder_a_digest_or_nothing(client: Client, world: World, tmp_path: Path) -> None:
    rules = _rule('resource.id == "1"', name="first", says="forbid: true")
    digest = put_in_force(rules)
    ask(client, world.acme_key, body(session=world.asserted()))
    store_routine_records()
    for path, text in files(_rule("true", name="all")).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    code, out, err = run("plan", str(tmp_path), "--markdown", "--tenant", "acme")
    assert (code, err) == (1, "1 of 1 decisions\n")
    assert "⚠️ **no longer refused** | 1" in out
    code, out, _ = run("plan", "none", "--json", "--days", "1", "--allow-lowering")
    said = msgspec.json.decode(out)
    assert (code, said["is_good"], said["changes"]) == (0, True, {"newly_allowed": 1})
    assert msgspec.json.decode(run("plan", "none", "--json")[1])["is_good"] is False
    assert "1  unchanged" in run("plan", digest[:12])[1]
    for bad in (["nowhere"], ["abcdef01"], ["none", "--days", "0"], ["none", "--tenant", "nobody"]):
        code, out, err = run("plan", *bad)
        assert (code, out, err.count("\n")) == (2, "", 1)
    (tmp_path / "rules" / "a.yaml").write_text("- id: 5")
    assert run("plan", str(tmp_path))[0] == 1


def test_the_command_replays_and_says_by_its_code_whether_all_is_the_same(client: Client, world: World) -> None:
    put_in_force(_rule('resource.id == "1"', name="first", says="forbid: true"))
    ask(client, world.acme_key, body(session=world.asserted()))
    store_routine_records()
    code, out, _ = run("replay")
    assert (code, out.splitlines()[0]) == (0, "1 decisions: 1 the same, 0 otherwise")
    code, out, _ = run("replay", "--bundle", "none", "--json")
    said = msgspec.json.decode(out)
    assert (code, said["is_good"], said["differing"]) == (1, False, 1)


def test_where_nothing_was_recorded_that_is_said_and_nobody_is_told_that_all_is_well(world: World) -> None:
    digest = put_in_force(_rule("true", name="first"))
    code, out, _ = run("replay")
    assert (code, out) == (0, "No decision was recorded in this time, so nothing was decided again.\n")
    code, out, _ = run("plan", "none")
    said = "no decision was recorded in this time, so nobody knows what it would have changed"
    assert (code, out.splitlines()[0]) == (0, f"no bundle instead of {digest[:12]}: {said}")
    comment = run("plan", digest[:12], "--markdown")[1]
    assert (comment.splitlines()[0], "Decisions |" in comment) == (
        f"### {digest[:12]} instead of itself: {said}",
        False,
    )


def test_what_a_candidate_beside_would_have_answered_is_told_from_the_trail(client: Client, world: World) -> None:
    digest = put_in_force(_rule('resource.id == "1"', name="first", says="forbid: true"), mode=Mode.SHADOW, percent=100)
    handle = world.asserted()
    for resource in ("1", "2"):
        assert ask(client, world.acme_key, body(resource=("report", resource), session=handle))["decision"] is True
    store_routine_records()
    code, out, _ = run("shadow")
    assert (code, out.splitlines()[:2]) == (0, ["2 decisions", f"{digest[:12]} would have made 1 otherwise:"])
    said = msgspec.json.decode(run("shadow", "--json")[1])
    assert (said["is_good"], said["candidates"][digest]["differing"]) == (True, {"newly_refused": 1})
