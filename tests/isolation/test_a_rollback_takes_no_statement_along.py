"""The driver throws away every prepared statement of a connection whose transaction is rolled back: ours are asked on."""

from contextlib import suppress

import psycopg
import pytest
from django.db import connections, transaction

from isolation.statement import global_row, tenant_row
from tests.isolation.sides import World

pytestmark = pytest.mark.django_db

_NOBODY = "nullif(current_setting('app.tenant_id', true), '')"


def _the_driver_prepares() -> None:
    """Ask as often as it takes, by a cursor that binds in the server."""
    cursor = psycopg.Cursor(connections["default"].connection)
    for _ in range(7):
        cursor.execute("SELECT %s::text", ["anything"])


@pytest.mark.parametrize("times", [1, 3])
def test_what_was_prepared_before_is_asked_after(world: World, times: int) -> None:
    assert global_row(_NOBODY, []) == [None]
    for _ in range(times):
        with suppress(RuntimeError), transaction.atomic():
            _the_driver_prepares()
            raise RuntimeError
        assert global_row(_NOBODY, []) == [None]
        assert tenant_row(world.acme.tenant_id, "current_setting('app.tenant_id')", []) == [str(world.acme.tenant_id)]


def test_within_the_transaction_of_which_a_part_was_rolled_back_too() -> None:
    with transaction.atomic():
        assert global_row(_NOBODY, []) == [None]
        with suppress(RuntimeError), transaction.atomic():
            _the_driver_prepares()
            raise RuntimeError
        assert global_row(_NOBODY, []) == [None]
