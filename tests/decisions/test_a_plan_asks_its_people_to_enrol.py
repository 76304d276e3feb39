"""CVE-2026-94218: who has had time to enrol what the plan asks for is asked for it everywhere, but for enrolling it."""

from datetime import timedelta
from typing import Any

import psycopg
import time_machine
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import Notice, TotpDevice, Unready
from authlevels.notice_sentences import written
from authlevels.readiness import look_over_members, look_over_risen
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask, body
from tests.decisions.conftest import TOTP_SECRET, World

GRACE = timedelta(days=7)


def _join(world: World, name: str) -> str:
    licensing.put_member(
        tenant_id=world.globex, subject_type="user", subject_id=name, roles=["member"], by="test", at=world.at
    )
    return world.asserted(name, tenant=world.globex)


def _reason(client: Client, world: World, session: str, name: str) -> str:
    document = body(session=session) | {"subject": {"type": "user", "id": name}}
    document["context"]["tenant"] = "globex"
    found: str = ask(client, world.globex_key, document)["context"]["reason"]
    return found


def test_who_did_not_enrol_in_time_is_asked_to_before_anything_else(client: Client, world: World) -> None:
    session = _join(world, "dora")
    look_over_members(tenant_id=world.globex, at=clock.now())
    assert _reason(client, world, session, "dora") == "allowed", "there is time left"
    with time_machine.travel(clock.now() + GRACE + timedelta(minutes=1)):
        look_over_members(tenant_id=world.globex, at=clock.now())
        session = world.asserted("dora", tenant=world.globex)
        assert _reason(client, world, session, "dora") == "enrolment_required"
        assert _reason(client, world, world.asserted(tenant=world.globex), "alice") == "allowed"
        authlevels.put_user(
            subject_id="dora", subject_type="user", realm=world.globex, totp_secret=TOTP_SECRET, at=clock.now()
        )
        assert _reason(client, world, session, "dora") == "allowed", "as soon as she has"


def test_neither_another_session_nor_enrolling_and_removing_it_gives_more_time(client: Client, world: World) -> None:
    _join(world, "dora")
    look_over_members(tenant_id=world.globex, at=clock.now())
    with time_machine.travel(clock.now() + GRACE + timedelta(minutes=1)):
        for secret in (None, TOTP_SECRET):
            authlevels.put_user(
                subject_id="dora", subject_type="user", realm=world.globex, totp_secret=secret, at=clock.now()
            )
            look_over_members(tenant_id=world.globex, at=clock.now())
            assert authlevels.readiness(tenant_id=world.globex, at=clock.now()).ready == (1 if secret is None else 2)
        TotpDevice.objects.filter(user__subject_id="dora").delete()
        look_over_members(tenant_id=world.globex, at=clock.now())
        for _again in range(2):
            session = world.asserted("dora", tenant=world.globex)
            assert _reason(client, world, session, "dora") == "enrolment_required"


def test_a_level_that_is_asked_for_later_begins_a_grace_of_its_own(world: World) -> None:
    _join(world, "dora")
    look_over_members(tenant_id=world.globex, at=clock.now())
    later = clock.now() + GRACE
    with licensing.edit_catalogue(by="test", at=world.at) as edit:
        edit.put_role("member", ["reports.read"])
    with tenant_transaction(world.globex):
        Unready.objects.update(level="aal1")
    look_over_members(tenant_id=world.globex, at=later)
    with tenant_transaction(world.globex):
        row = Unready.objects.get()
    assert (row.level, row.since) == ("aal2", later)


def test_who_cannot_reach_what_a_new_plan_asks_is_written_to_once_as_their_time_begins(world: World) -> None:
    at = clock.now()
    licensing.put_subscription(tenant_id=world.globex, plan="starter", by="test", at=at)
    namesake: dict[str, Any] = {
        "subject_id": "dora",
        "subject_type": "user",
        "realm": world.acme,
        "email": "dora@acme.example",
        "totp_secret": TOTP_SECRET,
    }
    authlevels.put_user(**namesake, at=at)
    for name, secret in (("dora", None), ("erik", TOTP_SECRET)):
        _join(world, name)
        authlevels.put_user(
            subject_id=name,
            subject_type="user",
            realm=world.globex,
            email=f"{name}@globex.example",
            totp_secret=secret,
            at=at,
        )
    _join(world, "nobody-we-could-write-to")
    look_over_members(tenant_id=world.globex, at=at)
    with tenant_transaction(world.globex):
        assert not Notice.objects.filter(kind="enrolment_asked"), "nothing asks for more yet"
    licensing.put_subscription(tenant_id=world.globex, plan="regulated", by="test", at=clock.now())
    risen = clock.now()
    for _redelivered in range(2):
        assert look_over_risen(at=risen) == 1
        look_over_members(tenant_id=world.globex, at=risen + timedelta(hours=1))
    with tenant_transaction(world.globex):
        (told,) = Notice.objects.filter(kind="enrolment_asked")
    assert told.address == "dora@globex.example", "and nobody of that name in another tenant"
    subject, text = written(told.kind, told.told, when="now", where="https://here.example")
    assert subject == "Please add another way to confirm"
    due = risen + GRACE
    assert f"before {due:%Y-%m-%d %H:%M} UTC" in text
    assert "an authenticator app or a passkey" in text


