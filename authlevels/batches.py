"""Declared batches: several things of one action confirmed at once, each counted, and held to what was shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from authlevels.errors import BatchRefused
from authlevels.models import Elevation
from authlevels.recorded_decision import RecordedDecision
from tiergate import MIN_BATCH, BatchItem, BatchScope, ProofScope, Scope, Target


def declared_batch(decision: RecordedDecision, *, items: int) -> dict[str, Any]:
    """Write what a challenge for so many things is for, as it and its elevation keep it.

    :raises BatchRefused: the action may not be confirmed so often at once, or not at all, or this thing is too large.
    """
    spec, item, requirement = decision.batch, decision.item, decision.requirement
    if spec is None or item is None or requirement.scope != Scope.TRANSACTION or requirement.approvals:
        raise BatchRefused("This, or as large as it is, is confirmed one at a time.")
    if not MIN_BATCH <= items <= spec.max_items:
        raise BatchRefused(f"From {MIN_BATCH} to {spec.max_items} can be confirmed at once.", max_items=spec.max_items)
    return {
        "items": items,
        "resource_type": item.resource_type,
        "same": item.same,
        "per_item": dict(spec.per_item),
        "used": {},
    }


def batch_display(display: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
    """Write what a person confirms: up to so many, each at most so large, and what is the same for all."""
    items, limits = batch["items"], batch["per_item"]
    fields = [
        {**one, "value": f"at most {limits[one['name']]:,} each"} if one["name"] in limits else one
        for one in display["fields"]
    ]
    return {
        **display,
        "title": f"{display['title']}: up to {items}",
        "resource": {"type": batch["resource_type"], "id": f"up to {items}"},
        "fields": fields,
        "batch": {"items": items, "per_item": dict(limits)},
    }


def batch_scope(
    batch: Mapping[str, Any], *, action: str, left: int, until: datetime, request_id: str = ""
) -> ProofScope:
    """Read what an elevation for a batch counts for.

    left: how many more there may be. request_id: what this very request has used still counts for it.
    """
    used: Mapping[str, str] = batch["used"]
    return ProofScope(
        kind=Scope.TRANSACTION,
        action=action,
        until=until,
        batch=BatchScope(
            resource_type=batch["resource_type"],
            same=batch["same"],
            per_item=batch["per_item"],
            left=left,
            taken=tuple(used),
            own=tuple(_done(batch, item) for item, name in used.items() if request_id and name == request_id),
        ),
    )


def _done(batch: Mapping[str, Any], item: str) -> BatchItem:
    """Read one thing that was done, as large as it was then: a retry is for the very same."""
    return BatchItem(
        resource_type=batch["resource_type"],
        resource_id=item,
        same=batch["same"],
        amounts=batch.get("amounts", {}).get(item, {}),
    )


def take_from_batch(
    rows: QuerySet[Elevation], *, target: Target, name: str, request_id: str, at: datetime
) -> tuple[Elevation | None, bool]:
    """Take one thing from the first of these elevations that is for it; returns it, and whether that is a new use.

    name: under which the use is remembered. request_id: as for `batch_scope`.
    """
    waiting = rows.filter(batch__isnull=False, action=target.action).select_for_update(of=("self",))
    for row in waiting.order_by("expires_at", "id"):
        batch, left = row.batch, row.uses_allowed - row.uses
        if batch is None:
            continue
        scope = batch_scope(batch, action=row.action, left=left, until=row.expires_at, request_id=request_id)
        if target.item is None or scope.batch is None or not scope.covers(target):
            continue
        if target.item in scope.batch.own:
            return row, False
        item = target.item.resource_id
        batch["used"][item] = name
        batch["amounts"] = {**batch.get("amounts", {}), item: dict(target.item.amounts)}
        row.uses += 1
        if left == 1:
            row.used_at, row.used_by = at, name
        row.save(update_fields=["batch", "uses", "used_at", "used_by"])
        return row, True
    return None, False
