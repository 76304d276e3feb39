"""Telling that a limit was reached, in the transaction of the use that reached it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from licensing.models.outbox import EventKind
from licensing.outbox import emit


def tell_reached(*, tenant_id: UUID, reached: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Write an event of each limit that is used up since this use and was not before it; once in a period."""
    for one in reached:
        once = f"{one['feature']}:{one['period_start']}:{one['limit']}"
        emit(tenant_id=tenant_id, kind=EventKind.LIMIT_REACHED, payload=one, at=at, once=once)