def test_one_tenant_that_cannot_be_looked_over_keeps_no_other_from_being_told(
    world: World, superuser: psycopg.Connection
) -> None:
    stuck, behind = sorted((world.acme, world.globex))
    for tenant_id in (stuck, behind):
        licensing.put_member(
            tenant_id=tenant_id, subject_type="user", subject_id="dora", roles=["member"], by="test", at=world.at
        )
        for plan in ("starter", "regulated"):
            licensing.put_subscription(tenant_id=tenant_id, plan=plan, by="test", at=clock.now())
    superuser.execute(
        "CREATE FUNCTION bad_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this row is bad'; END $$;"
        f" CREATE TRIGGER bad_row BEFORE INSERT ON authlevels_unready FOR EACH ROW WHEN (NEW.tenant_id = '{stuck}')"
        " EXECUTE FUNCTION bad_row()"
    )
    try:
        assert look_over_risen(at=clock.now()) == 2
    finally:
        superuser.execute("DROP TRIGGER bad_row ON authlevels_unready; DROP FUNCTION bad_row()")
    with tenant_transaction(behind):
        assert Unready.objects.filter(subject_id="dora").exists()


def test_a_rise_that_comes_again_is_told_again(world: World) -> None:
    licensing.put_member(
        tenant_id=world.globex, subject_type="account", subject_id="dora", roles=["member"], by="test", at=world.at
    )
    authlevels.put_user(subject_id="dora", email="dora@globex.example", at=clock.now())
    for day in (0, 1, 2):
        look_over_members(tenant_id=world.globex, at=clock.now() + timedelta(days=day))
        if day == 0:
            with tenant_transaction(world.globex):
                Unready.objects.filter(subject_id="dora").delete()
    with tenant_transaction(world.globex):
        told = Notice.objects.filter(kind="enrolment_asked")
        assert len(told) == 2
        assert "/account/security" in written(told[0].kind, told[0].told, when="", where="https://here.example")[1]


def test_the_admin_sees_who_is_not_ready_and_by_when(world: World) -> None:
    _join(world, "dora")
    before = authlevels.readiness(tenant_id=world.globex, at=clock.now())
    assert (before.ready, before.members) == (1, 2)
    at = clock.now()
    look_over_members(tenant_id=world.globex, at=at)
    look_over_members(tenant_id=world.globex, at=at + timedelta(days=1))
    (dora,) = authlevels.readiness(tenant_id=world.globex, at=at).not_ready
    assert (dora.subject, dora.since, dora.due) == (("user", "dora"), at, at + GRACE)


def test_a_plan_that_asks_for_nothing_forces_nobody(world: World) -> None:
    licensing.put_member(
        tenant_id=world.globex, subject_type="user", subject_id="dora", roles=["member"], by="test", at=world.at
    )
    look_over_members(tenant_id=world.globex, at=clock.now())
    licensing.put_subscription(tenant_id=world.globex, plan="starter", by="test", at=clock.now())
    look_over_members(tenant_id=world.globex, at=clock.now())
    found = authlevels.readiness(tenant_id=world.globex, at=clock.now())
    assert found.ready == found.members or found.level > "aal1"


def test_neither_a_disabled_app_nor_who_has_left_counts(world: World) -> None:
    _join(world, "dora")
    at = clock.now()
    licensing.put_member(
        tenant_id=world.globex, subject_type="user", subject_id="dora", roles=[], active=False, by="test", at=at
    )
    before = authlevels.readiness(tenant_id=world.globex, at=at)
    assert (before.ready, before.members) == (1, 1)
    TotpDevice.objects.update(disabled_at=at)
    assert authlevels.readiness(tenant_id=world.globex, at=at).ready == 0
