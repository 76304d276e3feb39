"""Rules judge every decision, at whichever door and way it is made; and each can be made again from its record."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit import api as audit
from decisions.policy import memory
from decisions.policy.stage import Mode
from decisions.policy.storing import store_bundle
from decisions.trail import read_back
from isolation import clock
from isolation.api import tenant_transaction
from tests.decisions.asking import ask, body, payment, step_up, store_routine_records
from tests.decisions.bundles import put_in_force
from tests.decisions.conftest import World, code_at
from tiergate import Reason, decide
from tiergate.policy import with_bundle

LARGE = """\
- id: large
  on: {actions: [payments.approve]}
  when: transaction.is_present && transaction.amount > 1000
  require: {phishing_resistant: true}
  because: A payment as large as this takes a passkey.
  owner: payments
- id: huge
  on: {actions: [payments.approve]}
  when: transaction.is_present && transaction.amount > 100000
  forbid: true
  because: Nobody pays as much as this.
  owner: payments
- id: unclear
  on: {actions: [payments.approve]}
  when: "!transaction.is_present"
  forbid: true
  because: A payment names its amount.
  owner: payments
"""
CASES = """\
- it: asks for more above a thousand
  given: {action: {name: payments.approve, feature: '', scopes: []}, transaction: {is_present: true, amount: 1001}}
  want: {outcome: asks, require: {phishing_resistant: true}}
- it: asks nothing below
  given: {action: {name: payments.approve, feature: '', scopes: []}, transaction: {is_present: true, amount: 1000}}
  want: {outcome: nothing}
- it: has an end
  given: {action: {name: payments.approve, feature: '', scopes: []}, transaction: {is_present: true, amount: 100001}}
  want: {outcome: forbids}
- it: is told the amount
  given: {action: {name: payments.approve, feature: '', scopes: []}}
  want: {outcome: forbids}
