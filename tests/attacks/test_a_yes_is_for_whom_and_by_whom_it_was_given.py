"""Pitfall 15: a yes is for one asker and of one membership; neither a name that is taken again nor a return brings it back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.test import Client
from psycopg.sql import SQL, Identifier

from authlevels import api as authlevels
from authlevels.models import ApprovalGrant
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import World, client, code_at, world
from tests.decisions.test_a_token_is_good_for_one_task import API, introspected, take
from tests.decisions.test_others_have_to_agree import agreed, grant, house, opened
from tiergate import Verb

__all__ = ["client", "house", "world"]

VERBS = ("payments.approve", Verb.ACCESS_EVALUATE, Verb.STEP_UP_CREATE)


def made(tenant_id: Any, name: str = "payer", *verbs: str, **more: Any) -> tuple[authlevels.Credential, str]:
    return authlevels.create_credential(
        tenant_id=tenant_id, name=name, verbs=verbs or VERBS, by="test", at=clock.now(), **more
    )


def paying(**context: Any) -> dict[str, Any]:
    return payment(1200, **context) | {"subject": {"type": "service", "id": "payer"}}


def shown(client: Client, key: str, approval: str, *, status: int = 200) -> Any:
    answer = client.get(f"/step-up/approvals/{approval}", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == status, answer.content
    return answer.json()


def test_no_other_credential_of_the_same_name_has_what_was_agreed_for_one(client: Client, house: World) -> None:
    credential, key = made(house.acme)
    refused = ask(client, key, paying())
    approval = opened_by(client, key, refused)
    for name in ("carol", "dave"):
        agreed(client, house, approval, name)
    _told, rotated = authlevels.rotate_credential(
        tenant_id=house.acme, credential_id=credential.id, overlap=timedelta(0), by="test", at=clock.now()
    )
    assert shown(client, rotated, approval)["state"] == "approved", "a new secret is no new service"
    authlevels.revoke_credential(tenant_id=house.acme, credential_id=credential.id, by="test", at=clock.now())
    vendors = made(licensing.VENDOR_TENANT_ID)[1]
    for other in (made(house.acme)[1], vendors):
        assert ask(client, other, paying(tenant="acme"))["decision"] is False
        assert shown(client, other, approval, status=404)["code"] == "approval_not_found"
        body = {"scope": "payments", "audience": API}
        ask(client, other, body, path=f"/step-up/approvals/{approval}/token", status=404)
        body = {"decision_id": refused["context"]["approval"]["decision_id"], "tenant": "acme"}
        ask(client, other, body, path="/step-up/approvals", status=404)
    mine = ask(client, vendors, paying(tenant="acme"))
    assert opened_by(client, vendors, mine, tenant="acme") != approval


def opened_by(client: Client, key: str, refused: Any, **more: str) -> str:
    body = {"decision_id": refused["context"]["approval"]["decision_id"], **more}
    found: str = ask(client, key, body, path="/step-up/approvals", status=201)["approval_id"]
    return found


def test_a_token_of_a_service_is_not_revived_by_another_of_its_name(client: Client, house: World) -> None:
    credential, key = made(house.acme)
    reader = made(house.acme, "reader", Verb.TOKENS_INTROSPECT, audiences=(API,))[1]
    approval = opened_by(client, key, ask(client, key, paying()))
    for name in ("carol", "dave"):
        agreed(client, house, approval, name)
    body = {"scope": "payments", "audience": API}
    token = ask(client, key, body, path=f"/step-up/approvals/{approval}/token")["access_token"]
    assert introspected(client, reader, token)["active"] is True
    authlevels.revoke_credential(tenant_id=house.acme, credential_id=credential.id, by="test", at=clock.now())
    made(house.acme)
    assert introspected(client, reader, token) == {"active": False}


@pytest.mark.parametrize("way", ["leaves", "is suspended"])
def test_who_comes_back_agrees_anew(client: Client, house: World, way: str) -> None:
    handle = house.asserted()
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=handle)))
    assert agreed(client, house, approval, "carol")["granted"] == 1
    away_and_back(house, "carol", way)
    assert shown(client, house.acme_key, approval)["granted"] == 0
    with time_machine.travel(clock.now() + timedelta(seconds=31), tick=False):
        assert agreed(client, house, approval, "carol")["granted"] == 1
    with tenant_transaction(house.acme), pytest.raises(IntegrityError, match="does not begin"), transaction.atomic():
        ApprovalGrant.objects.exclude(ended_at=None).update(ended_at=None)
    away_and_back(house, "alice", way)
    assert shown(client, house.acme_key, approval)["state"] == "expired", "nor does who asked find theirs again"


def away_and_back(world: World, name: str, way: str) -> None:
    who: Any = {"tenant_id": world.acme, "subject_type": "user", "subject_id": name, "by": "test", "at": clock.now()}
    if way == "leaves":
        licensing.remove_member(**who)
    else:
        licensing.put_member(**who, roles=["member"], active=False)
    licensing.put_member(**who, roles=["member"])


def test_a_yes_of_nobody_is_not_written(client: Client, house: World) -> None:
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=house.asserted())))
    agreed(client, house, approval, "carol")
    with tenant_transaction(house.acme):
        one = ApprovalGrant.objects.get()
        one.user_id = authlevels.put_user(subject_id="frank", subject_type="user", realm=house.acme, at=clock.now())[0]
        one.pk, one.subject_id = None, "frank"
        with pytest.raises(IntegrityError, match="only a member"), transaction.atomic():
            one.save(force_insert=True)


def test_a_yes_waits_for_a_membership_that_is_being_ended(
    client: Client, house: World, superuser: psycopg.Connection
) -> None:
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=house.asserted())))
    agreed(client, house, approval, "carol")
    with tenant_transaction(house.acme):
        one = ApprovalGrant.objects.get()
    one.user_id = authlevels.put_user(subject_id="dave", subject_type="user", realm=house.acme, at=clock.now())[0]
    one.pk, one.subject_id = None, "dave"
    with superuser.transaction(force_rollback=True):
        superuser.execute("DELETE FROM licensing_member WHERE tenant_id = %s AND subject_id = 'dave'", [house.acme])
        with tenant_transaction(house.acme), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
                one.save(force_insert=True)


def test_a_persons_token_uses_up_what_others_agreed_to(client: Client, house: World) -> None:
    handle = house.asserted()
    refused = ask(client, house.acme_key, payment(1200, session=handle))
    approval = opened(client, house, refused)
    elevation = step_up(client, house.acme_key, refused, code_at(clock.now()))["elevation_id"]
    early = take(client, house.acme_key, elevation, "payments", status=403)
    assert (early["code"], early["reason"]) == ("invalid_scope", "approval_required")
    for name in ("carol", "dave"):
        agreed(client, house, approval, name)
    token = take(client, house.acme_key, elevation, "payments")["access_token"]
    assert shown(client, house.acme_key, approval)["state"] == "used"
    assert ask(client, house.acme_key, payment(1200, session=handle))["decision"] is False
    assert take(client, house.acme_key, elevation, "payments", status=409)["code"] == "elevation_gone"
    reader = made(house.acme, "reader", Verb.TOKENS_INTROSPECT, audiences=(API,))[1]
    assert introspected(client, reader, token)["active"] is True
    again = opened(client, house, ask(client, house.acme_key, payment(1200, session=handle)))
    with time_machine.travel(clock.now() + timedelta(seconds=31), tick=False):
        for name in ("carol", "dave"):
            agreed(client, house, again, name)
        assert introspected(client, reader, token)["active"] is True
        licensing.remove_member(tenant_id=house.acme, subject_type="user", subject_id="dave", by="test", at=clock.now())
        agreed(client, house, again, "erin")
        assert introspected(client, reader, token) == {"active": False}, "what was agreed to since is for another use"


def test_what_others_agreed_to_is_for_one_confirmation_whatever_the_request_is_called(
    client: Client, house: World
) -> None:
    handle, body = house.asserted(), {"scope": "payments", "audience": API}
    refused = ask(client, house.acme_key, payment(1200, session=handle))
    approval = opened(client, house, refused)
    for name in ("carol", "dave"):
        agreed(client, house, approval, name)

    def taken(refused: Any, *, status: int = 200) -> Any:
        elevation = step_up(client, house.acme_key, refused, code_at(clock.now()))["elevation_id"]
        path = f"/step-up/elevations/{elevation}/token"
        return ask(client, house.acme_key, body, path=path, status=status, headers={"X-Request-ID": "r1"})

    taken(refused)
    with time_machine.travel(clock.now() + timedelta(seconds=31), tick=False):
        again = taken(ask(client, house.acme_key, payment(1200, session=handle)), status=403)
    assert again["reason"] == "approval_required"


def row_of(superuser: psycopg.Connection, world: World, table: str) -> None:
    superuser.execute(SQL("SELECT FROM {} WHERE tenant_id = %s FOR UPDATE").format(Identifier(table)), [world.acme])


def waits_for(superuser: psycopg.Connection) -> None:
    """Look until somebody waits for this connection."""
    held = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    for _ in range(2000):
        superuser.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.005)")
        if superuser.execute(held).fetchone() != (0,):
            return
    raise AssertionError("nobody waits")


@pytest.mark.storm
def test_who_agrees_while_they_are_put_out_waits_and_then_agrees_to_nothing(
    client: Client, house: World, superuser: psycopg.Connection
) -> None:
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=house.asserted())))
    handle = house.asserted("carol")
    step_up(
        client, house.acme_key, {"context": grant(client, house, approval, handle, status=401)}, code_at(clock.now())
    )
    with ThreadPoolExecutor(1) as pool, superuser.transaction():
        superuser.execute("SELECT set_config('app.tenant_id', %s, true)", [str(house.acme)])
        row_of(superuser, house, "licensing_member")
        answer = pool.submit(closing(grant), Client(), house, approval, handle, status=404)
        waits_for(superuser)
        superuser.execute(
            "UPDATE licensing_member SET active = false WHERE tenant_id = %s AND subject_id = 'carol'", [house.acme]
        )
    assert answer.result()["code"] == "approval_not_found"


@pytest.mark.storm
def test_who_is_put_out_while_they_use_what_was_agreed_to_has_nothing_held_that_is_waited_for(
    client: Client, house: World, superuser: psycopg.Connection
) -> None:
    refused = ask(client, house.acme_key, payment(1200, session=house.asserted()))
    opened(client, house, refused)
    step_up(client, house.acme_key, refused, code_at(clock.now()))
    with ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            row_of(superuser, house, "authlevels_elevation")
            ending = pool.submit(
                closing(licensing.remove_member),
                tenant_id=house.acme,
                subject_type="user",
                subject_id="alice",
                by="test",
                at=clock.now(),
            )
            waits_for(superuser)
            superuser.execute("SET LOCAL lock_timeout = '1s'")
            row_of(superuser, house, "authlevels_approval")
        ending.result()


def closing(act: Callable[..., Any]) -> Callable[..., Any]:
    """Leave no connection behind in the thread that does it."""

    def done(*args: Any, **named: Any) -> Any:
        try:
            return act(*args, **named)
        finally:
            connections.close_all()

    return done


def test_a_persons_token_does_not_outlast_what_others_agreed_to(client: Client, house: World) -> None:
    handle = house.asserted()
    approval = opened(client, house, ask(client, house.acme_key, payment(1200, session=handle)))
    for name in ("carol", "dave"):
        agreed(client, house, approval, name)
    with time_machine.travel(clock.now() + timedelta(minutes=59), tick=False):
        refused = ask(client, house.acme_key, payment(1200, session=handle))
        elevation = step_up(client, house.acme_key, refused, code_at(clock.now()))["elevation_id"]
        assert take(client, house.acme_key, elevation, "payments")["expires_in"] <= 60
