"""The end of a reservation: used, given back, or expired."""

import json
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from isolation.api import Text, by_itself, tenant_row, tenant_transaction
from licensing.errors import InvalidQuantity, UsageExpired, UsageNotFound, UsageSettled
from licensing.models import UsageEntry
from licensing.models.usage import UsageState
from licensing.usage.counting import MAX_QUANTITY
from licensing.usage.taking import Consumed, read_use

_SETTLE: Final = "licensing_usage_settle(%s, %s, %s, %s::bigint, %s)"
_EXPIRE: Final = "licensing_usage_expire(%s, %s, '[]')"
_AT_ONCE: Final = 500


def commit(*, tenant_id: UUID, usage_id: UUID, quantity: int | None = None, at: datetime) -> Consumed:
    """Use what a reservation holds; again changes nothing.

    quantity: less than is held, of a reservation of one feature; the rest is given back. None: all of it.
    :raises UsageExpired: its time is over, and others may have what it held.
    :raises UsageSettled: it was released, or committed with another quantity, or was never a reservation.
    :raises UsageNotFound: there is no such use. :raises InvalidQuantity: more than is held, or nothing.
    """
    if quantity is not None and (type(quantity) is not int or not 1 <= quantity <= MAX_QUANTITY):
        raise InvalidQuantity(f"A quantity is a whole number from 1 to {MAX_QUANTITY}.")
    told = _settled(tenant_id, usage_id, UsageState.COMMITTED, quantity, at)
    if told.get("state") == UsageState.EXPIRED:
        raise UsageExpired("The reservation has expired; nothing of it was used.")
    return _read(told)


def release(*, tenant_id: UUID, usage_id: UUID, at: datetime) -> Consumed:
    """Give back what a reservation holds; again changes nothing, nor where it has expired by itself.

    :raises UsageSettled: it was used already. :raises UsageNotFound: there is no such use.
    """
    told = _settled(tenant_id, usage_id, UsageState.RELEASED, None, at)
    if told.get("state") == UsageState.EXPIRED:
        told = _settled(tenant_id, usage_id, UsageState.EXPIRED, None, at)
    return _read(told)


def expire_reservations(*, at: datetime) -> int:
    """Give back what is reserved beyond its time, of every tenant, and return how many lines; again changes nothing.

    Each use does so for its own tenant; this is for tenants that use nothing more.
    """
    over = UsageEntry.objects.using("sweep").filter(state=UsageState.RESERVED, expires_at__lte=at)
    tenant_ids = sorted(set(over.order_by("expires_at").values_list("tenant_id", flat=True)[:_AT_ONCE]))
    count = 0
    for tenant_id in tenant_ids:
        with by_itself("reservation", tenant_id=tenant_id):
            count += _expired(tenant_id, at)
    return count


def _expired(tenant_id: UUID, at: datetime) -> int:
    with tenant_transaction(tenant_id):
        return int(tenant_row(tenant_id, _EXPIRE, [tenant_id, at])[0])


def _settled(tenant_id: UUID, usage_id: UUID, state: UsageState, quantity: int | None, at: datetime) -> dict[str, Any]:
    asked: list[Text] = [tenant_id, usage_id, state.value, None if quantity is None else str(quantity), at]
    told: dict[str, Any] = json.loads(tenant_row(tenant_id, _SETTLE, asked)[0])
    return told


def _read(told: dict[str, Any]) -> Consumed:
    match told["outcome"]:
        case "missing":
            raise UsageNotFound("The tenant has no such use.")
        case "settled":
            raise UsageSettled(f"This use was {told['state']} already.", state=told["state"])
        case "quantity":
            raise InvalidQuantity("Of a reservation of one feature at most what it holds can be used.")
    return read_use(told)
