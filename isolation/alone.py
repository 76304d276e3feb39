"""Work for many tenants or rows, one after the other: one that raises holds up no other, and is tried again by the next run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connection
from prometheus_client import Counter

FAILURES: Final = Counter("tiergate_row_failures_total", "Rows of a task's work that raised.", ["work"])

_log = structlog.get_logger(__name__)


@contextmanager
def by_itself(work: str, *, tenant_id: UUID, row_id: UUID | None = None) -> Iterator[None]:
    """Count and log what the block raises, and go on behind it.

    :raises django.db.DatabaseError: the database is away, which is no row's fault.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, DatabaseError) and not connection.is_usable():
            raise
        FAILURES.labels(work).inc()
        _log.exception("row_failed", work=work, tenant=str(tenant_id), row=str(row_id or ""))
