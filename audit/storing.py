"""Store entries that come in batches: each once, however often it comes."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connections, transaction

from audit.columns import binding_cursor, instants, texts, uuids
from audit.encoding import storable_bytes, without_nul
from audit.errors import is_for_good
from audit.records import Record
from isolation.api import tenant_transaction

SWEEP: Final = "sweep"

_log = structlog.get_logger(__name__)

_APPEND: Final = "SELECT audit_append_batch(%s, %s, %s, %s, %s, %s, %s, %s)"


def store_as_tenants(records: list[Record]) -> int:
    """Store entries as each of their tenants in turn, by the app's role, and say how many were new.

    :raises django.db.DatabaseError: those of some tenants may be stored.
    """
    by_tenant = sorted(records, key=lambda record: record.tenant_id)
    try:
        return sum(
            _stored_as(UUID(bytes=tenant_id), group)
            for tenant_id, group in groupby(by_tenant, key=lambda record: record.tenant_id)
        )
    finally:
        # The thread that sends is no request, at whose end somebody would give the connection back.
        connections["default"].close()


def _stored_as(tenant_id: UUID, records: Iterable[Record]) -> int:
    with tenant_transaction(tenant_id, durable=True), binding_cursor(connections["default"]) as cursor:
        cursor.execute(_APPEND, _columns(records))
        (new,) = cursor.fetchone()
    return int(new)


def store_all(records: Iterable[Record]) -> int:
    """Store entries of any tenants in one transaction of the sweep's role, and say how many were new.

    :raises django.db.DatabaseError: none is stored.
    """
    with transaction.atomic(using=SWEEP), binding_cursor(connections[SWEEP]) as cursor:
        cursor.execute(_APPEND, _columns(records))
        (new,) = cursor.fetchone()
    return int(new)


def store_each(records: list[Record], store: Callable[[list[Record]], int]) -> tuple[int, int]:
    """Store entries together; where the database refuses one of them for good, the others one by one.

    Returns how many were new, and how many were refused; each of those is told in the log, and held up no longer.
    :raises django.db.DatabaseError: the database takes nothing now.
    """
    try:
        return store(records) if records else 0, 0
    except DatabaseError as error:
        if not is_for_good(error):
            raise
        stored = refused = 0
        for record in records:
            try:
                stored += store([record])
            except DatabaseError as its_own:
                if not is_for_good(its_own):
                    raise
                refused += 1
                _log.exception("entry_refused", tenant_id=record.tenant_id.hex(), entry_id=record.entry_id.hex())
        return stored, refused


def _columns(records: Iterable[Record]) -> list[Any]:
    """:raises DataError: one of them can never be stored."""
    rows = list(records)
    return [
        uuids([one.tenant_id for one in rows]),
        uuids([one.entry_id for one in rows]),
        texts([one.kind.encode() for one in rows]),
        instants([one.at for one in rows]),
        texts([storable_bytes(one.subject_type) for one in rows]),
        texts([storable_bytes(one.subject_id) for one in rows]),
        uuids([one.session_id for one in rows]),
        texts([without_nul(one.payload) for one in rows]),
    ]
