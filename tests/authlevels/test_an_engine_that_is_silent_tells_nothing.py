"""The engine cannot say: whoever guesses learns nothing by that, and where it only looks on nothing goes another way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.test import Client

import audit.api
from authlevels import api
from authlevels.cookies import session_cookie_name
from authlevels.models import SessionRow
from isolation import clock
from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine.metrics import NOT_OBSERVED
from tests.authlevels.acme import ALICES_SECRET, PASSWORD, Acme, code
from tests.authlevels.test_products_tell_the_engine import BOB, key
from tests.authlevels.test_the_http_doors import call
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import World, client, code_at, world
from tests.looking import FAR, HOME, at_home, signals, told
from tests.riskengine.conftest import no_valkey
from tiergate import Verb

__all__ = ["client", "no_valkey", "world"]

NAMED = {"tenant": "acme", "username": "alice", "password": PASSWORD}
READING, WRITING = "riskengine_known", "riskengine_is_erased"

type Break = Callable[[str], Any]


@pytest.fixture
def broken(superuser: psycopg.Connection, no_valkey: None) -> Break:
    """Have what the engine reads by, or what it writes by, fail."""

    @contextmanager
    def breaking(function: str) -> Iterator[None]:
        superuser.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC".encode())
        risk.forget_assessments()
        try:
            yield
        finally:
            superuser.execute(f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC".encode())

    return breaking


def not_observed() -> float:
    return sum(one.value for family in NOT_OBSERVED.collect() for one in family.samples if one.name.endswith("_total"))


@pytest.mark.parametrize("door", ["/v1/sign-in", "/sign-in"])
def test_its_silence_is_the_answer_to_a_wrong_password_as_to_a_right_one(acme: Acme, broken: Break, door: str) -> None:
    typed = [NAMED, {**NAMED, "password": "wrong"}, {**NAMED, "username": "nobody"}, {**NAMED, "tenant": "nowhere"}]
    browser = Client(headers={"User-Agent": HOME["user_agent"]})
    with broken(READING):
        if door == "/sign-in":
            answers = [browser.post(door, one) for one in typed]
        else:
            answers = [browser.post(door, one, content_type="application/json") for one in typed]
    assert {(one.status_code, one["Retry-After"]) for one in answers} == {(503, "1")}
    if door != "/sign-in":
        assert len({(one.json()["code"], one.json()["detail"]) for one in answers}) == 1
    assert not {session_cookie_name(), risk.device_cookie_name()} & set(browser.cookies)
    with tenant_transaction(acme.tenant_id):
        assert not SessionRow.objects.exists()
        failed = audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[audit.api.Kind.SIGN_IN_FAILED])
    assert [one.payload["why"] for one in failed] == ["wrong_password", "unknown_name_or_tenant"]
    assert [one.payload["attempts_left"] for one in failed] == [
        failed[0].payload["attempts_left"],
        failed[0].payload["attempts_left"] + 1,
    ], "the right password was an attempt at Alice's, too"
    assert len(signals(acme.tenant_id, kind="sign_in_failed")) == 2


@pytest.mark.parametrize("function", [READING, WRITING])
def test_who_signs_in_and_confirms_does_so_where_it_only_looks_on(acme: Acme, broken: Break, function: str) -> None:
    risk.put_policy(tenant_id=acme.tenant_id, mode="observe", by="test", at=clock.now())
    before, at = not_observed(), clock.now()
    with broken(function):
        session, _secret = api.sign_in_with_password(
            tenant_id=acme.tenant_id, username="alice", password=PASSWORD, network="192.0.2.1", at=at, **HOME
        )
        with pytest.raises(api.SignInFailed):
            api.sign_in_with_password(
                tenant_id=acme.tenant_id, username="alice", password="wrong", network="192.0.2.1", at=at, **HOME
            )
        challenge = acme.challenge(session, at=at)
        passed = api.verify(
            ref=challenge.id,
            method=api.ChallengeMethod.TOTP,
            code=code(ALICES_SECRET, at),
            presenter=api.Presenter(session=session),
            told=told(HOME),
            at=at,
        )
        vouched = acme.assert_bob(at, origin=api.Origin(**HOME))
    assert isinstance(passed, api.Passed)
    assert vouched.is_own is False
    with tenant_transaction(acme.tenant_id):
        assert SessionRow.objects.count() == 2
        (failed,) = audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[audit.api.Kind.SIGN_IN_FAILED])
    assert failed.payload["why"] == "wrong_password"
    assert not_observed() > before, "and somebody is told"


@pytest.mark.parametrize("function", [READING, WRITING])
@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_what_a_product_tells_is_taken_where_it_only_looks_on(
    acme: Acme, broken: Break, function: str, mode: str
) -> None:
    teller, at = key(acme.tenant_id, Verb.RISK_SIGNAL), clock.now()
    risk.put_policy(tenant_id=acme.tenant_id, mode=mode, by="test", at=at)
    session = acme.assert_bob(at).handle
    said = [
        {"id": "1", "event": "seen", "subject": BOB, "session": session, **FAR},
        {"id": "2", "event": "seen", "subject": BOB, **HOME},
        {"id": "3", "event": "sign_in_failed", "subject": BOB, **HOME},
    ]
    before = not_observed()
    with broken(function):
        answer = call("POST", "/v1/risk/signals", {"items": said}, secret=teller)
    if mode == "enforce":
        assert answer.status_code == 503
        return
    taken = {READING: 3, WRITING: 0}[function]
    assert (answer.status_code, answer.json()) == (202, {"taken": taken, "ignored": 3 - taken})
    assert sum(one.trust for one in signals(acme.tenant_id)) == 0.0, "what was not looked at teaches nothing"
    assert len(signals(acme.tenant_id)) == taken
    assert not_observed() >= before + 2


@pytest.mark.parametrize("function", [READING, WRITING])
def test_a_transaction_that_was_confirmed_is_decided_and_used_where_it_only_looks_on(
    client: Client, world: World, broken: Break, function: str
) -> None:
    """Within the one transaction in which it is decided and used."""
    at_home(world.globex)
    session = world.asserted(tenant=world.globex)
    refused = ask(client, world.globex_key, payment(100, session=session, **HOME))
    elevation = step_up(client, world.globex_key, refused, code_at(clock.now()))["elevation_id"]
    refused = ask(client, world.globex_key, payment(200, session=session, **HOME))
    assert step_up(client, world.globex_key, refused, code_at(clock.now() + timedelta(seconds=30)))["elevation_id"]
    risk.put_policy(tenant_id=world.globex, mode="observe", by="test", at=clock.now())
    with broken(function):
        path = f"/access/v1/elevations/{elevation}/consume"
        assert ask(client, world.globex_key, payment(100, session=session, **FAR), path=path)["decision"] is True
        assert ask(client, world.globex_key, payment(200, session=session, **FAR))["decision"] is True
