"""A transaction that serves one tenant."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from isolation.errors import CrossTenantError
from isolation.roles import TENANT_SETTING

_NOBODY: Final[Mapping[str, UUID]] = MappingProxyType({})
_serving: ContextVar[Mapping[str, UUID]] = ContextVar("serving", default=_NOBODY)

_SET: Final = f"SELECT set_config('{TENANT_SETTING}', %s, true)"
# In one round trip, and in this order: what was named before, and the tenant to serve.
_NAME: Final = f"SELECT nullif(current_setting('{TENANT_SETTING}', true), ''), set_config('{TENANT_SETTING}', %s, true)"
_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


def current_tenant_id(*, using: str = DEFAULT_DB_ALIAS) -> UUID | None:
    """Tell which tenant this transaction serves; None outside any."""
    return _serving.get().get(using)


@contextmanager
def tenant_transaction(
    tenant_id: UUID,
    *,
    using: str = DEFAULT_DB_ALIAS,
    durable: bool = False,
    snapshot: bool = False,
    savepoint: bool = True,
) -> Iterator[None]:
    """Open a transaction in which the rows of one tenant, and of no other, can be seen and written.

    Inside a transaction of the same tenant it joins that one, as a savepoint.

    durable: refuse to be nested, so that what is written is committed when the block ends.
    savepoint: False joins without one, for what only reads: two statements less.
    snapshot: repeatable read and read-only, so that all its queries see one instant. It must be outermost.
    :raises CrossTenantError: inside a transaction of another tenant, or on a connection that names one for good.
    """
    serving = _serving.get()
    held = serving.get(using)
    if held is not None and held != tenant_id:
        raise CrossTenantError("This transaction already serves another tenant.")
    if held is not None and not (savepoint or durable or snapshot):
        yield
        return
    connection = connections[using]
    within_another = connection.in_atomic_block
    with transaction.atomic(using=using, durable=durable or snapshot):
        if held is not None:
            yield
            return
        with connection.cursor() as cursor:
            if snapshot:
                cursor.execute(_SNAPSHOT)
            cursor.execute(_NAME, [str(tenant_id)])
            named = cursor.fetchone()
        if named is None or named[0] is not None:
            # Somebody named a tenant for longer than a transaction, which no code of ours does. Whatever else they
            # left there goes with the connection: closed by the driver, a pool does not give it out again.
            connection.connection.close()
            raise CrossTenantError("This connection named a tenant before it was asked to serve one.")
        token = _serving.set({**serving, using: tenant_id})
        try:
            yield
        finally:
            _serving.reset(token)
        # Reached on success alone: a rollback takes the setting back by itself. The transaction around this
        # one goes on, and must not go on seeing the tenant's rows.
        if within_another and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(_SET, [""])
