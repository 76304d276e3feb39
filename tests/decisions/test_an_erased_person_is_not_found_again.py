"""What a record says of somebody leads to nobody once they are erased: not by a join, a guess, or what they show later."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import Challenge, Elevation, ProofRow, SessionRow, TotpDevice, User
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask, body, export, payment, step_up, store_routine_records
from tests.decisions.conftest import TOTP_SECRET, World, code_at
from tiergate import binding

pytestmark = pytest.mark.django_db

ALICE = ("user", "alice")
_HASH = re.compile(r"[0-9a-f]{64}")


def records(tenant_id: UUID) -> list[tuple[str, str, str]]:
    """What the table itself holds of each decision: whose, in which session, and what."""
    store_routine_records()
    with tenant_transaction(tenant_id), connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, coalesce(session_id::text, ''), payload::text FROM audit_entry "
            "WHERE tenant_id = %s AND kind = 'decision' ORDER BY seq",
            [tenant_id],
        )
        found: list[tuple[str, str, str]] = cursor.fetchall()
        return found


def member(world: World, *, ends: bool = False) -> None:
    at = clock.now()
    if ends:
        licensing.remove_member(tenant_id=world.globex, subject_type="user", subject_id="alice", by="test", at=at)
    else:
        licensing.put_member(
            tenant_id=world.globex, subject_type="user", subject_id="alice", roles=["member"], by="test", at=at
        )


def test_no_hash_in_a_record_can_be_computed_from_a_name(client: Client, world: World) -> None:
    handle = world.asserted(tenant=world.globex)
    ask(client, world.globex_key, body(session=handle))
    step_up(client, world.globex_key, ask(client, world.globex_key, export(session=handle)), code_at(clock.now()))
    ask(client, world.globex_key, export(session=handle))
    asked: dict[str, Any] = {"tenant": str(world.globex), "subject": ALICE, "session": handle}
    guessed = {
        binding(**asked, action=action, resource=resource, fields={})
        for action, resource in (("reports.read", ("report", "1")), ("exports.create", ("export", "customers")))
    }
    held = records(world.globex)
    assert len(held) >= 3
    assert not guessed & set(_HASH.findall(str(held)))


def test_no_id_in_a_record_leads_to_an_account_that_stays(client: Client, world: World) -> None:
    ask(client, world.globex_key, export(session=world.asserted(tenant=world.globex)))
    with connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT handle::text, user_id::text FROM authlevels_totpdevice")
        ids = {one for row in cursor.fetchall() for one in row}
        cursor.execute("SELECT payload::text FROM audit_entry")
        # Of every kind: who enrolled which app is told too.
        told = [payload for (payload,) in cursor.fetchall()]
    assert ids
    assert [payload for payload in told if '"totp"' in payload]
    assert not [(one, payload) for one in ids for payload in told if one in payload]


@pytest.mark.parametrize("comes_back", [False, True])
def test_who_is_asked_about_again_shares_nothing_with_who_was_erased(
    client: Client, world: World, *, comes_back: bool
) -> None:
    handle = world.asserted(tenant=world.globex)
    ask(client, world.globex_key, export(session=handle))
    member(world, ends=True)
    authlevels.erase_person(tenant_id=world.globex, subject=ALICE, by="manage.py", at=clock.now())
    if comes_back:
        member(world)
    # Nobody told the product, which goes on showing the session that it had.
    ask(client, world.globex_key, export(session=handle))
    before, after = records(world.globex)
    assert before[0] != after[0]
    assert before[1]
    assert after[1] != before[1]
    assert handle not in after[2]
    assert not set(_HASH.findall(before[2])) & set(_HASH.findall(after[2]))


def test_what_was_confirmed_is_still_what_counts(client: Client, world: World) -> None:
    handle = world.asserted(tenant=world.globex)
    refused = ask(client, world.globex_key, payment(500, session=handle))
    step_up(client, world.globex_key, refused, code_at(clock.now()))
    assert ask(client, world.globex_key, payment(501, session=handle))["decision"] is False
    assert ask(client, world.globex_key, payment(500, session=handle))["decision"] is True


def test_who_is_erased_takes_nobody_else_along(client: Client, world: World) -> None:
    """Neither who works beside them, nor who has their name in another tenant."""
    at = clock.now()
    licensing.put_member(
        tenant_id=world.globex, subject_type="user", subject_id="dora", roles=["member"], by="t", at=at
    )
    authlevels.put_user(subject_id="dora", subject_type="user", realm=world.globex, totp_secret=TOTP_SECRET, at=at)
    for name in ("alice", "dora"):
        whose = {"subject": {"type": "user", "id": name}}
        handle = world.asserted(name, tenant=world.globex)
        refused = ask(client, world.globex_key, export(session=handle) | whose)
        step_up(client, world.globex_key, refused, code_at(clock.now()))

    def kept() -> list[int]:
        """Count what there is of everybody but the one who is erased."""
        sessions = SessionRow.objects.using("sweep").exclude(tenant_id=world.globex, subject_id="alice").values("id")
        users = User.objects.using("sweep").exclude(realm=world.globex, subject_id="alice")
        theirs = [
            of_session.objects.using("sweep").filter(session_id__in=sessions)
            for of_session in (ProofRow, Challenge, Elevation)
        ]
        devices = TotpDevice.objects.using("sweep").filter(user__in=users)
        return [one.count() for one in (sessions, users, devices, *theirs)]

    before = kept()
    member(world, ends=True)
    authlevels.erase_person(tenant_id=world.globex, subject=ALICE, by="manage.py", at=clock.now())
    assert min(before) > 0
    assert kept() == before
