"""Whatever an entry of the trail holds, it has words; nothing here asks the database."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from audit.api import Entry, Kind
from console.trail.changed import TELLERS
from console.trail.decided import WHY
from console.trail.proved import PARTS
from console.trail.rows import rows
from console.trail.sentences import sentence
from console.trail.stories import MOST_AT_ONCE, stories
from console.trail.wording import Names
from tests.console.trail.conftest import MARCH_1, MORNING
from tiergate import Reason


def made(kind: str, payload: dict[str, Any], **more: Any) -> Entry:
    given = {
        "id": uuid4(),
        "tenant_id": uuid4(),
        "seq": 1,
        "at": MORNING,
        "subject": ("user", "alice"),
        "session_id": None,
    }
    return Entry(**{**given, "kind": kind, "payload": payload, **more})


ACME = Names(tenant="Acme", called=lambda subject: subject[1].title())


@pytest.mark.parametrize("kind", [*Kind, "something.newer"])
@pytest.mark.parametrize("payload", [{}, {"old": 1, "new": [], "changes": 7}, {"decision": {"outcome": "maybe"}}])
def test_whatever_the_trail_holds_something_is_told(kind: str, payload: dict[str, Any]) -> None:
    told = sentence([made(kind, payload)], ACME)
    assert told.startswith("On 3 March 10:02 ")
    assert told.endswith(".")


def test_every_kind_has_its_words_and_every_reason_too() -> None:
    assert set(Kind) == {Kind.DECISION, *PARTS, *TELLERS}
    assert set(WHY) == set(Reason)


def test_the_rules_that_asked_or_forbade_are_named_and_the_bundle_too() -> None:
    facts = {
        "action_name": "refunds.create",
        "resource": ["refund", ""],
        "contributions": [{"source": "platform"}, {"source": "policy:large-refund"}],
        "versions": {"bundle": "88e0", "policy": "2dbe"},
    }
    asked = made(Kind.DECISION, {"facts": facts, "decision": {"outcome": "step_up", "reason": "step_up_required"}})
    assert "to do refunds.create (rule large-refund)." in sentence([asked], ACME)
    (row,) = rows([asked], ACME)
    assert (row["bundle_version"], row["rules"]) == ("88e0", "large-refund")
    no = {"outcome": "deny", "reason": "forbidden_by_policy"}
    refused = made(Kind.DECISION, {"facts": {**facts, "forbids": [{"source": "policy"}]}, "decision": no})
    assert sentence([refused], ACME).endswith("a policy forbids it (rules large-refund and policy).")


def test_a_story_waits_for_no_more_than_it_may() -> None:
    refusal = made(Kind.DECISION, {"decision": {"outcome": "step_up"}, "facts": {}})
    others = [made(Kind.ROLE_CHANGED, {}) for _ in range(MOST_AT_ONCE + 2)]
    passed = made(Kind.CHALLENGE_PASSED, {"challenge": "chl_x"})
    told = list(stories([refusal, *others, passed]))
    assert told[0] == [refusal]
    assert sum(map(len, told)) == len(others) + 2
    late = made(Kind.ROLE_CHANGED, {}, at=MORNING + timedelta(hours=1))
    reading = stories(iter([refusal, late]))
    assert next(reading) == [refusal]
    assert MARCH_1 < MORNING
