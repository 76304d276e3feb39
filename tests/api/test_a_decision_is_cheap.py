"""A warm decision asks little of others: each round trip more is felt on every call of every product."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from decisions.wire import Asked, evaluate_bytes
from isolation import clock
from tests.decisions.asking import ask, body, encoded, export
from tests.decisions.conftest import World
from tests.licensing.test_snapshots import until_listening

# The person, and the record.
OF_A_REFUSAL = 2


def statements(client: Client, key: str, document: Any) -> list[str]:
    """List what a warm request asks of the database, at best of three: what is remembered may just have run out."""
    tries: list[list[str]] = []
    for _ in range(3):
        # A test before this one may have stopped the listener; without it nothing is remembered.
        until_listening()
        ask(client, key, document)
        seen: list[str] = []

        def note(execute: Any, sql: str, parameters: Any, many: Any, context: Any, seen: list[str] = seen) -> Any:
            seen.append(sql)
            return execute(sql, parameters, many, context)

        with connection.execute_wrapper(note):
            ask(client, key, document)
        tries.append(seen)
    return min(tries, key=len)


def calls_into(modules: tuple[str, ...], act: Callable[[], object]) -> list[str]:
    """List the functions of other people's modules that ``act`` enters in this thread."""
    entered: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and str(frame.f_globals.get("__name__", "")).startswith(modules):
            entered.append(f"{frame.f_globals['__name__']}.{frame.f_code.co_name}")

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return entered


def test_a_routine_allow_asks_neither_the_database_nor_valkey(world: World) -> None:
    asked = Asked(
        authorization=f"Bearer {world.acme_key}",
        content_type="application/json",
        request_id="",
        body=encoded(body(session=world.asserted())),
    )

    def answer() -> None:
        assert evaluate_bytes(asked, at=clock.now())[0] == 200

    tries = []
    for _ in range(3):
        until_listening()
        answer()
        tries.append(calls_into(("psycopg", "redis.", "django.db.backends"), answer))
    assert min(tries, key=len) == []


def test_what_is_read_anew_is_seen_to_be(world: World) -> None:
    """The count above would see a statement if there were one."""
    asked = Asked(
        authorization=f"Bearer {world.globex_key}",
        content_type="application/json",
        request_id="",
        body=encoded(export(session=world.asserted(tenant=world.globex))),
    )
    assert calls_into(("psycopg",), lambda: evaluate_bytes(asked, at=clock.now()))


@pytest.mark.parametrize("kind", ["upgrade", "step_up", "stranger"])
def test_a_refusal_takes_two_statements(world: World, client: Client, kind: str) -> None:
    key, document = {
        "upgrade": (world.acme_key, export(session=world.asserted())),
        "step_up": (world.globex_key, export(session=world.asserted(tenant=world.globex))),
        "stranger": (world.acme_key, body(subject="mallory", session=world.asserted())),
    }[kind]
    assert ask(client, key, document)["decision"] is False
    assert len(statements(client, key, document)) <= OF_A_REFUSAL
