"""Columns of many rows as PostgreSQL's own binary arrays: one parameter each, which nobody writes out or reads as text.

Source: array_send, uuid_send, textsend, timestamptz_send and int8send of PostgreSQL; the shapes have never changed.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any, Final

import psycopg
from django.db.backends.utils import CursorWrapper
from django.db.utils import DataError
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEADER: Final = Struct(">iiIii")
_LENGTH: Final = Struct(">i")
_LONG: Final = Struct(">iq")
_NULL: Final = _LENGTH.pack(-1)
_UUID_BYTES: Final = 16
_UUID_LENGTH: Final = _LENGTH.pack(_UUID_BYTES)
_UUID, _TEXT, _BYTES, _WHOLE, _INSTANT = 2950, 25, 17, 20, 1184
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_DAY_SECONDS: Final = 86_400
_SECOND: Final = 1_000_000


class _Column(bytes):
    """An array as it is sent."""

    __slots__ = ()


class _Uuids(_Column):
    __slots__ = ()


class _Texts(_Column):
    __slots__ = ()


class _Hashes(_Column):
    __slots__ = ()


class _Wholes(_Column):
    __slots__ = ()


class _Instants(_Column):
    __slots__ = ()


def uuids(values: Sequence[bytes]) -> _Column:
    """Write a column of UUIDs; empty for null.

    :raises DataError: one has neither no bytes nor sixteen.
    """
    lengths = set(map(len, values))
    if lengths <= {_UUID_BYTES}:
        return _Uuids(_header(_UUID, values) + b"".join([_UUID_LENGTH + value for value in values]))
    if not lengths <= {0, _UUID_BYTES}:
        raise DataError("An id has sixteen bytes.")
    parts = [_UUID_LENGTH + value if value else _NULL for value in values]
    return _Uuids(_header(_UUID, values, has_null=True) + b"".join(parts))


def texts(values: Sequence[bytes]) -> _Column:
    """Write a column of texts, each as its UTF-8, which the database checks."""
    return _Texts(_header(_TEXT, values) + _sized(values))


def hashes(values: Sequence[bytes]) -> _Column:
    """Write a column of bytes."""
    return _Hashes(_header(_BYTES, values) + _sized(values))


def wholes(values: Sequence[int]) -> _Column:
    """Write a column of numbers of eight bytes."""
    pack = _LONG.pack
    return _Wholes(_header(_WHOLE, values) + b"".join([pack(8, value) for value in values]))


def instants(values: Sequence[datetime]) -> _Column:
    """Write a column of instants; one that says no zone is of UTC."""
    pack = _LONG.pack
    return _Instants(_header(_INSTANT, values) + b"".join([pack(8, _microseconds(value)) for value in values]))


def binding_cursor(connection: Any) -> CursorWrapper:
    """Open a cursor that takes such columns, on a connection of Django's and in the transaction that it is in."""
    connection.ensure_connection()
    cursor: psycopg.Cursor[Any] = psycopg.Cursor(connection.connection)
    for column, array in _ARRAYS.items():
        cursor.adapters.register_dumper(column, array)
    return CursorWrapper(cursor, connection)


def _header(element: int, values: Sequence[Any], *, has_null: bool = False) -> bytes:
    # Dimensions, whether there are nulls, the type; and for the one dimension its length and where it begins, which an
    # empty array, of no dimension, does not have.
    return _HEADER.pack(1, has_null, element, len(values), 1) if values else _HEADER.pack(0, 0, element, 0, 0)[:12]


def _sized(values: Iterable[bytes]) -> bytes:
    pack = _LENGTH.pack
    return b"".join([part for value in values for part in (pack(len(value)), value)])


def _microseconds(value: datetime) -> int:
    since = (value if value.tzinfo is not None else value.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * _DAY_SECONDS + since.seconds) * _SECOND + since.microseconds


class _AsItIs(Dumper):
    """Gives psycopg an array as it was written."""

    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer | None:
        """Write nothing more."""
        found: bytes = obj
        return found


def _array(oid: int) -> type[_AsItIs]:
    return type("_Array", (_AsItIs,), {"oid": oid})


_ARRAYS: Final = {
    _Uuids: _array(2951),
    _Texts: _array(1009),
    _Hashes: _array(1001),
    _Wholes: _array(1016),
    _Instants: _array(1185),
}
