"""A token is what was confirmed and no more: nothing makes it newer, wider, or two, and its key can be taken back."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import SigningKey
from authlevels.signing_keys import (
    PUBLISHED_AFTER,
    PUBLISHED_BEFORE,
    SIGNS_FOR,
    list_signing_keys,
    rotate_signing_keys,
    tend_signing_keys,
)
from decisions import tokens
from isolation import clock
from tests.attacks.parallel import at_once
from tests.decisions.asking import ask, step_up
from tests.decisions.conftest import World, client, code_at, world
from tests.decisions.test_a_token_is_good_for_one_task import (
    API,
    claims_of,
    elevated,
    introspected,
    paying,
    reader,
    take,
)

__all__ = ["client", "reader", "world"]


def test_neither_a_later_token_nor_a_new_sign_in_makes_what_was_shown_newer(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    first = claims_of(client, take(client, world.globex_key, elevation)["access_token"])
    with time_machine.travel(clock.now() + timedelta(seconds=100), tick=False):
        world.asserted(tenant=world.globex)
        second = claims_of(client, take(client, world.globex_key, elevation)["access_token"])
    assert second.iat > first.iat
    assert (second.auth_time, second.acr, second.amr, second.sid) == (
        first.auth_time,
        first.acr,
        first.amr,
        first.sid,
    )


def test_of_many_who_take_a_payments_token_at_once_one_has_it(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world, paying)
    credential = authlevels.resolve_credential(world.globex_key, at=clock.now())
    authlevels.get_signer(at=clock.now())

    def act(_number: int) -> Any:
        presenter = authlevels.Presenter(credential=credential)
        return tokens.issue(ref=elevation, scopes=["payments"], audience=API, presenter=presenter, at=clock.now())

    found = at_once(act, 4)
    assert [type(one).__name__ for one in found if not isinstance(one, authlevels.IssuedToken)] == ["ElevationGone"] * 3


def test_a_token_uses_up_all_that_was_confirmed_for_the_same_thing(client: Client, world: World) -> None:
    handle, key = world.asserted(tenant=world.globex), world.globex_key
    refusals = [ask(client, key, paying(session=handle)) for _ in range(2)]
    first = step_up(client, key, refusals[0], code_at(clock.now()))["elevation_id"]
    with time_machine.travel(clock.now() + timedelta(seconds=31), tick=False):
        second = step_up(client, key, refusals[1], code_at(clock.now()))["elevation_id"]
        take(client, key, first, "payments")
        assert ask(client, key, paying(session=handle))["decision"] is False
        assert take(client, key, second, "payments", status=409)["code"] == "elevation_gone"


def test_a_key_that_is_taken_back_takes_its_tokens_with_it(client: Client, world: World, reader: str) -> None:
    _handle, elevation = elevated(client, world)
    token = take(client, world.globex_key, elevation)["access_token"]
    assert introspected(client, reader, token)["active"] is True
    old = authlevels.get_signer(at=clock.now()).kid
    authlevels.revoke_signing_key(kid=old, by="test", at=clock.now())
    assert introspected(client, reader, token) == {"active": False}
    assert old not in authlevels.published_keys(at=clock.now())
    assert SigningKey.objects.get(kid=old).private_sealed is None
    assert introspected(client, reader, take(client, world.globex_key, elevation)["access_token"])["active"] is True


@pytest.mark.django_db
def test_a_new_key_is_known_before_it_signs_and_an_old_one_until_its_tokens_are_dead() -> None:
    at = clock.now()
    first = authlevels.get_signer(at=at).kid
    tend_signing_keys(at=at + SIGNS_FOR - timedelta(seconds=1))
    assert [one.state for one in list_signing_keys(at=at)] == ["signs"]
    due = at + SIGNS_FOR
    tend_signing_keys(at=due)
    tend_signing_keys(at=due)
    second = next(one.kid for one in list_signing_keys(at=due) if one.state == "next")
    assert rotate_signing_keys(by="test", at=due) == second, "one waits already"
    takes_over = due + PUBLISHED_BEFORE
    for when, signs, published in (
        (due, first, {first, second}),
        (takes_over - timedelta(seconds=1), first, {first, second}),
        (takes_over, second, {first, second}),
        (takes_over + PUBLISHED_AFTER - timedelta(seconds=1), second, {first, second}),
        (takes_over + PUBLISHED_AFTER, second, {second}),
    ):
        assert authlevels.get_signer(at=when).kid == signs
        assert set(authlevels.published_keys(at=when)) == published
    tend_signing_keys(at=takes_over)
    assert SigningKey.objects.get(kid=first).private_sealed is None
    tend_signing_keys(at=takes_over + PUBLISHED_AFTER)
    assert [one.kid for one in list_signing_keys(at=takes_over)] == [second]
