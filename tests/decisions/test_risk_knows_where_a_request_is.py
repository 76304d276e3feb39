"""Rules read of a request's country, kind of network and device what the engine knows, and only where it knows nothing the product's word."""

from typing import Any

import pytest

from decisions import wire
from decisions.evaluate import preview
from isolation import clock
from riskengine import api as risk
from tests.decisions.asking import body
from tests.decisions.conftest import World
from tests.looking import FAR as FAR_BEFORE
from tests.looking import HOME as HOME_BEFORE
from tests.looking import at_home, seen
from tests.riskengine.data.conftest import Bring, networks
from tiergate import Circumstances, Facts

__all__ = ["networks"]

# What was read of a look is remembered for a minute, whatever map comes in force: these looks are this map's alone.
HOME = {**HOME_BEFORE, "user_agent": HOME_BEFORE["user_agent"].replace("151", "1510")}
FAR = {**FAR_BEFORE, "user_agent": FAR_BEFORE["user_agent"].replace("150.0", "1500.0")}
SAID = {"country": "FR", "network_class": "residential"}
UNMAPPED = {**FAR, "ip": "192.0.2.77"}


@pytest.fixture
def session(world: World, networks: Bring) -> str:
    """A session of Alice, where a map and a list, both made up, know two networks."""
    networks("country", "203.0.113.0/24,DE\n198.51.100.0/24,NZ\n", at=clock.now())
    networks("hosting", "198.51.100.0/24\n", at=clock.now())
    return world.asserted()


def facts(world: World, session: str, **context: Any) -> Facts:
    question = wire.read_question(body(session=session, **context), tenant_id=world.acme)
    return preview(question, at=clock.now())[0].facts


def looks(world: World, session: str, **context: Any) -> Circumstances:
    return facts(world, session, **context).circumstances


def test_what_the_engine_knows_of_a_network_wins_over_the_products_word(world: World, session: str) -> None:
    found = looks(world, session, **FAR, origin=SAID)
    assert (found.country, found.network_class) == ("NZ", "hosting")


def test_of_what_it_knows_in_part_the_rest_is_the_products_word(world: World, session: str) -> None:
    found = looks(world, session, **HOME, origin=SAID)
    assert (found.country, found.network_class) == ("DE", "residential")
    found = looks(world, session, **UNMAPPED, origin=SAID)
    assert (found.country, found.network_class) == ("FR", "residential")


def test_without_anybodys_word_what_it_knows_is_known_and_the_rest_is_not(world: World, session: str) -> None:
    found = looks(world, session, **HOME)
    assert (found.country, found.network_class) == ("DE", "unknown")
    found = looks(world, session, **UNMAPPED)
    assert (found.country, found.network_class) == (None, "unknown")


def test_where_it_is_not_asked_to_say_the_products_word_is_all_there_is(world: World, session: str) -> None:
    risk.put_policy(tenant_id=world.acme, mode="observe", by="test", at=clock.now())
    found = looks(world, session, **FAR, origin=SAID)
    assert (found.country, found.network_class, found.risk_band) == ("FR", "residential", "unknown")


def test_a_country_and_a_kind_of_network_that_are_new_are_told_in_words(world: World, session: str) -> None:
    at_home(world.acme, looks=HOME)
    (asked,) = (one for one in facts(world, session, **FAR).contributions if one.source == "risk")
    assert "first time from this country" in asked.because
    found = risk.assess(
        tenant_id=world.acme,
        subject=("user", "alice"),
        session_id=None,
        seen=seen({**HOME, "ip": FAR["ip"]}),
        at=clock.now(),
    )
    assert "comes from a hosting provider; the person usually does not" in {one.because for one in found.reasons}


def test_a_device_is_known_once_the_person_was_seen_with_it_and_by_nobodys_word(world: World, session: str) -> None:
    own = {**HOME, "device": {"token": risk.new_device_token(at=clock.now()), "is_known": False}}
    other = {**HOME, "device": {"token": risk.new_device_token(at=clock.now()), "is_known": True}}
    at_home(world.acme, looks=own)
    assert looks(world, session, **own).is_known_device
    copied = {**own, "user_agent": FAR["user_agent"]}
    assert not looks(world, session, **copied).is_known_device, "another browser shows its token"
    assert not looks(world, session, **other).is_known_device
    assert looks(world, session, **{**HOME, "device": {"is_known": True}}).is_known_device, "nothing is told of a token"
