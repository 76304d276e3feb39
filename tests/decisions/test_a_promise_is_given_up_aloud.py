"""What is promised by what is in force is given up by a word in the change that does it, and told wherever it is looked at."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from audit import api as audit
from console.trail.ruled import RULED
from console.trail.wording import Names
from decisions.policy import making, memory, plans
from decisions.policy.activating import activate, find_given_up, read_stage, rollback, withdraw
from decisions.policy.errors import BundleUnproved, StageChanged
from decisions.policy.history import list_activations
from decisions.policy.measuring import gone
from decisions.policy.memory import bundle_of
from decisions.policy.stage import Mode
from decisions.policy.storing import StoredBundle, store_bundle
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.bundles import files, put_in_force
from tests.decisions.conftest import World
from tests.decisions.operators import Operator
from tiergate.policy.impact_text import to_lines, to_markdown
from tiergate.policy.wording import Alarm

ACTIVATIONS = "/v1/policy/activations"
PROMISE = "- id: kept\n  on: {actions: [reports.read]}\n  never_below: {level: aal2}\n  owner: security\n"
UNTIL = (clock.now() + timedelta(days=3)).date().isoformat()
WORD = f"- id: kept\n  given_up: {{owner: olga, until: '{UNTIL}', because: Reports are public now.}}\n"


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


def _kept(name: str, promises: str = "", *, says: str = "aal2") -> StoredBundle:
    more = {"invariants/a.yaml": promises} if promises else {}
    return store_bundle({**files(name, says=says), **more}, by="user:olga", at=clock.now())


@pytest.fixture
def lax(world: World) -> str:
    """A bundle that promises nothing, stored before anything was promised."""
    return _kept("lax").digest


@pytest.fixture
def strict(lax: str) -> str:
    """What is in force, and keeps a promise."""
    digest = _kept("strict", PROMISE).digest
    put_in_force(digest)
    return digest


def test_no_bundle_is_stored_that_drops_a_promise_of_what_is_in_force(strict: str) -> None:
    with pytest.raises(BundleUnproved) as caught:
        _kept("other")
    (error,) = caught.value.errors
    assert (error.file, error.line) == ("invariants/a.yaml", 1)
    assert error.message == "kept (of the bundle in force) is given up: nobody says so"
    assert read_stage().active == strict


def test_nor_is_one_put_in_force_or_staged_that_was_stored_before(strict: str, lax: str) -> None:
    for how in ({}, {"mode": Mode.STAGED, "percent": 1}):
        with pytest.raises(BundleUnproved):
            put_in_force(lax, **how)  # type: ignore[arg-type]
    put_in_force(None)
    with pytest.raises(BundleUnproved):
        put_in_force(lax)
    assert put_in_force(strict).active == strict
    assert put_in_force(lax, mode=Mode.SHADOW, percent=100).gives_up == (), "whose word does not count gives nothing up"


def test_what_is_in_force_for_some_binds_as_what_is_for_all(world: World, lax: str) -> None:
    put_in_force(lax)
    strict = _kept("strict", PROMISE).digest
    put_in_force(strict, mode=Mode.STAGED, tenants=[world.acme])
    other = _kept("other").digest
    for how in ({}, {"mode": Mode.STAGED, "percent": 5}):
        with pytest.raises(BundleUnproved):
            put_in_force(other, **how)  # type: ignore[arg-type]
    withdraw(because="too strict", by="user:olga", at=clock.now())
    assert put_in_force(other).active == other


def test_what_was_never_to_be_lowered_is_not_lowered_either_where_it_was_for_some(world: World) -> None:
    first = _kept("first").digest
    put_in_force(first)
    promise = PROMISE.replace("never_below: {level: aal2}", "never_lowered: true")
    put_in_force(_kept("strict", promise, says="aal3").digest, mode=Mode.STAGED, tenants=[world.acme])
    with pytest.raises(BundleUnproved):
        put_in_force(_kept("other", promise).digest)


def test_by_somebodys_word_it_goes_and_every_place_tells_it(strict: str) -> None:
    other = _kept("other", WORD)
    told = {"promise": "kept", "owner": "olga", "until": UNTIL, "because": "Reports are public now."}
    assert other.given_up == (told,)
    done = put_in_force(other.digest)
    assert done.gives_up == ("kept",)
    assert (
        f"in place of strict ({strict[:12]}), and gave up what was promised: kept, because: it is time" in done.sentence
    )
    assert list_activations()[0] == done
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        kinds = [audit.Kind.BUNDLE_ACTIVATED]
        found = audit.list_entries(tenant_id=licensing.VENDOR_TENANT_ID, kinds=kinds)
    (entry,) = [one for one in found if one.payload["active"] == other.digest]
    assert entry.payload["gives_up"] == ["kept"]
    assert "and gave up what was promised, kept: it is time" in RULED[entry.kind](entry, Names(tenant="northwind"))
    back = rollback(because="too lax", by="user:olga", at=clock.now())
    assert back.gives_up == (), "what is gone back to promises more"


def test_going_back_to_what_promised_less_is_told_and_refused_to_nobody(strict: str, lax: str) -> None:
    put_in_force(_kept("other", WORD).digest)
    put_in_force(strict)
    assert rollback(because="it locks us out", by="user:olga", at=clock.now()).gives_up == ("kept",)


def test_a_word_that_is_over_by_then_puts_nothing_in_force(strict: str) -> None:
    other = _kept("other", WORD).digest
    with pytest.raises(BundleUnproved) as caught:
        activate(digest=other, because="it is time", by="user:olga", at=clock.now() + timedelta(days=30))
    assert "the word of olga for it was over on" in caught.value.errors[0].message
    assert read_stage().active == strict


def test_whoever_knows_of_less_that_is_given_up_changes_nothing(strict: str) -> None:
    other = _kept("other", WORD).digest
    assert find_given_up(other) == ("kept",)
    for known in ((), ("kept", "more")):
        with pytest.raises(StageChanged):
            put_in_force(other, gives_up=known)
    assert put_in_force(other, gives_up=["kept"]).active == other != strict


def test_a_person_confirms_what_is_given_up_and_nothing_more(client: Client, world: World, lax: str) -> None:
    put_in_force(lax)
    other = _kept("other", WORD).digest
    olga = Operator(client)
    change = {"digest": other, "mode": "active", "because": "Reports are public."}
    olga.confirm(olga.post(ACTIVATIONS, change, status=401))
    put_in_force(_kept("strict", PROMISE).digest)
    refused = olga.post(ACTIVATIONS, change, status=401)
    assert refused["code"] == "step_up_required", "it was confirmed while nothing was promised"
    olga.confirm(refused)
    assert olga.post(ACTIVATIONS, change)["gives_up"] == ["kept"]


@pytest.mark.parametrize("promises", [WORD, ""])
def test_a_plan_tells_it_before_anything_else(strict: str, lax: str, promises: str) -> None:
    digest = _kept("other", promises).digest if promises else lax
    asked = plans.begin_plan(digest=digest, days=1, by="user:olga", at=clock.now())
    making.make_plans(clock=clock.now, until=clock.now() + timedelta(minutes=5))
    report = plans.get_plan(asked.id).report
    assert report is not None
    assert [one.promise for one in report.gives_up] == ["kept"]
    assert report.is_good == bool(promises)
    said = f"`olga` until {UNTIL}: `Reports are public now.`" if promises else "nobody says so"
    comment = to_markdown(report)
    assert f"- ⚠️ **gives up what was promised, `kept`: {said}**\n" in comment
    assert comment.index("gives up") < comment.index("Prompts a day")
    alarm = next(line for line in to_lines(report) if isinstance(line, Alarm))
    assert alarm.startswith("gives up what was promised, kept")


def test_a_plan_tells_it_of_whatever_would_have_it_refused(strict: str, lax: str) -> None:
    put_in_force(None)
    found, at = bundle_of(lax), clock.now()
    assert [one.promise for one in gone(base=None, candidate=found, today=at.date())] == ["kept"]
    assert gone(base=bundle_of(strict), candidate=bundle_of(strict), today=at.date()) == []
    put_in_force(strict, mode=Mode.STAGED, percent=5)
    assert [one.promise for one in gone(base=bundle_of(strict), candidate=found, today=at.date())] == ["kept"]


def test_what_is_in_force_for_everybody_is_not_staged_even_past_all_doors(strict: str) -> None:
    digest = _kept("other", PROMISE).digest
    with pytest.raises(IntegrityError), tenant_transaction(licensing.VENDOR_TENANT_ID), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO decisions_activation (number, step, active_id, candidate_id, mode, tenants, percent, because, by, at)"
            " VALUES (2, 'stage', %s, %s, 'staged', '{}', 100, 'so', 'me', now())",
            [strict, digest],
        )


def test_a_word_that_nothing_needs_changes_nothing(world: World) -> None:
    done: Any = put_in_force(_kept("first", WORD).digest)
    assert done.gives_up == ()
