"""A prepared statement of texts, asked with as little ceremony as libpq allows.

psycopg's cursors adapt every type and drive every step through generators, which costs several times what the
server needs for a small statement. What is asked here is a handful of texts, on the hot path alone.
"""

import select
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.errors import DataError, error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from isolation.postgresql.base import PatientConnection

type Text = str | UUID | datetime | None

_GOOD: Final = {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}
_numbers: Final = count()


def ask_texts(connection: psycopg.Connection[Any], sql: str, values: Sequence[Text]) -> list[str | None]:
    """Execute a statement, prepared once for each connection, and return the columns of its one row as texts.

    sql: constant in the code, with ``%s`` for each value, whose type the server infers.
    :raises psycopg.Error: it failed, or took longer than the connection's patience.
    """
    # Among the driver's own: when a transaction is rolled back it throws all statements of the connection away, ours too.
    known = connection._prepared._names  # noqa: SLF001 - it has no other name
    pgconn = connection.pgconn
    patience = _Patience(connection)
    texts = [_encoded(value) for value in values]
    numbered = _numbered(sql)
    name = known.get((numbered, ()))
    if name is None:
        name = f"tiergate_{next(_numbers)}".encode()
        pgconn.send_prepare(name, numbered)
        _result(pgconn, patience)
        known[numbered, ()] = name
    pgconn.send_query_prepared(name, texts)
    row = _result(pgconn, patience)
    columns = [row.get_value(0, column) for column in range(row.nfields)]
    return [None if one is None else one.decode() for one in columns]


class _Patience:
    """Waits on a connection's socket, and gives the connection up when its patience ends."""

    __slots__ = ("_connection", "_poll", "_socket")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        if isinstance(connection, PatientConnection):
            connection.breaker.refuse_if_open()
        self._connection = connection
        self._socket = connection.pgconn.socket
        self._poll = select.poll()

    def wait(self, events: int) -> None:
        """Wait until the socket is ready.

        :raises psycopg.OperationalError: patience ended.
        """
        connection = self._connection
        patience = connection.patience if isinstance(connection, PatientConnection) else PatientConnection.patience
        self._poll.register(self._socket, events)
        if self._poll.poll(patience * 1000):
            return
        connection.pgconn.finish()
        error = psycopg.OperationalError(f"The database did not answer within {patience:g} s.")
        if isinstance(connection, PatientConnection):
            connection.breaker.trip(error)
        raise error


def _result(pgconn: PGconn, patience: _Patience) -> PGresult:
    """Wait for the result of what was sent.

    :raises psycopg.Error: the server refused it, or is gone.
    """
    while pgconn.flush():
        patience.wait(select.POLLIN | select.POLLOUT)
        pgconn.consume_input()
    last: PGresult | None = None
    while True:
        while pgconn.is_busy():
            patience.wait(select.POLLIN)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            break
        last = result
    if last is None:
        raise psycopg.OperationalError("The database said nothing.")
    if last.status not in _GOOD:
        raise error_from_result(last)
    return last


@lru_cache(maxsize=64)
def _numbered(sql: str) -> bytes:
    """Write ``%s`` as PostgreSQL numbers its parameters."""
    first, *rest = sql.split("%s")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(rest, start=1))).encode()


def _encoded(value: Text) -> bytes | None:
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    encoded = text.encode()
    if b"\x00" in encoded:
        # libpq takes a text up to its first NUL, and would ask about somebody else.
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return encoded
