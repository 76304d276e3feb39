"""A session that comes to look like somebody else's: what was confirmed in it ends, and nothing of what is beside it or comes after."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.test import Client

from audit import api as audit
from authlevels import api as authlevels
from authlevels.models import Elevation
from authlevels.untold_ends import tell_ends
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine import api as risk
from tests.attacks.test_risk_is_not_talked_down import level_asked, session
from tests.authlevels.acme import BOBS_SECRET, NOON, Acme, code, later
from tests.authlevels.conftest import acme
from tests.decisions.asking import ask, body, export, step_up
from tests.decisions.conftest import World, client, code_at, world
from tests.decisions.test_a_token_is_good_for_one_task import introspected, reader, take
from tests.looking import FAR, HOME, at_home, far_is, seen, told
from tests.riskengine.conftest import no_valkey

__all__ = ["acme", "client", "no_valkey", "reader", "session", "world"]

ALICE = ("user", "alice")


def confirmed(client: Client, world: World, session: str, *, ahead: int = 0, looks: dict[str, Any] = HOME) -> str:
    """Have Alice confirm an export from a place, and give the elevation; ahead: with a later code of her phone, in seconds."""
    refused = ask(client, world.globex_key, export(session=session, **looks))
    shown = code_at(clock.now() + timedelta(seconds=ahead))
    return str(step_up(client, world.globex_key, refused, shown)["elevation_id"])


def may_export(client: Client, world: World, session: str, looks: dict[str, Any] = HOME) -> bool:
    return bool(ask(client, world.globex_key, export(session=session, **looks))["decision"])


def rises(world: World, session: str) -> None:
    """Let a session be seen where its person never was."""
    at = clock.now()
    session_id = authlevels.parse_session_handle(session)
    found = risk.assess(tenant_id=world.globex, subject=ALICE, session_id=session_id, seen=seen(FAR, at), at=at)
    assert found.raised_at == at


def ends(world: World) -> list[str]:
    """Tell what ended, as the worker does, and list why."""
    tell_ends(at=clock.now())
    with tenant_transaction(world.globex):
        found = audit.list_entries(tenant_id=world.globex, kinds=[audit.Kind.ELEVATION_ENDED])
    return [one.payload.get("why", "") for one in found]


def changed(superuser: psycopg.Connection, change: str) -> None:
    """Have something be so of all elevations."""
    # No trigger of ours looks on: some of it comes to be by two transactions alone.
    superuser.execute("SET session_replication_role = replica")
    try:
        superuser.execute(f"UPDATE authlevels_elevation SET {change}".encode())  # noqa: S608 - the tests' own
    finally:
        superuser.execute("SET session_replication_role = DEFAULT")


def test_the_persons_other_sessions_stay_as_they_are(client: Client, world: World, session: str, reader: str) -> None:
    other = world.asserted(tenant=world.globex)
    confirmed(client, world, session)
    elevation = confirmed(client, world, other, ahead=30)
    token = take(client, world.globex_key, elevation)["access_token"]
    assert level_asked(client, world, session, FAR) == "aal2"
    assert not may_export(client, world, session)
    assert may_export(client, world, other)
    assert level_asked(client, world, other, HOME) == ""
    assert introspected(client, reader, token)["active"] is True
    assert ends(world) == ["risk_raised"]


def test_what_had_ended_before_is_not_told_of_again(client: Client, world: World, session: str) -> None:
    elevation = confirmed(client, world, session)
    answer = client.delete(f"/step-up/elevations/{elevation}", headers={"Authorization": f"Bearer {world.globex_key}"})
    assert answer.status_code == 204
    before = ends(world)
    rises(world, session)
    assert ends(world) == before


@pytest.mark.parametrize(
    "state",
    [
        "used_at = now(), used_by = 'once'",
        "expires_at = created_at + interval '1 microsecond'",
        "awaits_digest = '\\x00', awaits_until = expires_at",
    ],
)
def test_only_what_was_good_until_then_is_told_to_have_ended(
    client: Client, world: World, session: str, superuser: psycopg.Connection, state: str
) -> None:
    confirmed(client, world, session)
    changed(superuser, state)
    rises(world, session)
    assert ends(world) == []
    with tenant_transaction(world.globex):
        assert Elevation.objects.get(tenant_id=world.globex).ended_at is not None


def test_what_was_confirmed_before_counts_no_more_whichever_of_the_two_commits_first(
    client: Client, world: World, session: str, reader: str, superuser: psycopg.Connection
) -> None:
    token = take(client, world.globex_key, confirmed(client, world, session))["access_token"]
    rises(world, session)
    # As it stands where the confirmation commits after what ends it has looked.
    changed(superuser, "ended_at = NULL")
    assert not may_export(client, world, session)
    assert introspected(client, reader, token) == {"active": False}


def test_what_is_passed_after_a_rise_counts_where_it_was_asked_for_and_nowhere_else(
    client: Client, world: World, session: str
) -> None:
    refused = ask(client, world.globex_key, export(session=session, **HOME))
    assert level_asked(client, world, session, FAR) == "aal2"
    step_up(client, world.globex_key, refused, code_at(clock.now()))
    assert may_export(client, world, session)
    assert level_asked(client, world, session, FAR) == "aal2"
    assert not may_export(client, world, session), "it has been seen there again"
    assert ends(world) == ["risk_raised"], "the confirmation between the two"


def test_from_critical_a_code_brings_nothing_back_however_old_its_challenge_is(
    client: Client, world: World, session: str
) -> None:
    refused = ask(client, world.globex_key, export(session=session, **HOME))
    far_is(world.globex, "critical")
    assert level_asked(client, world, session, FAR) == "aal2"
    step_up(client, world.globex_key, refused, code_at(clock.now()))
    answer = ask(client, world.globex_key, export(session=session, **HOME))
    assert answer["decision"] is False
    assert "critical risk: the session looked so before" in answer["context"]["reason_admin"]["401"]


def test_what_was_passed_before_a_rise_is_not_redeemed_after_it(acme: Acme) -> None:
    bob = ("user", "bob")
    at_home(acme.tenant_id, bob, at=NOON)
    far_is(acme.tenant_id, "high")
    vouched = acme.assert_bob(origin=authlevels.Origin(**HOME))
    challenge = acme.challenge(vouched, at=later(1), return_to="https://reports.example/back", state="s")
    mark = authlevels.hand_off(
        ref=challenge.id, handoff=challenge.path.partition("handoff=")[2], browser="", at=later(2)
    )
    passed = authlevels.verify(
        ref=challenge.id,
        method=authlevels.ChallengeMethod.TOTP,
        code=code(BOBS_SECRET, later(3)),
        presenter=authlevels.Presenter(browser=mark),
        told=told(HOME),
        at=later(3),
    )
    assert isinstance(passed, authlevels.Passed)
    risk.assess(tenant_id=acme.tenant_id, subject=bob, session_id=vouched.id, seen=seen(FAR, NOON), at=later(4))
    with pytest.raises(authlevels.RedemptionRefused):
        authlevels.redeem(ref=challenge.id, code=passed.code, credential=acme.credential, at=later(5))
    assert not acme.is_met(vouched, at=later(6))


def test_a_medium_risk_raises_nothing_and_ends_nothing(client: Client, world: World, session: str) -> None:
    far_is(world.globex, "medium")
    confirmed(client, world, session)
    assert may_export(client, world, session, FAR), "it was confirmed in the last quarter of an hour"
    assert may_export(client, world, session)
    assert ends(world) == []


def test_where_it_is_only_looked_on_nothing_ends_before_it_is_acted_on(
    client: Client, world: World, session: str
) -> None:
    risk.put_policy(tenant_id=world.globex, mode="observe", by="test", at=clock.now())
    confirmed(client, world, session)
    rises(world, session)
    assert may_export(client, world, session)
    assert ends(world) == []
    held = authlevels.session_facts(tenant_id=world.globex, session=session, subject=ALICE, at=clock.now())
    assert held.activity.riskier_since is None
    risk.put_policy(tenant_id=world.globex, mode="enforce", by="test", at=clock.now())
    licensing.forget_snapshots()
    assert not may_export(client, world, session), "what was seen meanwhile is not forgotten"


def test_a_rise_is_told_at_once_to_whoever_remembers_the_session(client: Client, world: World, session: str) -> None:
    assert ask(client, world.globex_key, body(session=session, **HOME))["decision"] is True
    heard: list[tuple[str, str]] = []
    licensing.subscribe(lambda kind, key: heard.append((kind, key)))
    ask(client, world.globex_key, body(session=session, **FAR))
    assert ("session", session) in heard
    assert ask(client, world.globex_key, body(session=session, **HOME))["decision"] is False


def test_a_rise_is_seen_without_valkey_too(client: Client, world: World, session: str, no_valkey: None) -> None:
    confirmed(client, world, session)
    risk.forget_assessments()
    assert level_asked(client, world, session, FAR) == "aal2"
    risk.forget_assessments()
    assert level_asked(client, world, session, HOME) == "aal2"
    assert not may_export(client, world, session)
