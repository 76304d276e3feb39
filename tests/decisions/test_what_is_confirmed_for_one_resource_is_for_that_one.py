"""A confirmation for one resource, over HTTP: good for it again and again, for no other, until it ends."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, body, step_up
from tests.decisions.conftest import World, code_at
from tests.decisions.test_a_token_is_good_for_one_task import claims_of
from tiergate import ActionSpec, Level, Requirement, Scope, ScopeSpec

SHARED = "reports.share"
ASKED = Requirement(level=Level.AAL2, max_age=120, scope=Scope.RESOURCE)


@pytest.fixture
def house(world: World) -> World:
    with licensing.edit_catalogue(by="test", at=world.at) as edit:
        for name in (SHARED, "reports.publish"):
            edit.put_action(
                ActionSpec(
                    name=name, resource_type="report", privilege="reports.read", feature="reports", requirement=ASKED
                )
            )
        edit.put_scope(ScopeSpec(name="sharing", title="Share", actions=(SHARED,)))
    return world


def asked(client: Client, house: World, session: str, report: str = "A", *, action: str = SHARED) -> Any:
    return ask(client, house.acme_key, body(action, resource=("report", report), session=session))


def confirmed(client: Client, house: World, session: str) -> str:
    passed = step_up(client, house.acme_key, asked(client, house, session), code_at(clock.now()))
    found: str = passed["elevation_id"]
    return found


def test_it_is_good_for_that_resource_and_for_no_other(client: Client, house: World) -> None:
    session = house.asserted()
    confirmed(client, house, session)
    assert [asked(client, house, session)["decision"] for _ in range(2)] == [True, True]
    for other in ("B", "a", "A ", "A/B"):
        refused = asked(client, house, session, other)
        assert (refused["decision"], refused["context"]["reason"]) == (False, "step_up_required"), other
    assert asked(client, house, session, action="reports.publish")["decision"] is False
    assert asked(client, house, house.asserted())["decision"] is False, "another session of the same person"


@pytest.mark.parametrize("ends", ["task", "session", "time"])
def test_it_ends(client: Client, house: World, ends: str) -> None:
    session = house.asserted()
    elevation = confirmed(client, house, session)
    assert asked(client, house, session)["decision"] is True
    headers = {"Authorization": f"Bearer {house.acme_key}"}
    if ends == "task":
        client.delete(f"/step-up/elevations/{elevation}", headers=headers)
    elif ends == "session":
        client.delete(f"/t/acme/sessions/{session}", headers=headers)
    with time_machine.travel(clock.now() + timedelta(seconds=121 if ends == "time" else 0)):
        assert asked(client, house, session)["decision"] is False


def test_its_token_says_for_which_one(client: Client, house: World) -> None:
    elevation = confirmed(client, house, house.asserted())
    wanted = {"scope": "sharing", "audience": "https://exports.example"}
    token = ask(client, house.acme_key, wanted, path=f"/step-up/elevations/{elevation}/token")["access_token"]
    claims = claims_of(client, token)
    assert (claims.resource, claims.txn) == ("report/A", None)
