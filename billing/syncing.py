"""Making what a tenant has what Stripe says: mark, lease, look, fetch, store with a fence, and again while marked.

Events say only that something changed. Their instants have whole seconds, they come twice, late, in any order or not at
all; so none of them is ever applied. And since a slow older fetch may end after a newer one, a fetch alone is not
enough: `billing.leases` decides which may be stored.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog

import audit.api
from billing import leases
from billing.closing import end_if_closed
from billing.gateway import Reader
from billing.leases import Lease, Look
from billing.metrics import SYNCS
from billing.models import Snapshot
from billing.prices import sold_in
from billing.settling import Settled, Unsettled, settle
from billing.state import State, state_json
from billing.trying import tried_once
from isolation.api import tenant_transaction
from licensing import api as licensing
from tiergate import TiergateError

MOST_ROUNDS: Final = 2
"""One purchase is eight webhooks: whoever is marked again and again is given back, and waits behind the others."""

type Clock = Callable[[], datetime]

_log = structlog.get_logger(__name__)


class Result(StrEnum):
    """How a sync ended."""

    SETTLED = "settled"
    HELD = "held"
    LOST = "lost"
    FAILED = "failed"
    BUSY = "busy"


def sync_tenant(*, tenant_id: UUID, gateway: Reader, clock: Clock) -> Result:
    """Read one tenant's state now, unless somebody is reading it, and settle what it has."""
    lease = leases.take(tenant_id=tenant_id, owner=_owner(), at=clock())
    return Result.BUSY if lease is None else sync(lease, gateway=gateway, clock=clock)


def work_off(*, gateway: Reader, clock: Clock, until: datetime) -> int:
    """Sync whoever is marked, one after the other, until nobody is or ``until`` has come; return how many were."""
    owner, count = _owner(), 0
    while clock() < until:
        lease = leases.take_next(owner=owner, at=clock())
        if lease is None:
            break
        sync(lease, gateway=gateway, clock=clock)
        count += 1
    return count


def sync(lease: Lease, *, gateway: Reader, clock: Clock) -> Result:
    """Read and store a leased customer's state until nothing has marked it meanwhile. It raises nothing of Stripe's."""
    result = Result.LOST
    try:
        for _ in range(MOST_ROUNDS):
            seen = leases.look(lease, at=clock())
            if seen is None:
                return _counted(Result.LOST)
            # No transaction is open here, and no lock held, however long Stripe takes.
            state = gateway.subscriptions_of(lease.stripe_id)
            stored = _store(lease, seen, state, at=clock())
            if stored is None:
                return _counted(Result.LOST)
            result, is_marked = stored
            if not is_marked:
                return _counted(result)
        leases.release(lease)
    except TiergateError as error:
        _fail(lease, f"{error.code}: {error.detail}", at=clock())
        return _counted(Result.FAILED)
    except Exception as error:  # noqa: BLE001 - one customer's odd state holds up no other's
        _log.exception("billing_sync_broke", customer=lease.stripe_id)
        _fail(lease, f"{type(error).__name__}", at=clock())
        return _counted(Result.FAILED)
    return _counted(result)


def _store(lease: Lease, seen: Look, state: State, *, at: datetime) -> tuple[Result, bool] | None:
    """Store a state and settle it, in one transaction; None where a newer one is there, or somebody else reads."""
    with tenant_transaction(lease.tenant_id, durable=True):
        found = settle(state, sold=sold_in(state), at=at)
        # Whoever finds the customer locked by a newer lease waits here, and then stores nothing.
        is_marked = leases.store(lease, seen, problem=found.problem, at=at)
        if is_marked is None:
            return None
        before = Snapshot.objects.filter(tenant_id=lease.tenant_id).first()
        settled, known = (None, "") if before is None else (before.settled, before.problem)
        if isinstance(found, Settled):
            found = tried_once(lease.tenant_id, found, state, at=at)
            if found.problem:
                leases.call_for(lease, problem=found.problem, at=at)
            _settle(lease.tenant_id, found, at=at)
            settled = msgspec.to_builtins(found)
        # Whatever it is of: what cannot be told to the end is paid for all the same.
        end_if_closed(lease.tenant_id, state, at=at)
        _keep(
            lease, before, {"fetched_at": seen.read_at, "state": state_json(state), "settled": settled}, found.problem
        )
        if found.problem and found.problem != known:
            _tell(lease, found, at=at)
    return (Result.HELD if isinstance(found, Unsettled) else Result.SETTLED), is_marked


def _settle(tenant_id: UUID, found: Settled, *, at: datetime) -> None:
    members: dict[str, Any] = asdict(found)
    members.pop("problem")
    licensing.settle_subscription(tenant_id=tenant_id, managed_by="stripe", at=at, **members)


def _keep(lease: Lease, before: Snapshot | None, columns: dict[str, Any], problem: str) -> None:
    row = before or Snapshot(id=uuid4(), tenant_id=lease.tenant_id)
    for name, value in {**columns, "fence": lease.fence, "problem": problem}.items():
        setattr(row, name, value)
    row.save(force_insert=before is None)


def _tell(lease: Lease, found: Settled | Unsettled, *, at: datetime) -> None:
    """Call a person: by the trail here, by the figure of dead letters, by the list of them."""
    kept = isinstance(found, Unsettled)
    _log.error("billing_held" if kept else "billing_odd", customer=lease.stripe_id, problem=found.problem)
    audit.api.append(
        tenant_id=lease.tenant_id,
        kind=audit.api.Kind.BILLING_HELD,
        at=at,
        payload={"by": "billing", "customer": lease.stripe_id, "problem": found.problem, "kept": kept},
    )


def _fail(lease: Lease, error: str, *, at: datetime) -> None:
    attempts = leases.fail(lease, error=error, at=at)
    say = _log.error if attempts is not None and attempts >= leases.CALLED_AFTER else _log.warning
    say("billing_sync_failed", customer=lease.stripe_id, attempts=attempts, error=error)


def _counted(result: Result) -> Result:
    SYNCS.labels(result).inc()
    return result


def _owner() -> str:
    return uuid4().hex
