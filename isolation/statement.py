"""One statement, for one tenant or for none: a transaction of its own, in one round trip."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from isolation.borrowed import lender
from isolation.prepared import Text, ask_texts
from isolation.tenancy import current_tenant_id, tenant_transaction


def tenant_row(tenant_id: UUID, columns: str, parameters: Sequence[Text], *, using: str = DEFAULT_DB_ALIAS) -> Any:
    """Select ``columns`` as a tenant, and return the one row; each column must be text, or nothing.

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
            return _row(connection, _serving(columns), [*parameters, tenant_id])
    return _row(connection, _serving(columns), [*parameters, tenant_id])


def global_row(columns: str, parameters: Sequence[Text], *, using: str = DEFAULT_DB_ALIAS) -> Any:
    """Select ``columns`` of what belongs to no tenant, and return the one row; each column must be text, or nothing.

    columns: constant in the code, with ``%s`` for parameters.
    :raises django.db.DatabaseError: it failed.
    """
    return _row(connections[using], _selecting(columns), list(parameters))


def _row(connection: BaseDatabaseWrapper, sql: str, parameters: list[Text]) -> Any:
    if connection.execute_wrappers:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone()
    lending = None if connection.in_atomic_block else lender(connection.alias)
    if lending is None:
        return _asked(connection, sql, parameters)
    with lending.lent() as lent:
        return _asked(lent, sql, parameters)


def _asked(connection: BaseDatabaseWrapper, sql: str, parameters: list[Text]) -> Any:
    connection.ensure_connection()
    try:
        with connection.wrap_database_errors:
            return ask_texts(connection.connection, sql, parameters)
    except BaseException:
        if not connection.in_atomic_block:
            # No end of a request may come to look whether it is still good: a pool makes a new one.
            connection.close()
        raise


@cache
def _serving(columns: str) -> str:
    return f"SELECT {columns} FROM isolation_serve(%s)"  # noqa: S608 - constant in the code, as tenant_row asks


@cache
def _selecting(columns: str) -> str:
    return f"SELECT {columns}"  # constant in the code, as global_row asks
