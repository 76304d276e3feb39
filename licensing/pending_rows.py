"""A scheduled change that something else has overtaken."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import audit.api
from licensing.models import PendingChange, PlanVersion
from licensing.models.pending import ChangeState


def open_change(tenant_id: UUID) -> PendingChange | None:
    """Find the change that is to come, under the tenant's lock; None for none."""
    return (
        PendingChange.objects.select_related("plan_version__plan")
        .filter(tenant_id=tenant_id, state=ChangeState.OPEN)
        .first()
    )


def close(change: PendingChange, state: ChangeState, *, at: datetime) -> None:
    """Let a change be over."""
    change.state, change.closed_at = state, at
    change.save(update_fields=["state", "closed_at"])


def named(change: PendingChange) -> str | None:
    """Write the version that a tenant is to be on; None for an end."""
    return None if change.plan_version is None else str(change.plan_version)


def close_overtaken(tenant_id: UUID, before: PlanVersion | None, now: Sequence[PlanVersion], *, at: datetime) -> None:
    """See to the change that was to come when a tenant's plan changes: it has come, or never will, or still waits.

    before: the plan that the tenant was on. now: the versions that it is on, the plan's first; none: it is on nothing.
    """
    change = open_change(tenant_id)
    if change is None:
        return
    if {one.id for one in now} == {change.plan_version_id, *change.add_ons}:  # an end is none of what is held
        close(change, ChangeState.APPLIED, at=at)
    elif before is None or not now or before.plan_id != now[0].plan_id:
        close(change, ChangeState.CANCELLED, at=at)
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.CHANGE_CANCELLED,
            at=at,
            payload={"by": change.by, "plan": named(change), "because": "another change came before it"},
        )
