"""What is promised, not proved, and stands on somebody's word is told with that word wherever the step is told."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client

from audit import api as audit
from console.trail.ruled import RULED
from console.trail.wording import Names
from decisions.policy import making, memory, plans
from decisions.policy.activating import rollback
from decisions.policy.history import list_activations
from decisions.policy.stage import Mode
from decisions.policy.storing import StoredBundle, store_bundle
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask
from tests.decisions.bundles import files, put_in_force
from tests.decisions.conftest import World
from tests.decisions.operators import get, publisher
from tiergate.policy.impact_text import to_lines, to_markdown

UNTIL = (clock.now() + timedelta(days=3)).date().isoformat()
# Z3 does not read patterns, so it cannot tell that one of the two always holds.
UNPROVED = "  when: subject.id.matches('^a') || subject.id.matches('^[^a]|^$')\n"
PROMISE = (
    "- id: kept\n  on: {actions: [reports.read]}\n  never_below: {level: aal2}\n  owner: security\n"
    f"  waiver: {{owner: olga, until: '{UNTIL}', because: We look at it by hand.}}\n"
)
TOLD = {"promise": "kept", "owner": "olga", "until": UNTIL, "because": "We look at it by hand."}
SAID = f"of which is not proved: kept, waived by olga until {UNTIL} (We look at it by hand.)"


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


def _files(*, when: str = UNPROVED) -> dict[str, str]:
    more = f"{when}  waives_tests: It always holds.\n"
    tests = (
        "- it: is asked\n  given: {action: {name: reports.read, feature: '', scopes: []}, subject: {id: bob}}\n"
        "  want: {outcome: asks, require: {level: aal2}}\n"
    )
    return {**files("waived", says="aal2", more=more), "invariants/a.yaml": PROMISE, "tests/a.yaml": tests}


def _waived(*, when: str = UNPROVED) -> StoredBundle:
    return store_bundle(_files(when=when), by="user:olga", at=clock.now())


def test_a_step_tells_who_waives_what_until_when_and_why(world: World) -> None:
    stored = _waived()
    assert stored.waives == (TOLD,)
    done = put_in_force(stored.digest)
    assert done.waives == (TOLD,)
    assert f"put waived ({stored.digest[:12]}) in force, {SAID}, because: it is time" in done.sentence
    assert list_activations()[0] == done
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        kinds = [audit.Kind.BUNDLE_ACTIVATED]
        (entry,) = audit.list_entries(tenant_id=licensing.VENDOR_TENANT_ID, kinds=kinds)
    assert entry.payload["waives"] == [TOLD]
    said = RULED[entry.kind](entry, Names(tenant="northwind"))
    assert f"of which is not proved kept, waived by olga until {UNTIL} (We look at it by hand.): it is time" in said


def test_going_back_to_it_tells_it_again(world: World) -> None:
    put_in_force(_waived().digest)
    assert put_in_force(None).waives == ()
    back = rollback(because="it locks us out", by="user:olga", at=clock.now())
    assert (back.waives, SAID in back.sentence) == ((TOLD,), True)


def test_a_candidate_for_some_tells_it_and_a_word_that_nothing_needs_is_not_told(world: World) -> None:
    proved = _waived(when="")
    assert (proved.waives, put_in_force(proved.digest).waives) == ((), ())
    assert put_in_force(_waived().digest, mode=Mode.STAGED, percent=5).waives == (TOLD,)


def test_the_api_tells_it_with_the_bundle_and_with_the_step(world: World, client: Client) -> None:
    brought = ask(client, publisher(), {"files": _files()}, path="/v1/policy/bundles", status=201)
    assert brought["waives"] == [TOLD]
    put_in_force(brought["digest"])
    (step,) = get(client, publisher(name="reader"), "/v1/policy/activations")["items"]
    assert (step["waives"], SAID in step["sentence"]) == ([TOLD], True)


def test_a_plan_tells_it_first(world: World) -> None:
    asked = plans.begin_plan(digest=_waived().digest, days=1, by="user:olga", at=clock.now())
    making.make_plans(clock=clock.now, until=clock.now() + timedelta(minutes=5))
    report = plans.get_plan(asked.id).report
    assert report is not None
    assert report.is_good
    comment = to_markdown(report)
    assert f"- ⚠️ **may go unproved, `kept`: `olga` until {UNTIL}: `We look at it by hand.`**\n" in comment
    assert comment.index("may go unproved") < comment.index("Prompts a day")
    assert f"may go unproved, kept: olga until {UNTIL}: We look at it by hand." in list(to_lines(report))
