"""Threads that take turns with one set of connections each serve their own tenant, whatever the one before left."""

import threading
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import pytest
from django.db import DatabaseError

from config.turns import Turn
from isolation.api import tenant_transaction
from licensing.models import Member
from tests.isolation.world import World

pytestmark = pytest.mark.django_db


def test_threads_that_share_connections_by_turns_each_see_their_own_tenant(world: World) -> None:
    wrong: list[Any] = []
    turn = Turn()

    def serve(tenant_id: Any) -> None:
        try:
            for number in range(12):
                with suppress(ZeroDivisionError), turn, tenant_transaction(tenant_id):
                    if set(Member.objects.values_list("tenant_id", flat=True)) != {tenant_id}:
                        wrong.append(tenant_id)
                    _ = 1 // (number % 3)
                with suppress(DatabaseError), turn:
                    wrong.append(list(Member.objects.all()))
        except Exception as error:  # noqa: BLE001 - told by the assertion
            wrong.append(error)

    try:
        both = [threading.Thread(target=serve, args=[side.tenant_id]) for side in (world.acme, world.globex) * 2]
        for one in both:
            one.start()
        for one in both:
            one.join()
    finally:
        end(turn)
    assert wrong == []


def test_a_transaction_left_open_in_a_turn_is_not_the_next_ones(world: World) -> None:
    """A generator that nobody closed would leave one."""
    turn, seen, left = Turn(), list[Any](), list[Any]()

    def rows() -> Generator[Any]:
        with tenant_transaction(world.acme.tenant_id):
            yield from Member.objects.iterator(chunk_size=1)

    def leave() -> None:
        with turn:
            left.append(rows())
            seen.append(next(left[0]).tenant_id)

    def look() -> None:
        with turn:
            try:
                seen.append(set(Member.objects.values_list("tenant_id", flat=True)))
            except DatabaseError:
                seen.append("refused")

    def serve() -> None:
        with turn:
            try:
                with tenant_transaction(world.globex.tenant_id, durable=True):
                    seen.append(set(Member.objects.values_list("tenant_id", flat=True)))
            except RuntimeError:
                seen.append("refused")

    try:
        for task in (leave, look, serve):
            thread = threading.Thread(target=task)
            thread.start()
            thread.join()
    finally:
        with suppress(Exception):
            left[0].close()
        end(turn)
    assert seen == [world.acme.tenant_id, "refused", {world.globex.tenant_id}]


def end(turn: Turn) -> None:
    """Close what a turn's threads shared."""
    for shared in turn._connections.values():
        shared.close()
