"""What makes a session look riskier counts from when it is known, however slow, late or early whoever brings it is."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from django.db import connections
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine import keys
from riskengine.models import SessionRisk
from tests.attacks.test_a_yes_is_for_whom_and_by_whom_it_was_given import waits_for
from tests.decisions.asking import ask, body, payment, step_up
from tests.decisions.conftest import World, client, code_at, world
from tests.looking import FAR, HOME, at_home, far_is, seen
from tiergate import Level, Verb

__all__ = ["client", "world"]


@pytest.fixture
def session(world: World) -> str:
    """A session at Globex of Alice, who is always at home; elsewhere she looks like a high risk."""
    at_home(world.globex)
    far_is(world.globex, "high")
    return world.asserted(tenant=world.globex)


def test_a_request_that_began_before_a_confirmation_ends_it_when_it_is_noted_after(
    client: Client, world: World, session: str
) -> None:
    began = clock.now()
    refused = ask(client, world.globex_key, payment(100, session=session, **HOME))
    assert step_up(client, world.globex_key, refused, code_at(clock.now()))["state"] == "passed"
    risk.assess(
        tenant_id=world.globex,
        subject=("user", "alice"),
        session_id=authlevels.parse_session_handle(session),
        seen=seen(FAR, began),
        at=began,
    )
    answer = ask(client, world.globex_key, payment(100, session=session, **FAR))
    assert answer["decision"] is False, "who confirmed was at home"


def test_what_a_product_tells_late_ends_what_was_proved_until_it_is_told(client: Client, world: World) -> None:
    at_home(world.globex)
    far_is(world.globex, "high")
    teller, secret = authlevels.create_credential(
        tenant_id=world.globex,
        name="sso",
        verbs=[Verb.SESSIONS_ASSERT, Verb.RISK_SIGNAL],
        max_level=Level.AAL2,
        by="test",
        at=clock.now(),
    )
    session = authlevels.assert_session(
        tenant_id=world.globex,
        credential=teller,
        subject_type="user",
        subject_id="alice",
        amr=["pwd", "otp"],
        auth_time=clock.now() - timedelta(minutes=5),
        idp="https://login.example",
        at=clock.now(),
    ).handle
    said = {"id": "1", "event": "seen", "subject": {"type": "user", "id": "alice"}, "session": session, **FAR}
    said["at"] = int((clock.now() - timedelta(minutes=30)).timestamp())
    ask(client, secret, {"items": [said]}, path="/v1/risk/signals", status=202)
    answer = ask(client, world.globex_key, body(session=session, **FAR))
    assert answer["decision"] is False, "whoever tells of a place beforehand does not make it one of the person's"


def test_a_copy_that_was_not_told_of_a_confirmation_undoes_nothing_of_it(
    client: Client, world: World, session: str, valkey: redis.Redis
) -> None:
    """By the old copy the other place was seen already, and is no news."""
    session_id = authlevels.parse_session_handle(session)
    assert session_id is not None
    ask(client, world.globex_key, body(session=session, **FAR))
    key = keys.session_key(world.globex, session_id)
    before: Any = valkey.hgetall(key)
    refused = ask(client, world.globex_key, payment(100, session=session, **HOME))
    assert step_up(client, world.globex_key, refused, code_at(clock.now()))["state"] == "passed"
    assert before
    assert valkey.hset(key, mapping=before) == 0
    answer = ask(client, world.globex_key, payment(100, session=session, **FAR))
    assert answer["decision"] is False, "who confirmed was at home"
    assert valkey.hgetall(key) != before, "and the copy is told"


def settle(tenant_id: UUID, session_id: UUID) -> None:
    """Confirm by a code, at home."""
    try:
        with tenant_transaction(tenant_id):
            risk.settle_session(
                tenant_id=tenant_id,
                session_id=session_id,
                seen=seen(HOME),
                confirmed_at=clock.now() + timedelta(seconds=30),
                phishing_resistant_at=None,
            )
    finally:
        connections.close_all()


def test_a_code_that_is_judged_while_a_session_becomes_critical_settles_nothing(
    world: World, session: str, superuser: psycopg.Connection
) -> None:
    session_id = authlevels.parse_session_handle(session)
    assert session_id is not None
    risk.assess(
        tenant_id=world.globex, subject=("user", "alice"), session_id=session_id, seen=seen(FAR), at=clock.now()
    )
    with ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute("SELECT set_config('app.tenant_id', %s, true)", [str(world.globex)])
            superuser.execute(
                "SELECT riskengine_noted(%s, %s, 'user', 'alice', 'elsewhere', 'critical', clock_timestamp(), 16)",
                [world.globex, session_id],
            )
            settling = pool.submit(settle, world.globex, session_id)
            waits_for(superuser)
        settling.result(timeout=10)
    with tenant_transaction(world.globex):
        assert SessionRisk.objects.get(session_id=session_id).band == "critical"
