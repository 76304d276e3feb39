"""A session comes to look riskier while its person confirms, or uses what they confirmed: one of the two is second, and knows of the first."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import Elevation
from isolation import clock
from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine.models import SessionRisk
from tests.attacks.test_a_rise_is_not_outrun import session
from tests.attacks.test_a_yes_is_for_whom_and_by_whom_it_was_given import waits_for
from tests.authlevels.acme import BOBS_SECRET, Acme, code, later
from tests.authlevels.conftest import acme
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import World, client, code_at, world
from tests.looking import ELSEWHERE, FAR, HOME, far_is, seen

__all__ = ["acme", "client", "session", "world"]

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"


def apart[T](act: Callable[[], T]) -> T:
    """Do something on a connection of a thread's own."""
    try:
        return act()
    finally:
        connections.close_all()


def wait_for(superuser: psycopg.Connection, count: int, *others: Future[Any]) -> None:
    """Look until so many wait for somebody, or are through: whoever does not wait is as good as through."""
    for _ in range(2000):
        superuser.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.005)")
        found = superuser.execute(_WAITING).fetchone()
        if found is not None and found[0] + sum(one.done() for one in others) >= count:
            return
    raise AssertionError("nobody waits")


def confirms(client: Client, world: World, session: str, amount: int = 100, *, ahead: int = 0) -> str:
    refused = ask(client, world.globex_key, payment(amount, session=session, **HOME))
    passed = step_up(client, world.globex_key, refused, code_at(clock.now() + timedelta(seconds=ahead)))
    return str(passed["elevation_id"])


def live(world: World) -> int:
    """Count what was confirmed and has not ended."""
    with tenant_transaction(world.globex):
        return Elevation.objects.filter(tenant_id=world.globex, ended_at=None).count()


def is_seen(world: World, session: str, looks: dict[str, Any], *, began: Any) -> None:
    session_id = authlevels.parse_session_handle(session)
    risk.assess(
        tenant_id=world.globex, subject=("user", "alice"), session_id=session_id, seen=seen(looks, began), at=began
    )


def test_a_first_rise_ends_what_is_being_confirmed(
    client: Client, world: World, session: str, superuser: psycopg.Connection
) -> None:
    began = clock.now()
    refused = ask(client, world.globex_key, payment(100, session=session, **HOME))
    with ThreadPoolExecutor(2) as pool:
        with superuser.transaction():
            # Confirmed, and not committed: the engine is to be told yet.
            superuser.execute("LOCK TABLE riskengine_signal IN EXCLUSIVE MODE")
            confirming = pool.submit(
                apart, lambda: step_up(client, world.globex_key, refused, code_at(clock.now()))["state"]
            )
            waits_for(superuser)
            rising = pool.submit(apart, lambda: is_seen(world, session, FAR, began=began))
            wait_for(superuser, 2, rising)
        assert confirming.result(timeout=10) == "passed"
        rising.result(timeout=10)
    assert live(world) == 0


@pytest.mark.parametrize(("ahead", "status", "band"), [(-60, 200, "unknown"), (60, 400, "high")])
def test_who_confirms_during_a_first_rise_has_confirmed_after_it_or_not_at_all(
    client: Client, world: World, session: str, superuser: psycopg.Connection, ahead: int, status: int, band: str
) -> None:
    session_id = authlevels.parse_session_handle(session)
    assert session_id is not None
    refused = ask(client, world.globex_key, payment(100, session=session, **HOME))
    opened = {"decision_id": refused["context"]["challenge"]["decision_id"]}
    challenge = ask(client, world.globex_key, opened, path="/step-up/challenges", status=201)["challenge_id"]
    raised_at = clock.now() + timedelta(seconds=ahead)

    def confirm() -> Any:
        shown = {"method": "totp", "code": code_at(clock.now())}
        return ask(client, world.globex_key, shown, path=f"/step-up/challenges/{challenge}/verify", status=status)

    with ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute("SELECT set_config('app.tenant_id', %s, true)", [str(world.globex)])
            superuser.execute(
                "SELECT riskengine_noted_at(%s, %s, 'user', 'alice', 'elsewhere', 'high', %s, 16, %s)",
                [world.globex, session_id, raised_at, raised_at],
            )
            confirming = pool.submit(apart, confirm)
            waits_for(superuser)
        assert confirming.result(timeout=10).get("state") == ("passed" if status == 200 else None)
    with tenant_transaction(world.globex):
        assert SessionRisk.objects.get(session_id=session_id).band == band
    assert live(world) == (1 if status == 200 else 0)


