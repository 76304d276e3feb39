"""One statement for one tenant: a transaction of its own, in one round trip."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import Cursor

from isolation.tenancy import current_tenant_id, tenant_transaction

_SERVING: Final = "SELECT {} FROM isolation_serve(%s)"


def tenant_row(tenant_id: UUID, columns: str, parameters: Sequence[Any], *, using: str = DEFAULT_DB_ALIAS) -> Any:
    """Select ``columns`` as a tenant, and return the one row.

    Outside any transaction it is one of its own, committed when this returns. Within one of the same tenant it is
    part of that.

    columns: calls of volatile SQL functions, constant in the code, with ``%s`` for parameters. Only inside such a
        function are the tenant's rows seen, since the statement around it is planned before it serves anybody.
    :raises CrossTenantError: inside a transaction of another tenant.
    :raises django.db.DatabaseError: it failed; whether it was committed may be unknown.
    """
    connection = connections[using]
    if connection.in_atomic_block and current_tenant_id(using=using) != tenant_id:
        with tenant_transaction(tenant_id, using=using):
            return _row(connection, columns, [*parameters, tenant_id])
    return _row(connection, columns, [*parameters, tenant_id])


def _row(connection: BaseDatabaseWrapper, columns: str, parameters: list[Any]) -> Any:
    sql = _SERVING.format(columns)
    if connection.execute_wrappers:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone()
    connection.ensure_connection()
    try:
        # Not Django's cursor, which binds in the client, so that no plan is ever kept.
        with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
            return cursor.execute(sql, parameters, prepare=True).fetchone()
    except Exception:
        if not connection.in_atomic_block:
            # No end of a request may come to look whether it is still good: a pool makes a new one.
            connection.close()
        raise
