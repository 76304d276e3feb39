"""Tell what a tenant may use now, and what it asks, where that is otherwise than was told last.

Doors tell in their own transaction. What no door does (a trial runs out, an override begins, the catalogue asks more
of a feature) is found by `tell_waiting`, by the same comparison: so nothing is told twice, and nothing is forgotten.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, connections

from isolation.api import by_itself, tenant_transaction
from licensing.compiled import CATALOGUE_SCOPE, CONTENT_SCOPE
from licensing.holdings import TenantSnapshot
from licensing.models.outbox import EventKind, OutboxEvent, ToldStanding
from licensing.names import VENDOR_TENANT_ID
from licensing.outbox import emit
from licensing.snapshots import parse_version, snapshot_at
from tiergate import Entitlement, Requirement, join

type Standing = dict[str, dict[str, Any]]

BATCH: Final = 200
_SWEEP: Final = "sweep"
_NOT_GRANTED: Final[Mapping[str, Any]] = {
    "granted": False,
    "value": None,
    "limit": None,
    "unlimited": False,
    "per": None,
    "overage": False,
    "rollover": None,
    "level": None,
}

# Whoever is first writes the row; whoever comes at the same time waits for it.
_BEGIN: Final = """
    INSERT INTO licensing_told_standing (id, tenant_id, catalogue, generation, features, told_at)
    VALUES (%s, %s, 0, 0, '{}', %s) ON CONFLICT DO NOTHING
"""
_BEHIND: Final = """
    SELECT t.id FROM licensing_tenant t
    LEFT JOIN licensing_generation g ON g.scope = t.id
    LEFT JOIN licensing_told_standing s ON s.tenant_id = t.id
    WHERE t.id <> %s AND (s.id IS NULL OR s.generation <> coalesce(g.number, 0) OR s.next_change_at <= %s
        OR s.catalogue <> coalesce((SELECT number FROM licensing_generation WHERE scope = %s),
            (SELECT number FROM licensing_generation WHERE scope = %s), 0))
    ORDER BY s.told_at NULLS FIRST LIMIT %s
"""
_SAME_TRANSACTION: Final = """
    SELECT id FROM licensing_outbox_event
    WHERE tenant_id = %s AND kind = %s AND transaction = pg_current_xact_id()::text::bigint AND handed_out_at IS NULL
"""


def tell_changes(*, tenant_id: UUID, at: datetime, is_first_told: bool = True) -> bool:
    """Compare what the tenant holds at ``at`` with what was told last, and write the events that are owed.

    Call it in the tenant's transaction, after the change. Several changes of one transaction are told together.
    Returns whether anything was to be told.

    is_first_told: False to take what is found, where nothing was ever told, for known.
    :raises TenantNotFound: there is no such tenant.
    """
    with tenant_transaction(tenant_id):
        row, is_first = _locked(tenant_id, at)
        # Read behind the lock, so that of two at once the later one sees what the earlier one has told.
        snapshot = snapshot_at(tenant_id=tenant_id, at=at)
        now, before = standing_of(snapshot), row.features
        is_told = now != before and (is_first_told or not is_first)
        if is_told:
            _tell(tenant_id, before, now, at)
        _note(row, snapshot, now, at)
        return is_told


def tell_waiting(*, at: datetime, limit: int = BATCH) -> int:
    """Tell what changed by time, or with the catalogue, of whichever tenants are behind; return how many were looked at."""
    with connections[_SWEEP].cursor() as cursor:
        cursor.execute(_BEHIND, [VENDOR_TENANT_ID, at, CONTENT_SCOPE, CATALOGUE_SCOPE, limit])
        behind = [UUID(str(row[0])) for row in cursor.fetchall()]
    for tenant_id in behind:
        with by_itself("changes", tenant_id=tenant_id):
            tell_changes(tenant_id=tenant_id, at=at, is_first_told=False)
    return len(behind)


def tenants_asked_more(*, since: datetime) -> list[UUID]:
    """List the tenants of whom something that is granted asks for more than it did before ``since``. By the sweep's role."""
    told = OutboxEvent.objects.using(_SWEEP).filter(kind=EventKind.ASSURANCE_CHANGED.value, at__gte=since)
    return sorted(
        {
            tenant_id
            for tenant_id, payload in told.values_list("tenant_id", "payload")
            if any(one["direction"] != "fell" for one in payload["features"].values())
        }
    )


def standing_of(snapshot: TenantSnapshot) -> Standing:
    """Write what is granted, and what it asks, by feature; what is not granted is left out."""
    return {key: _state(one) for key, one in sorted(snapshot.entitlements.items()) if one.is_granted}


