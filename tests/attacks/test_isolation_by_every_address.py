"""Acme asks every address about things of Globex: each answer is as if there were no such thing, nor such a tenant."""

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from tests import rows
from tests.isolation.addresses import (
    METHODS,
    Request,
    Slot,
    blanket,
    fitting,
    of_each_kind,
    put,
    slots,
)
from tests.isolation.attack import Attack
from tests.isolation.conftest import KEPT, forget, world
from tests.isolation.sides import World
from tests.isolation.world import refresh

__all__ = ["world"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def attack(world: World, superuser: psycopg.Connection, worlds: rows.Worlds) -> Attack:
    """Give something that asks as Acme and puts back what it changed."""

    def restore() -> None:
        worlds.put_back(KEPT, lambda: world)
        forget()
        refresh(world)

    return Attack(world=world, superuser=superuser, kept=KEPT, restore=restore)


def callers_of(request: Request) -> tuple[str, ...]:
    """Pages are for browsers, everything else for services and people's programs; a browser reads both."""
    return ("browser",) if request.is_form or request.route.startswith("/operator") else ("service", "owner")


@pytest.mark.storm
def test_the_requests_are_right_ones_before_anything_foreign_is_put_into_them(attack: Attack) -> None:
    """Otherwise every answer would be alike for want of getting past the first door."""
    reached = set()
    for request in (one for one in attack.requests if not one.is_form):
        for caller in callers_of(request):
            if (request.method, request.route) not in reached and attack.ask(caller, request).status_code < 300:
                reached.add((request.method, request.route))
    assert len(reached) > 40


@pytest.mark.storm
def test_a_path_of_another_tenant_is_a_path_of_none(attack: Attack) -> None:
    """Every route with a parameter, by every method that it has and one that it has not, in all its parameters."""
    ask_every_path(attack, which=[0], callers=["service"])
    assert attack.asked > 100
    assert not attack.found, "\n".join(attack.found)


def ask_every_path(attack: Attack, *, which: list[int], callers: list[str], methods: list[str] | None = None) -> None:
    by_route: dict[str, list[Request]] = {}
    for one in attack.requests:
        if one.path:
            by_route.setdefault(one.route, []).append(one)
    for several in by_route.values():
        has = {one.method: one for one in several}
        missing = next(method for method in METHODS if method not in has)
        for method in methods or [*has, missing]:
            request = replace(has.get(method, several[0]), method=method, query={})
            for number in which:
                names = theirs(attack, request, number)
                of_ghosts = {name: ghost(attack, value) for name, value in names.items()}
                for caller in callers:
                    attack.compare(caller, replace(request, path=names), replace(request, path=of_ghosts))


def theirs(attack: Attack, request: Request, which: int) -> dict[str, str]:
    """Name a thing of Globex for every parameter of a path."""
    out = dict(request.path)
    for name in request.path:
        values = fitting(("path", (name,)), attack.world.globex.names)
        if values:
            out[name] = values[min(which, len(values) - 1)]
    return out


def ghost(attack: Attack, value: str) -> str:
    kind, colon, name = value.partition(":")
    found = attack.world.ghosts.get(value)
    return found or (f"{kind}:{attack.world.ghosts.get(name, name)}" if colon else value)


def attack_slots(attack: Attack, values: Callable[[Slot], list[str]], *, every: int = 1) -> None:
    """Put values of Globex into every place of every request, one at a time.

    every: of the pairs of value and caller, only each so-manieth, another for each place.
    """
    for number, (request, slot) in enumerate((one, slot) for one in attack.requests for slot in slots(one)):
        pairs = [(value, caller) for value in values(slot) for caller in callers_of(request)]
        for value, caller in pairs[number % every :: every]:
            attack.compare(caller, put(request, slot, value), put(request, slot, ghost(attack, value)))


@pytest.mark.storm
def test_no_member_of_any_request_tells_or_takes_a_thing_of_another_tenant(attack: Attack) -> None:
    attack_slots(attack, lambda slot: fitting(slot, attack.world.globex.names, most=1), every=2)
    assert attack.asked > 150
    assert not attack.found, "\n".join(attack.found)


@pytest.mark.storm
def test_no_member_of_any_request_tells_or_takes_any_thing_of_its_name(attack: Attack) -> None:
    attack_slots(attack, lambda slot: fitting(slot, attack.world.globex.names, most=2))
    assert attack.asked > 400
    assert not attack.found, "\n".join(attack.found)


@pytest.mark.storm
def test_what_no_document_tells_of_is_not_heeded_either(attack: Attack) -> None:
    say_everything(attack)
    assert not attack.found, "\n".join(attack.found)


def say_everything(attack: Attack) -> None:
    """Say every name that a row or address of ours has at once, in the body or the query."""
    names = {name: found[0] for name, found in attack.world.globex.names.items() if found}
    of_ghosts = {name: ghost(attack, value) for name, value in names.items()}
    for request in attack.requests:
        attack.compare(callers_of(request)[0], blanket(request, names), blanket(request, of_ghosts))


@pytest.mark.storm
@pytest.mark.parametrize("caller", ["owner", "browser"])
def test_a_path_of_another_tenant_is_a_path_of_none_by_whatever_method(attack: Attack, caller: str) -> None:
    ask_every_path(attack, which=[1], callers=[caller], methods=list(METHODS))
    assert not attack.found, "\n".join(attack.found)


@pytest.mark.storm
def test_no_place_of_any_request_heeds_a_thing_of_another_tenant_of_whatever_kind(attack: Attack) -> None:
    kinds = of_each_kind(attack.world.globex.names)
    attack_slots(attack, lambda _slot: kinds, every=8)
    assert attack.asked > 400
    assert not attack.found, "\n".join(attack.found)


@pytest.mark.storm
@pytest.mark.urls("tests.isolation.planted_urls")
def test_an_address_that_trusts_what_it_is_told_is_found_without_being_named(attack: Attack) -> None:
    attack.requests = [one for one in attack.requests if one.route.startswith("/planted/")]
    ask_every_path(attack, which=[0], callers=["service"])
    attack_slots(attack, lambda slot: fitting(slot, attack.world.globex.names, most=1))
    say_everything(attack)
    for planted in ("body", "query", "oracle", "sweep", "write", "list"):
        assert any(f" /planted/{planted}" in one for one in attack.found), planted
    assert any("/planted/write" in one and "changed something" in one for one in attack.found)
    assert any("/planted/list" in one and "tells of" in one for one in attack.found)
