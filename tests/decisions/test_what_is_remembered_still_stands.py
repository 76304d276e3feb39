"""A person is remembered for a minute, and what was taken back from them for a second at most, told of or not."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import TotpDevice
from authlevels.provisioning import decode_secret
from authlevels.throttling import DISABLE_AFTER
from authlevels.totp import PresentedCode, verify_locked
from decisions import people
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from licensing import push
from tests.decisions.asking import ask, body, export, step_up
from tests.decisions.conftest import World, code_at
from tests.decisions.remembered import MAKERS, OWN_SECRET, Somebody, Time, a_products, our_own, sign_in
from tests.licensing.test_snapshots import until_listening

MINUTE = people.LONGEST_SECONDS


@pytest.fixture
def passing(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    """Let this process believe that it hears of all, while nothing that is told reaches its memory of people."""
    until_listening()
    push._handlers.remove(people._memory.hear)
    passing = Time()
    monkeypatch.setattr(people, "time", passing)
    yield passing
    push.subscribe(people._memory.hear)


@pytest.fixture(params=MAKERS)
def somebody(world: World, passing: Time, request: pytest.FixtureRequest, settings: Any) -> Somebody:
    """Somebody whom this process has just read."""
    settings.PASSWORD_HASHERS = ["tests.authlevels.acme.QuickScrypt"]
    made = MAKERS[request.param](world)
    made.read()
    passing.pass_by(0.25)
    assert made.is_remembered()
    return made


# As another process does whose message is lost.
TAKEN_BACK = {
    "the session revoked": "UPDATE authlevels_session SET revoked_at = now() WHERE id = %(session)s",
    "the session shortened": "UPDATE authlevels_session SET expires_at = now() + '1 minute' WHERE id = %(session)s",
    "the session deleted": """
        WITH p AS (DELETE FROM authlevels_proof WHERE session_id = %(session)s)
        DELETE FROM authlevels_session WHERE id = %(session)s
    """,
    "a level's floor raised": "UPDATE authlevels_session SET aal2_since = now() WHERE id = %(session)s",
    "the session said to be another's": "UPDATE authlevels_session SET subject_id = 'bob' WHERE id = %(session)s",
    "the person deactivated": "UPDATE authlevels_user SET is_active = false WHERE id = %(user)s",
    "the password removed": "UPDATE authlevels_user SET password = '!gone' WHERE id = %(user)s",
    "the factor removed": "DELETE FROM authlevels_totpdevice WHERE user_id = %(user)s",
    "the factor disabled": "UPDATE authlevels_totpdevice SET disabled_at = now() WHERE user_id = %(user)s",
    "a proof deleted": "DELETE FROM authlevels_proof WHERE session_id = %(session)s",
    "a proof made older": "UPDATE authlevels_proof SET at = at - interval '1 day' WHERE session_id = %(session)s",
    "everybody signed out": "UPDATE authlevels_session SET revoked_at = now()",
}

ONLY_USED = {
    "the session used": "UPDATE authlevels_session SET last_seen_at = now() WHERE id = %(session)s",
    "the session's secret renewed": "UPDATE authlevels_session SET digest_key = 'k2', secret_digest = secret_digest",
    "a code accepted": (
        "UPDATE authlevels_totpdevice SET last_step = last_step + 1, throttling_failure_count = 1,"
        " throttling_failure_timestamp = now() WHERE user_id = %(user)s"
    ),
    "nothing changed": "UPDATE authlevels_user SET is_active = is_active",
    "nobody found": "UPDATE authlevels_session SET revoked_at = now() WHERE id = %(tenant)s",
    "an enrolment begun anew": "DELETE FROM authlevels_totpdevice WHERE NOT confirmed",
    "an attempt counted": "DELETE FROM authlevels_attempt_counter",
}


@pytest.fixture
def elsewhere(superuser: psycopg.Connection) -> psycopg.Connection:
    """Change rows by a connection of somebody else, with every trigger."""
    superuser.execute("SET session_replication_role = origin")
    return superuser


@pytest.mark.parametrize("what", TAKEN_BACK)
def test_what_is_taken_back_is_seen_a_second_later_by_whom_nobody_told(
    somebody: Somebody, passing: Time, elsewhere: psycopg.Connection, what: str
) -> None:
    elsewhere.execute(TAKEN_BACK[what].encode(), somebody.named)
    assert somebody.is_remembered(), "nobody told, and it is not a second yet"
    passing.pass_by(1)
    assert not somebody.is_remembered()


@pytest.mark.parametrize("what", ONLY_USED)
def test_a_use_takes_nothing_back(somebody: Somebody, passing: Time, elsewhere: psycopg.Connection, what: str) -> None:
    begin_enrolment(somebody)
    before = authlevels.standing_of(somebody.tenant_id)
    elsewhere.execute(ONLY_USED[what].encode(), somebody.named)
    passing.pass_by(1)
    assert somebody.is_remembered()
    assert authlevels.standing_of(somebody.tenant_id) == before


def begin_enrolment(one: Somebody) -> None:
    TotpDevice.objects.create(user_id=one.user_id, name="begun", confirmed=False, created_at=clock.now())


def end_session(one: Somebody) -> None:
    authlevels.end_session(tenant_id=one.tenant_id, session_id=one.session.id, by="test", at=clock.now())


def wear_out_factor(one: Somebody) -> None:
    device = TotpDevice.objects.get(user_id=one.user_id)
    device.throttling_failure_count = DISABLE_AFTER - 1
    verify_locked(device, PresentedCode(code="1", at=clock.now()))


def swap_factor(one: Somebody) -> None:
    put_again(one, totp_secret="MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK")


def leave(one: Somebody) -> None:
    licensing.remove_member(
        tenant_id=one.tenant_id, subject_type=one.subject[0], subject_id=one.subject[1], by="test", at=clock.now()
    )
    authlevels.erase_person(tenant_id=one.tenant_id, subject=one.subject, by="test", at=clock.now())


def put_again(one: Somebody, **said: Any) -> None:
    realm = None if one.subject[0] == "account" else one.tenant_id
    authlevels.put_user(realm=realm, subject_type=one.subject[0], subject_id=one.subject[1], at=clock.now(), **said)


DEEDS: dict[str, Callable[[Somebody], object]] = {
    "signed out": end_session,
    "a hundredth wrong code": wear_out_factor,
    "another factor": swap_factor,
    "another password": lambda one: put_again(one, password="another horse, another battery"),
    "erased": leave,
}


@pytest.mark.parametrize("deed", DEEDS)
def test_whatever_the_doors_take_back_is_seen(somebody: Somebody, passing: Time, deed: str) -> None:
    before = authlevels.standing_of(somebody.tenant_id)
    DEEDS[deed](somebody)
    passing.pass_by(1)
    assert not somebody.is_remembered()
    assert authlevels.standing_of(somebody.tenant_id) != before


def test_a_session_that_nothing_else_goes_with_is_seen_to_be_gone(
    somebody: Somebody, passing: Time, elsewhere: psycopg.Connection
) -> None:
    elsewhere.execute(TAKEN_BACK["a proof deleted"].encode(), somebody.named)
    somebody.read()
    assert somebody.is_remembered()
    elsewhere.execute("DELETE FROM authlevels_session WHERE id = %(session)s", somebody.named)
    passing.pass_by(1)
    assert not somebody.is_remembered()


def test_a_person_who_is_deleted_is_heeded_whatever_else_goes(world: World, elsewhere: psycopg.Connection) -> None:
    for realm, kind in ((None, "account"), (world.acme, "user")):
        user_id, _changed = authlevels.put_user(realm=realm, subject_type=kind, subject_id="zoe", at=clock.now())
        before = authlevels.standing_of(world.acme)
        elsewhere.execute("DELETE FROM authlevels_user WHERE id = %s", [user_id])
        assert authlevels.standing_of(world.acme) != before


def test_a_factor_more_may_ask_for_more(somebody: Somebody, passing: Time) -> None:
    """An action that asks for the highest level that the person can reach asks for more from then on."""
    TotpDevice.objects.filter(user_id=somebody.user_id).delete()
    somebody.read()
    assert somebody.is_remembered()
    swap_factor(somebody)
    passing.pass_by(1)
    assert not somebody.is_remembered()


def test_signing_in_and_confirming_disturb_nobody(world: World, passing: Time, client: Client, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.authlevels.acme.QuickScrypt"]
    ann, alice = our_own(world, world.globex), a_products(world, world.globex)
    before = authlevels.standing_of(world.globex)
    ann.read()
    alice.read()
    sign_in(world.globex)
    a_products(world, world.globex)
    question = export(session=alice.session.handle)
    step_up(client, world.globex_key, ask(client, world.globex_key, question), code_at(clock.now()))
    assert ask(client, world.globex_key, question)["decision"] is True
    later = clock.now() + 2 * authlevels.TOUCH_EVERY
    for one in (ann, alice):
        authlevels.touch_session(tenant_id=world.globex, session_id=one.session.id, at=later)
        authlevels.note_use(
            tenant_id=world.globex,
            session_id=one.session.id,
            was=one.facts().activity,
            at=later + timedelta(minutes=1),
        )
    device = TotpDevice.objects.get(user_id=ann.user_id)
    shown = code_of(device, clock.now())
    assert verify_locked(device, PresentedCode(code=shown, at=clock.now()))
    passing.pass_by(1)
    assert ann.is_remembered()
    assert alice.is_remembered()
    assert authlevels.standing_of(world.globex) == before


def code_of(device: TotpDevice, at: datetime) -> str:
    from authlevels.totp import code_at_step  # noqa: PLC0415 - by the side of its use

    return code_at_step(decode_secret(OWN_SECRET), int(at.timestamp()) // device.period)


def test_what_a_product_takes_back_disturbs_no_other_tenant(
    world: World, passing: Time, elsewhere: psycopg.Connection
) -> None:
    here, there = a_products(world, world.acme), a_products(world, world.globex)
    before = authlevels.standing_of(world.globex)
    there.read()
    for statement in TAKEN_BACK.values():
        if "WHERE" in statement:
            elsewhere.execute(statement.encode(), here.named)
    assert authlevels.standing_of(world.acme) != before
    passing.pass_by(1)
    assert there.is_remembered()
    assert authlevels.standing_of(world.globex) == before


def test_what_an_own_person_loses_is_lost_in_every_tenant(
    world: World, passing: Time, elsewhere: psycopg.Connection
) -> None:
    everywhere = [our_own(world, tenant_id) for tenant_id in (world.acme, world.globex)]
    for one in everywhere:
        one.read()
    elsewhere.execute("UPDATE authlevels_user SET is_active = false WHERE id = %s", [everywhere[0].user_id])
    passing.pass_by(1)
    assert [one.is_remembered() for one in everywhere] == [False, False]


def test_what_was_rolled_back_was_never_taken_back(
    somebody: Somebody, passing: Time, elsewhere: psycopg.Connection
) -> None:
    before = authlevels.standing_of(somebody.tenant_id)
    with elsewhere.transaction(force_rollback=True):
        elsewhere.execute(TAKEN_BACK["everybody signed out"].encode())
        passing.pass_by(1)
        assert somebody.is_remembered(), "not committed yet"
    passing.pass_by(1)
    assert somebody.is_remembered()
    assert authlevels.standing_of(somebody.tenant_id) == before


def test_a_person_is_remembered_for_a_minute_and_read_again(somebody: Somebody, passing: Time) -> None:
    passing.pass_by(MINUTE - 1)
    assert somebody.is_remembered()
    passing.pass_by(1)
    assert not somebody.is_remembered()
    somebody.read()
    assert somebody.is_remembered()


def test_a_session_that_has_expired_is_not_remembered(somebody: Somebody) -> None:
    ends = somebody.session.expires_at
    assert somebody.is_remembered(at=ends - timedelta(microseconds=1))
    assert not somebody.is_remembered(at=ends)


def test_a_standing_that_went_back_is_another_one(
    somebody: Somebody, passing: Time, elsewhere: psycopg.Connection
) -> None:
    """As in a database that was restored."""
    elsewhere.execute("SELECT authlevels_raise_standing(%s)", [somebody.tenant_id])
    somebody.read()
    elsewhere.execute("UPDATE authlevels_standing SET number = number - 1 WHERE scope = %s", [somebody.tenant_id])
    passing.pass_by(1)
    assert not somebody.is_remembered()


def test_one_statement_a_second_serves_all_of_a_tenant(world: World, passing: Time) -> None:
    crowd = [a_products(world) for _ in range(4)]
    for one in crowd:
        one.read()
    asked: list[str] = []

    def note(execute: Any, sql: str, parameters: Any, many: Any, context: Any) -> Any:
        asked.append(sql)
        return execute(sql, parameters, many, context)

    passing.pass_by(1)
    with connection.execute_wrapper(note):
        assert all(people.recall_person(one.question(), version=version_of(one), at=clock.now()) for one in crowd)
    assert len([sql for sql in asked if "authlevels_standing" in sql]) == 1


def version_of(one: Somebody) -> str:
    return licensing.snapshot_version(tenant_id=one.tenant_id)


def test_who_is_read_confirms_the_others_from_before_they_were_read(
    world: World, passing: Time, elsewhere: psycopg.Connection
) -> None:
    first, second = a_products(world), a_products(world)
    first.read()
    elsewhere.execute(TAKEN_BACK["the session revoked"].encode(), first.named)
    second.read()
    assert not first.is_remembered(), "the reading of the other one has told"
    assert second.is_remembered()


def test_a_look_that_news_overtook_confirms_nothing(
    somebody: Somebody, passing: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked before a message came may be what the message is about."""
    asked = authlevels.standing_of

    def overtaken(tenant_id: UUID) -> str:
        standing = asked(tenant_id)
        people._memory.hear("tenant", "another's")
        return standing

    passing.pass_by(1)
    monkeypatch.setattr(authlevels, "standing_of", overtaken)
    assert not somebody.is_remembered()
    monkeypatch.setattr(authlevels, "standing_of", asked)
    assert somebody.is_remembered()