def test_two_uses_at_once_from_elsewhere_are_both_answered(
    client: Client, world: World, session: str, superuser: psycopg.Connection
) -> None:
    """Each held what the other's first rise was to end."""
    confirmed = {100: confirms(client, world, session, 100), 200: confirms(client, world, session, 200, ahead=30)}

    def use(amount: int, elevation: str) -> int:
        said = payment(amount, session=session, **FAR)
        path = f"/access/v1/elevations/{elevation}/consume"
        answer = client.post(
            path, said, content_type="application/json", headers={"Authorization": f"Bearer {world.globex_key}"}
        )
        assert answer.json().get("decision") is not True
        return answer.status_code

    with ThreadPoolExecutor(2) as pool:
        with superuser.transaction():
            superuser.execute("LOCK TABLE riskengine_session IN SHARE ROW EXCLUSIVE MODE")
            using = [pool.submit(apart, lambda one=one: use(*one)) for one in confirmed.items()]
            wait_for(superuser, 2, *using)
        assert sorted(one.result(timeout=10) for one in using) == [200, 409]
    assert live(world) == 0


def test_what_is_redeemed_during_a_rise_keeps_it_waiting_for_nothing(acme: Acme, superuser: psycopg.Connection) -> None:
    vouched = acme.assert_bob()
    challenge = acme.challenge(vouched, at=later(1), return_to="https://reports.example/back", state="s")
    mark = authlevels.hand_off(
        ref=challenge.id, handoff=challenge.path.partition("handoff=")[2], browser="", at=later(2)
    )
    passed = authlevels.verify(
        ref=challenge.id,
        method=authlevels.ChallengeMethod.TOTP,
        code=code(BOBS_SECRET, later(3)),
        presenter=authlevels.Presenter(browser=mark),
        at=later(3),
    )
    assert isinstance(passed, authlevels.Passed)

    def redeem() -> authlevels.Passed:
        return authlevels.redeem(ref=challenge.id, code=passed.code, credential=acme.credential, at=later(4))

    with ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute("SELECT riskengine_hold_session(%s, %s)", [acme.tenant_id, vouched.id])
            redeeming = pool.submit(apart, redeem)
            waits_for(superuser)
            ended = superuser.execute("SELECT id FROM authlevels_elevation FOR UPDATE NOWAIT").fetchall()
            assert len(ended) == 1, "what a rise ends"
        assert redeeming.result(timeout=10).elevation_id == passed.elevation_id


def test_a_rise_that_began_before_the_last_ends_what_was_confirmed_since(
    client: Client, world: World, session: str
) -> None:
    began = clock.now()
    is_seen(world, session, FAR, began=clock.now())
    confirms(client, world, session)
    assert live(world) == 1
    is_seen(world, session, ELSEWHERE, began=began)
    assert live(world) == 0


@pytest.mark.parametrize("band", ["high", "critical"])
def test_what_was_shown_before_a_rise_settles_nothing_of_it(world: World, session: str, band: str) -> None:
    """A code that was shown after it settles no critical one, whatever was shown before."""
    session_id = authlevels.parse_session_handle(session)
    assert session_id is not None
    far_is(world.globex, band)
    raised_at = clock.now()
    is_seen(world, session, FAR, began=raised_at)
    before, after = raised_at - timedelta(seconds=1), raised_at + timedelta(seconds=1)
    shown = {"high": (before, None), "critical": (after, before)}[band]
    for confirmed_at, resistant_at, left in ((*shown, band), (after, after, "unknown")):
        with tenant_transaction(world.globex):
            risk.settle_session(
                tenant_id=world.globex,
                session_id=session_id,
                seen=seen(HOME),
                confirmed_at=confirmed_at,
                phishing_resistant_at=resistant_at,
            )
            assert SessionRisk.objects.get(session_id=session_id).band == left