def changed_entitlements(before: Standing, now: Standing) -> dict[str, dict[str, Any]]:
    """Name the features whose grant, value, limit (and how it is counted) or level is otherwise, each with ``old`` and ``new``."""
    found = {}
    for key in sorted({*before, *now}):
        old, new = _shown(before.get(key)), _shown(now.get(key))
        if old != new:
            found[key] = {"old": old, "new": new}
    return found


def changed_assurance(before: Standing, now: Standing) -> dict[str, dict[str, Any]]:
    """Name the features that are granted and ask for more, or less, than they did.

    One that is granted no more asks nothing of anybody: that is told with the entitlements alone.
    """
    found = {}
    for key, state in sorted(now.items()):
        old, new = (before.get(key) or {}).get("requirement"), state["requirement"]
        if old != new:
            found[key] = {"direction": _direction(old, new), "old": old, "new": new}
    return found


def _state(one: Entitlement) -> dict[str, Any]:
    asked = join(one.contributions)
    return {
        "value": one.value,
        "limit": one.limit,
        "unlimited": one.unlimited,
        "per": one.reset_period.value if one.reset_period else None,
        "overage": one.overage,
        "rollover": one.rollover,
        "requirement": None if asked is None else asked.to_json(),
    }


def _shown(state: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if state is None:
        return _NOT_GRANTED
    asked = state["requirement"]
    level = str(Requirement.from_json(asked).level.value) if asked else None
    said = {name: state[name] for name in _NOT_GRANTED.keys() & state.keys()}
    return {**_NOT_GRANTED, **said, "granted": True, "level": level}


def _direction(old: dict[str, Any] | None, new: dict[str, Any] | None) -> str:
    was, will_be = Requirement.from_json(old or {}), Requirement.from_json(new or {})
    if will_be.is_at_least(was):
        return "rose"
    return "fell" if was.is_at_least(will_be) else "changed"


def _locked(tenant_id: UUID, at: datetime) -> tuple[ToldStanding, bool]:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [uuid4(), tenant_id, at])
        is_first = cursor.rowcount > 0
    return ToldStanding.objects.select_for_update().get(tenant_id=tenant_id), is_first


def _note(row: ToldStanding, snapshot: TenantSnapshot, now: Standing, at: datetime) -> None:
    # Rules that are put in force change nothing of what a tenant holds: nobody is looked at again for them.
    pair = snapshot.catalogue_content, parse_version(snapshot.version).tenant
    if (row.catalogue, row.generation, row.features, row.next_change_at) != (*pair, now, snapshot.next_change_at):
        row.catalogue, row.generation = pair
        row.features, row.told_at, row.next_change_at = now, at, snapshot.next_change_at
        row.save(update_fields=["catalogue", "generation", "features", "told_at", "next_change_at"])


def _tell(tenant_id: UUID, before: Standing, now: Standing, at: datetime) -> None:
    for kind, features in (
        (EventKind.ENTITLEMENTS_CHANGED, changed_entitlements(before, now)),
        (EventKind.ASSURANCE_CHANGED, changed_assurance(before, now)),
    ):
        _emit_together(tenant_id, kind, features, now, at)


def _emit_together(
    tenant_id: UUID, kind: EventKind, features: dict[str, dict[str, Any]], now: Standing, at: datetime
) -> None:
    """Write one event; where this transaction has written one of the kind already, put both into one."""
    with connection.cursor() as cursor:
        cursor.execute(_SAME_TRANSACTION, [tenant_id, kind.value])
        found = cursor.fetchone()
    if found is not None:
        earlier = OutboxEvent.objects.get(id=found[0])
        features = _together(kind, earlier.payload["features"], features, now)
        earlier.delete()
    if features:
        emit(tenant_id=tenant_id, kind=kind, payload={"features": features}, at=at)


def _together(
    kind: EventKind, earlier: Mapping[str, dict[str, Any]], later: Mapping[str, dict[str, Any]], standing: Standing
) -> dict[str, dict[str, Any]]:
    joined = {}
    for key in sorted({*earlier, *later}):
        old = (earlier.get(key) or later[key])["old"]
        new = (later.get(key) or earlier[key])["new"]
        if old != new and kind == EventKind.ENTITLEMENTS_CHANGED:
            joined[key] = {"old": old, "new": new}
        elif old != new and key in standing:
            joined[key] = {"direction": _direction(old, new), "old": old, "new": new}
    return joined