"""
LOCKED = "- id: locked\n  on: {actions: ['**']}\n  forbid: true\n  because: Closed for stocktaking.\n  owner: ops\n"
LOCKED_CASES = "- it: is closed\n  given: {action: {name: any, feature: '', scopes: []}}\n  want: {outcome: forbids}\n"


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


def _stored(rules: str, cases: str) -> str:
    about = "name: acme\nversion: 1\ndescription: Rules of Acme.\nowner: security\n"
    rules = rules.replace(
        "Closed for stocktaking.\n", "Closed for stocktaking.\n  waives_tests: it is about everything.\n"
    )
    said = {"bundle.yaml": about, "rules/a.yaml": rules, "tests/a.yaml": cases}
    return store_bundle(said, by="user:olga", at=clock.now()).digest


def _pay(client: Client, world: World, session: str, amount: int, **context: Any) -> Any:
    return ask(client, world.acme_key, payment(amount, session=session, **context))


def test_an_amount_decides_what_is_asked_also_after_the_step_up(world: World, client: Client) -> None:
    digest = _stored(LARGE, CASES)
    put_in_force(digest)
    session = world.asserted()
    small = _pay(client, world, session, 1_000)
    assert small["context"]["outcome"] == "step_up"
    assert small["context"]["bundle_version"] == digest
    step_up(client, world.acme_key, small, code_at(clock.now()))
    # A rule for larger ones does not forget that this one was confirmed, nor confirm that one.
    assert _pay(client, world, session, 1_001)["context"]["needs"][0]["kind"] == "enrol"
    assert _pay(client, world, session, 100_001)["context"]["reason"] == Reason.FORBIDDEN_BY_POLICY
    assert _pay(client, world, session, 1_000)["decision"] is True


def test_an_amount_told_smaller_than_what_is_confirmed_refuses(world: World, client: Client) -> None:
    put_in_force(_stored(LARGE, CASES))
    found = _pay(client, world, world.asserted(), 1_000_000, transaction={"amount": 1})
    assert found["context"]["reason"] == Reason.FORBIDDEN_BY_POLICY


@pytest.mark.parametrize(
    ("amount", "reason"),
    [(-1, Reason.FORBIDDEN_BY_POLICY), (-500_000, Reason.FORBIDDEN_BY_POLICY), (0, Reason.STEP_UP_REQUIRED)],
)
def test_less_than_nothing_is_no_amount_and_refuses_where_a_rule_reads_it(
    world: World, client: Client, amount: int, reason: Reason
) -> None:
    put_in_force(_stored(LARGE, CASES))
    found = _pay(client, world, world.asserted(), amount)
    assert (found["decision"], found["context"]["reason"]) == (False, reason)


def test_what_is_everybodys_right_stays_theirs_under_any_rule(world: World, client: Client) -> None:
    session = world.asserted()
    refused = _pay(client, world, session, 5)
    put_in_force(_stored(LOCKED, LOCKED_CASES))
    assert ask(client, world.acme_key, body(session=session))["context"]["reason"] == Reason.FORBIDDEN_BY_POLICY
    put_in_force(_stored(LARGE, CASES))
    assert step_up(client, world.acme_key, refused, code_at(clock.now()))


def _recorded(world: World) -> list[audit.Entry]:
    store_routine_records()
    with tenant_transaction(world.acme):
        return [*audit.list_entries(tenant_id=world.acme, kinds=[audit.Kind.DECISION])]


def test_each_decision_can_be_made_again_from_its_record(world: World, client: Client) -> None:
    digest = _stored(LARGE, CASES)
    put_in_force(digest)
    session = world.asserted()
    for amount in (5, 5_000, 500_000):
        _pay(client, world, session, amount)
    ask(client, world.acme_key, body(session=session))
    found = [read_back(entry) for entry in _recorded(world)]
    assert len(found) == 4
    for facts, decision in found:
        assert facts.versions.bundle == digest
        again = decide(with_bundle(facts, memory.bundle_of(digest)))
        assert again == decision
        without = with_bundle(facts, None)
        assert (without.versions.bundle, without.forbids) == ("", ())


def test_rules_that_are_only_tried_decide_nothing_and_what_they_would_have_said_is_kept(
    world: World, client: Client
) -> None:
    digest = _stored(LARGE, CASES)
    put_in_force(digest, mode=Mode.SHADOW, percent=100)
    session = world.asserted()
    assert _pay(client, world, session, 500_000)["context"]["outcome"] == "step_up"
    assert "bundle_version" not in _pay(client, world, session, 5)["context"]
    by_amount = {entry.payload["facts"]["circumstances"]["transaction_amount"]: entry for entry in _recorded(world)}
    assert "shadow" not in by_amount[5].payload
    shadow = by_amount[500_000].payload["shadow"]
    assert (shadow["bundle"], shadow["outcome"], shadow["reason"]) == (digest, "deny", Reason.FORBIDDEN_BY_POLICY)


def test_a_bundle_that_cannot_be_loaded_is_no_answer(world: World, client: Client, superuser: Any) -> None:
    digest = _stored(LARGE, CASES)
    put_in_force(digest)
    memory.forget_bundles()
    superuser.execute("ALTER TABLE decisions_bundle DISABLE TRIGGER USER")
    superuser.execute(
        """UPDATE decisions_bundle SET files = jsonb_set(files, '{rules/a.yaml}', '"[]"') WHERE digest = %s""", [digest]
    )
    superuser.execute("ALTER TABLE decisions_bundle ENABLE TRIGGER USER")
    answer = ask(client, world.acme_key, body(session=world.asserted()), status=503)
    assert answer["code"] == "facts_unavailable"


def test_an_answer_from_memory_is_judged_too(world: World, client: Client) -> None:
    put_in_force(_stored(LARGE, CASES))
    session = world.asserted()
    first, second = (ask(client, world.acme_key, body(session=session)) for _ in range(2))
    assert first["context"]["bundle_version"] == second["context"]["bundle_version"]
    put_in_force(_stored(LOCKED, LOCKED_CASES))
    assert ask(client, world.acme_key, body(session=session))["decision"] is False


def test_time_alone_changes_no_answer_before_it_says(world: World, client: Client) -> None:
    hours = (
        "- id: late\n  on: {actions: [reports.read]}\n  when: time.hour >= 24 - 1 || time.hour < 0\n"
        "  require: {level: aal2}\n  because: It is late.\n  owner: ops\n  waives_tests: it is about the clock.\n"
    )
    put_in_force(_stored(hours, LOCKED_CASES.replace("forbids", "nothing")))
    answer = ask(client, world.acme_key, body(session=world.asserted()))
    at = clock.now()
    full = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert answer["context"]["next_change_at"] <= full.isoformat().replace("+00:00", "Z")
