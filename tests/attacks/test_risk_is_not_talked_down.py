"""Whoever has somebody's session is not let further by what they leave out, make up, repeat or wait for."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit import api as audit
from authlevels import api as authlevels
from authlevels.untold_ends import tell_ends
from decisions import people
from isolation import clock
from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine.draining import drain_sights
from riskengine.models import SessionRisk, Signal
from riskengine.sights import flush_sights
from tests.attacks.test_support_never_elevates_as_somebody_else import olga, start
from tests.decisions.asking import ask, body, export, step_up
from tests.decisions.conftest import World, client, code_at, world
from tests.decisions.test_a_token_is_good_for_one_task import introspected, reader, take
from tests.looking import ELSEWHERE, FAR, HOME, at_home, far_is, people_fail_from
from tiergate import Level, Verb

__all__ = ["client", "olga", "reader", "world"]


@pytest.fixture
def session(world: World) -> str:
    """A session at Globex of Alice, who is always at home; elsewhere she looks like a high risk."""
    at_home(world.globex)
    far_is(world.globex, "high")
    return world.asserted(tenant=world.globex)


def level_asked(client: Client, world: World, session: str, looks: dict[str, Any]) -> str:
    """Ask for something standard, and give the level that it wants; "" where it is allowed."""
    people.forget_people()
    answer = ask(client, world.globex_key, body(session=session, **looks))
    return "" if answer["decision"] else answer["context"]["needs"][0]["level"]


def is_confirmed(client: Client, world: World, session: str, document: dict[str, Any]) -> None:
    refused = ask(client, world.globex_key, document)
    assert step_up(client, world.globex_key, refused, code_at(clock.now()))["state"] == "passed"


@pytest.mark.parametrize(
    "left",
    [
        {},
        {"ip": FAR["ip"]},
        {"user_agent": FAR["user_agent"]},
        {"user_agent": ""},
        {"ip": "not an address", "user_agent": 7},
        {"device": {"token": "tgd1.made-up", "is_known": True}},
        HOME,
    ],
)
def test_what_is_left_out_or_made_up_of_the_looks_asks_no_less(
    client: Client, world: World, session: str, left: dict[str, Any]
) -> None:
    assert level_asked(client, world, session, {}) == ""
    assert level_asked(client, world, session, FAR) == "aal2"
    assert level_asked(client, world, session, left) == "aal2"


def test_leaving_out_the_device_asks_no_less(client: Client, world: World, session: str) -> None:
    stranger = {"token": risk.new_device_token(at=clock.now())}
    assert level_asked(client, world, session, {**FAR, "device": stranger}) == "aal2"
    far_is(world.globex, "low")
    assert level_asked(client, world, session, FAR) == "aal2"


def test_what_was_confirmed_before_ends_with_the_first_request_from_elsewhere(
    client: Client, world: World, session: str
) -> None:
    is_confirmed(client, world, session, export(session=session, **HOME))
    assert ask(client, world.globex_key, export(session=session, **HOME))["decision"] is True
    assert ask(client, world.globex_key, export(session=session, **FAR))["decision"] is False
    assert ask(client, world.globex_key, export(session=session, **HOME))["decision"] is False
    tell_ends(at=clock.now())
    with tenant_transaction(world.globex):
        (told,) = audit.list_entries(tenant_id=world.globex, kinds=[audit.Kind.ELEVATION_ENDED])
    assert told.payload["why"] == "risk_raised"


def test_a_second_factor_of_the_sign_in_counts_no_more_after_it(client: Client, world: World) -> None:
    at_home(world.globex)
    far_is(world.globex, "high")
    credential, _secret = authlevels.create_credential(
        tenant_id=world.globex,
        name="sso",
        verbs=[Verb.SESSIONS_ASSERT],
        max_level=Level.AAL2,
        by="test",
        at=clock.now(),
    )
    handle = authlevels.assert_session(
        tenant_id=world.globex,
        credential=credential,
        subject_type="user",
        subject_id="alice",
        amr=["pwd", "otp"],
        auth_time=clock.now() - timedelta(seconds=5),
        idp="https://login.example",
        at=clock.now(),
    ).handle
    assert level_asked(client, world, handle, HOME) == ""
    assert level_asked(client, world, handle, FAR) == "aal2", "it was shown a moment ago, and not from here"


def test_what_the_person_confirmed_at_home_does_not_serve_whoever_is_elsewhere(
    client: Client, world: World, session: str
) -> None:
    assert level_asked(client, world, session, FAR) == "aal2"
    is_confirmed(client, world, session, body(session=session, **HOME))
    assert level_asked(client, world, session, HOME) == ""
    assert level_asked(client, world, session, FAR) == "aal2", "each time that it comes back"


def test_one_confirmed_from_elsewhere_does_not_serve_a_third_place(client: Client, world: World, session: str) -> None:
    is_confirmed(client, world, session, body(session=session, **FAR))
    assert level_asked(client, world, session, FAR) == ""
    assert level_asked(client, world, session, ELSEWHERE) == "aal2"


def test_a_token_is_dead_once_its_session_looks_like_somebody_else(
    client: Client, world: World, session: str, reader: str
) -> None:
    is_confirmed_for = export(session=session, **HOME)
    refused = ask(client, world.globex_key, is_confirmed_for)
    passed = step_up(client, world.globex_key, refused, code_at(clock.now()))
    token = take(client, world.globex_key, passed["elevation_id"])["access_token"]
    assert introspected(client, reader, token)["active"] is True
    ask(client, world.globex_key, body(session=session, **FAR))
    assert introspected(client, reader, token) == {"active": False}
    take_again = {"scope": "exports", "audience": "https://exports.example"}
    ask(client, world.globex_key, take_again, path=f"/step-up/elevations/{passed['elevation_id']}/token", status=409)


@pytest.mark.parametrize("word", [{"network_class": "residential", "country": "DE"}, {"network_class": "unknown"}])
def test_the_products_word_lowers_nothing_that_the_engine_knows(
    client: Client, world: World, session: str, word: dict[str, str]
) -> None:
    assert level_asked(client, world, session, {**FAR, "origin": word, "device": {"is_known": True}}) == "aal2"


def test_a_blocked_request_begins_nothing_that_would_make_it_believed(
    client: Client, world: World, session: str
) -> None:
    far_is(world.globex, "critical")
    people_fail_from(world.globex, FAR)
    for action, is_open in (
        ("tiergate.factors.manage", False),
        ("tiergate.factors.recover", False),
        ("tiergate.approval.grant", False),
        ("tiergate.token.issue", False),
        ("tiergate.risk.feedback", False),
        ("tiergate.self.read", True),
        ("tiergate.sessions.manage", True),
        ("tiergate.challenge.create", True),
        ("tiergate.elevation.end", True),
    ):
        answer = ask(client, world.globex_key, body(action, resource=("tiergate", ""), session=session, **FAR))
        reason = answer["context"]["reason"]
        assert (reason != "risk_blocked") is is_open, action


def test_support_is_not_looked_at_and_teaches_nothing(client: Client, world: World, session: str, olga: str) -> None:
    handle = start(client, olga)["session"]
    answer = ask(client, world.globex_key, body(session=handle, **FAR))
    assert answer["decision"] is True, "support looks like support, and not like the person"
    assert flush_sights()
    drain_sights(at=clock.now())
    with tenant_transaction(world.globex):
        assert not SessionRisk.objects.filter(tenant_id=world.globex).exists()
        assert set(Signal.objects.filter(tenant_id=world.globex).values_list("network", flat=True)) == {
            "203.0.113.0/24"
        }


def test_another_tenants_sessions_are_told_nothing_by_ones_own(client: Client, world: World, session: str) -> None:
    own = body(session=session, **FAR)
    ask(client, world.acme_key, own)
    assert level_asked(client, world, session, {}) == ""


def test_naming_somebody_elses_session_says_nothing_of_it(client: Client, world: World, session: str) -> None:
    ask(client, world.globex_key, body(session=session, subject="mallory", **FAR))
    assert level_asked(client, world, session, HOME) == ""
