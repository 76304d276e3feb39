"""Pitfalls 14 and 15: whatever an agreement rests on is looked at in the session itself, whoever let it come so far."""

from typing import Any

import psycopg
import pytest
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import DeviceCode
from isolation import clock
from isolation.api import tenant_transaction
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import World, client, code_at, world
from tests.decisions.test_a_token_is_good_for_one_task import elevated, take
from tests.decisions.test_others_have_to_agree import grant, house, opened, session_id

__all__ = ["client", "house", "world"]

# As no door would: support's own doors never lead to a step-up, so that what stands behind them is met here alone.
BORROWED = b"""
    UPDATE authlevels_session SET kind = 'impersonated', impersonator = 'account:olga', impersonated_for = 'a case',
        expires_at = least(expires_at, created_at + interval '59 minutes') WHERE id = %s
"""
ANOTHERS = (
    b"UPDATE authlevels_session SET user_id = (SELECT user_id FROM authlevels_session WHERE id = %s) WHERE id = %s"
)


def asked(client: Client, world: World, handle: str) -> Any:
    return ask(client, world.acme_key, payment(1200, session=handle))


def test_support_agrees_to_nothing_in_anybodys_name(
    client: Client, house: World, superuser: psycopg.Connection
) -> None:
    refused = asked(client, house, house.asserted())
    body = {"decision_id": refused["context"]["approval"]["decision_id"]}
    begun = ask(client, house.acme_key, body, path="/step-up/approvals", status=201)
    handle = house.asserted("carol")
    carol = authlevels.get_session(tenant_id=house.acme, session_id=session_id(handle), at=clock.now())
    typed: Any = {"session": carol, "code": begun["user_code"], "network": "192.0.2.1", "at": clock.now()}
    assert authlevels.find_activation(**typed).ref == begun["approval_id"]
    needed = grant(client, house, begun["approval_id"], handle, status=401)
    step_up(client, house.acme_key, {"context": needed}, code_at(clock.now()))
    superuser.execute(BORROWED, [carol.id])
    with pytest.raises(authlevels.CodeUnknown):
        authlevels.find_activation(**typed)
    assert grant(client, house, begun["approval_id"], handle, status=403)["code"] == "approval_not_yours"
    with tenant_transaction(house.acme):
        assert DeviceCode.objects.get().activated_by is None


def test_support_asks_nobody_to_agree(client: Client, house: World, superuser: psycopg.Connection) -> None:
    handle = house.asserted()
    body = {"decision_id": asked(client, house, handle)["context"]["approval"]["decision_id"]}
    superuser.execute(BORROWED, [session_id(handle)])
    refused = ask(client, house.acme_key, body, path="/step-up/approvals", status=403)
    assert refused["code"] == "approval_not_yours"


def test_support_takes_no_token_of_what_a_person_confirmed(
    client: Client, world: World, superuser: psycopg.Connection
) -> None:
    handle, elevation = elevated(client, world)
    superuser.execute(BORROWED, [session_id(handle)])
    assert take(client, world.globex_key, elevation, status=404)["code"] == "elevation_not_found"


def test_one_person_by_two_names_is_no_second_person(
    client: Client, house: World, superuser: psycopg.Connection
) -> None:
    handle, other = house.asserted(), house.asserted("carol")
    approval = opened(client, house, asked(client, house, handle))
    grant(client, house, approval, other, status=401)
    superuser.execute(ANOTHERS, [session_id(handle), session_id(other)])
    assert grant(client, house, approval, other, status=403)["code"] == "approval_not_yours"
