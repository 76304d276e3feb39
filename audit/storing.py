"""Store entries that come in batches: each once, however often it comes."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, connections, transaction

from audit.encoding import storable_json
from audit.people import storable
from audit.records import Record
from isolation.api import tenant_transaction

SWEEP: Final = "sweep"

_log = structlog.get_logger(__name__)

_CALL: Final = (
    "audit_append_batch(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::uuid[], "
    "%s::text[])"
)


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
    with tenant_transaction(tenant_id, durable=True), connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT {_CALL}", _columns(records))
        (new,) = cursor.fetchone()
    return int(new)


def store_all(records: Iterable[Record]) -> int:
    """Store entries of any tenants in one transaction of the sweep's role, and say how many were new.

    :raises django.db.DatabaseError: none is stored.
    """
    with transaction.atomic(using=SWEEP), connections[SWEEP].cursor() as cursor:
        cursor.execute(f"SELECT {_CALL}", _columns(records))
        (new,) = cursor.fetchone()
    return int(new)


def store_each(records: list[Record], store: Callable[[list[Record]], int]) -> tuple[int, int]:
    """Store entries together; where the database refuses one of them for good, the others one by one.

    Returns how many were new, and how many were refused; each of those is told in the log, and held up no longer.
    :raises django.db.DatabaseError: the database takes nothing now.
    """
    try:
        return store(records) if records else 0, 0
    except (DataError, IntegrityError):
        stored = refused = 0
        for record in records:
            try:
                stored += store([record])
            except (DataError, IntegrityError):
                refused += 1
                _log.exception("entry_refused", tenant_id=record.tenant_id.hex(), entry_id=record.entry_id.hex())
        return stored, refused


def _columns(records: Iterable[Record]) -> list[list[Any]]:
    rows = [
        (
            UUID(bytes=one.tenant_id),
            UUID(bytes=one.entry_id),
            one.kind,
            one.at,
            storable(one.subject_type),
            storable(one.subject_id),
            UUID(bytes=one.session_id) if one.session_id else None,
            storable_json(one.payload),
        )
        for one in records
    ]
    return [list(column) for column in zip(*rows, strict=True)]
