"""Calls that Stripe is owed: written in the transaction that decided on them, made until they are answered.

A process that dies between the decision and the call, or between the call and its answer, loses nothing: the next one
makes it again under the same idempotency key, which Stripe answers with the first answer. After its key has expired, a
day later, a call that may have been made is not repeated: a person looks at it.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q

from billing import dirty
from billing.customers import link_customer
from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway import StripeGateway
from billing.leases import is_over
from billing.models import Call
from billing.owing import Operation
from billing.syncing import Clock
from isolation.api import tenant_transaction
from tiergate import TiergateError

SWEEP: Final = "sweep"
LEASE: Final = timedelta(seconds=60)
BATCH: Final = 20
FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(minutes=30)
KEY_LASTS: Final = timedelta(hours=23)

_log = structlog.get_logger(__name__)


def make_calls(*, gateway: StripeGateway, clock: Clock) -> int:
    """Make the calls that are due, each until it is answered, and return how many were."""
    return sum(_make(one, gateway=gateway, at=clock()) for one in _due(clock()))


def call_now(*, tenant_id: UUID, purpose: str, gateway: StripeGateway, at: datetime) -> None:
    """Make a call now that was written down, for somebody who waits for what it brings; a worker may do so too.

    Both make it by the same key, so that it is made once.

    :raises StripeUnavailable: :raises StripeRefused:
    """
    with tenant_transaction(tenant_id):
        call = Call.objects.filter(tenant_id=tenant_id, purpose=purpose, done_at=None).first()
    if call is not None:
        _take(call, _ask(call, gateway), at=at)


def is_given_up(*, call_id: UUID) -> bool:
    """Say whether there is such a call that was given up. By the sweep's role."""
    return Call.objects.using(SWEEP).filter(id=call_id, dead_at__isnull=False).exists()


def replay_call(*, call_id: UUID, at: datetime) -> bool:
    """Have a call that was given up made again, under the same key, and return whether there is one."""
    given_up = Call.objects.using(SWEEP).filter(id=call_id, dead_at__isnull=False)
    return bool(given_up.update(dead_at=None, next_try_at=at, created_at=at, lease_until=None))


def _due(at: datetime) -> list[Call]:
    free = Q(lease_until__isnull=True) | is_over("lease_until", at=at, longest=LEASE)
    awaited = is_over("next_try_at", at=at, longest=LONGEST_PAUSE)
    due = Call.objects.using(SWEEP).filter(free, awaited, done_at=None, dead_at=None)
    with transaction.atomic(using=SWEEP):
        ids = [row.id for row in due.select_for_update(skip_locked=True).order_by("next_try_at")[:BATCH]]
        Call.objects.using(SWEEP).filter(id__in=ids).update(lease_until=at + LEASE, attempts=F("attempts") + 1)
    return list(Call.objects.using(SWEEP).filter(id__in=ids).order_by("created_at"))


def _make(call: Call, *, gateway: StripeGateway, at: datetime) -> bool:
    try:
        _refuse_expired(call, at=at)
        _take(call, _ask(call, gateway), at=at)
    except StripeUnavailable as error:
        _put_off(call, error.detail, at=at)
        _log.warning("call_not_made", operation=call.operation, attempts=call.attempts, error=error.code)
        return False
    except TiergateError as error:
        _note(call, dead_at=at, last_error=f"{error.code}: {error.detail}")
        _log.error("call_given_up", operation=call.operation, call=str(call.id), error=error.code)
        return False
    except Exception as error:  # noqa: BLE001 - one odd call holds up no other; when its key expires, a person looks at it
        _put_off(call, type(error).__name__, at=at)
        _log.exception("call_broke", operation=call.operation, call=str(call.id))
        return False
    return True


def _refuse_expired(call: Call, *, at: datetime) -> None:
    if call.created_at < at - KEY_LASTS:
        raise StripeRefused("Its idempotency key has expired: whether it was done has to be looked up.")


def _ask(call: Call, gateway: StripeGateway) -> dict[str, Any]:
    asked, key = call.parameters, str(call.id)
    match call.operation:
        case Operation.CREATE_CUSTOMER:
            return gateway.create_customer(tenant=asked["tenant"], name=asked["name"], key=key)
        case Operation.UPDATE_CUSTOMER:
            return gateway.update_customer(
                customer=asked["customer"], tenant=asked["tenant"], name=asked["name"], key=key
            )
        case Operation.CANCEL_SUBSCRIPTION:
            return gateway.cancel_subscription(subscription=asked["subscription"], key=key)
    raise StripeRefused(f"There is no operation {call.operation!r}.")


def _take(call: Call, answer: dict[str, Any], *, at: datetime) -> None:
    """Store the answer with what follows from it, both or neither."""
    with tenant_transaction(call.tenant_id, durable=True):
        if call.operation == Operation.CREATE_CUSTOMER:
            link_customer(tenant_id=call.tenant_id, stripe_id=str(answer["id"]), by="billing", at=at)
        elif customer := str(answer.get("customer") or answer.get("id") or ""):
            dirty.mark([customer], at=at)
        Call.objects.filter(id=call.id).update(
            done_at=at, lease_until=None, last_error="", answer={"id": answer.get("id")}
        )


def _put_off(call: Call, problem: str, *, at: datetime) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(call.attempts - 1, 20), LONGEST_PAUSE)
    _note(call, next_try_at=at + pause, last_error=problem)


def _note(call: Call, **columns: Any) -> None:
    Call.objects.using(SWEEP).filter(id=call.id, done_at=None).update(lease_until=None, **columns)