def test_an_older_look_takes_no_newer_ones_place(world: World) -> None:
    memory = people._Memory()
    memory.confirm(world.acme, people._Standing(number="0.2", read_at=time.monotonic()), news=0)
    memory.confirm(world.acme, people._Standing(number="0.1", read_at=time.monotonic() - 0.5), news=0)
    assert memory._standings[world.acme].number == "0.2"


def test_what_is_told_is_seen_at_once_and_a_deaf_process_trusts_nothing(somebody: Somebody, settings: Any) -> None:
    people._memory.hear("session", somebody.session.handle)
    assert not somebody.is_remembered()
    somebody.read()
    assert somebody.is_remembered()
    # Nobody answers at that port; a listener that could subscribe might hear again before it is asked.
    settings.REDIS_URL = "redis://127.0.0.1:1"
    licensing.stop_listening()
    assert people.recall_person(somebody.question(), version=version_of(somebody), at=clock.now()) is None
    licensing.stop_listening()


def test_what_is_read_within_a_transaction_is_not_remembered(somebody: Somebody, passing: Time) -> None:
    passing.pass_by(MINUTE)
    with tenant_transaction(somebody.tenant_id):
        somebody.read()
    assert not somebody.is_remembered()


def test_the_answer_follows(world: World, passing: Time, client: Client, elsewhere: psycopg.Connection) -> None:
    alice = a_products(world)
    question = body(session=alice.session.handle)
    assert ask(client, world.acme_key, question)["decision"] is True
    elsewhere.execute(TAKEN_BACK["the session revoked"].encode(), alice.named)
    assert ask(client, world.acme_key, question)["decision"] is True, "remembered, and nobody told"
    passing.pass_by(1)
    assert ask(client, world.acme_key, question)["context"]["reason"] == "session_revoked"
    assert ask(client, world.acme_key, question)["decision"] is False, "and nobody goes back to it"


@pytest.mark.parametrize(
    "deed",
    [
        "INSERT INTO authlevels_standing VALUES (gen_random_uuid(), 1)",
        "UPDATE authlevels_standing SET number = 0",
        "DELETE FROM authlevels_standing",
        "TRUNCATE authlevels_standing",
        "SELECT nextval('authlevels_standing_seq')",
        "SELECT authlevels_raise_standing(gen_random_uuid())",
    ],
)
def test_the_apps_role_reads_the_counters_and_never_sets_them(world: World, deed: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deed)
    assert authlevels.standing_of(world.acme).startswith("0.")
