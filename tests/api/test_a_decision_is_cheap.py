"""A warm decision asks the database few times: each statement more is felt on every call of every product."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.decisions.asking import ask, body, export
from tests.decisions.conftest import World

# The tenant's setting; the member, the session, its factors, elevations and proofs; and the record.
OF_A_MEMBER = 7
# The tenant's setting, the member who is not there, and the record.
OF_A_STRANGER = 3


def statements(client: Client, key: str, document: Any) -> list[str]:
    """List what a warm request asks of the database, at best of three: what is remembered may just have run out."""
    tries: list[list[str]] = []
    for _ in range(3):
        ask(client, key, document)
        seen: list[str] = []

        def note(execute: Any, sql: str, parameters: Any, many: Any, context: Any, seen: list[str] = seen) -> Any:
            seen.append(sql)
            return execute(sql, parameters, many, context)

        with connection.execute_wrapper(note):
            ask(client, key, document)
        tries.append(seen)
    return min(tries, key=len)


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_members_question_takes_no_more_than_seven_statements(
    world: World, client: Client, *, is_allowed: bool
) -> None:
    if is_allowed:
        key, document = world.acme_key, body(session=world.asserted())
    else:
        key, document = world.globex_key, export(session=world.asserted(tenant=world.globex))
    assert ask(client, key, document)["decision"] is is_allowed
    assert len(statements(client, key, document)) <= OF_A_MEMBER


def test_a_strangers_question_takes_no_more_than_three(world: World, client: Client) -> None:
    document = body(subject="mallory", session=world.asserted())
    assert len(statements(client, world.acme_key, document)) <= OF_A_STRANGER
