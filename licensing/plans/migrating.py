"""Move tenants from one version of a plan or add-on to another: shown first, then done as it was shown, and nothing else."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from django.db import connections
from django.db.models import Q

from isolation.api import tenant_transaction
from licensing import names
from licensing.compiled import Catalogue
from licensing.errors import CatalogueConflict, MigrationNotFound, TenantNotFound, UnknownPlan
from licensing.holdings import read_holdings
from licensing.models import PlanMigration, PlanMigrationTenant, PlanVersion, Subscription, SubscriptionAddOn, Tenant
from licensing.models.catalogue import PlanKind, VersionStatus
from licensing.models.moving import MoveState
from licensing.plans.diffing import Difference, differences
from licensing.plans.effects import Effect, effect_json, effect_of
from licensing.plans.foreseeing import floors_after
from licensing.plans.versions import get_row, parse_ref, ref_of, view_of
from licensing.subscription_rows import Held, Wanted, billed_beside, covering, held, place
from licensing.tenant_lock import lock_tenant

_SWEEP: Final = "sweep"
_CHANGED: Final = "what would happen is no longer what was shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantPreview:
    """What a move does to one tenant. digest: names it. managed_by: who bills it, and goes on as before."""

    tenant_id: UUID
    slug: str
    effect: Effect
    managed_by: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPreview:
    """What a move does: by tenant, and what differs between the versions. digest: to run just this."""

    digest: str
    from_version: str
    to_version: str
    differences: Sequence[Difference]
    tenants: Sequence[TenantPreview]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationProgress:
    """How far a move has come. refused: slugs with the reason."""

    digest: str
    from_version: str
    to_version: str
    left: int
    moved: int
    refused: Sequence[tuple[str, str]]


def preview_migration(
    *, from_version: str, to_version: str, tenants: Sequence[UUID] | None = None, at: datetime
) -> MigrationPreview:
    """Show what moving tenants to another version would do to each, and keep it to be run by its digest.

    tenants: these alone, of whom those are left out who are not on the version; None for all who are on it, found
        by the sweep's role.
    :raises VersionNotFound: there is no such version. :raises TenantNotFound: one of the tenants is none.
    :raises UnknownPlan: the version to move to is not published, or one is a plan's and the other an add-on's.
    :raises CatalogueConflict: both are one version, or nobody here may look through all tenants.
    """
    old, new = get_row(parse_ref(from_version)), get_row(parse_ref(to_version))
    if old.kind != new.kind or new.status != VersionStatus.PUBLISHED:
        raise UnknownPlan(f"{ref_of(new)} is no published version to move to.", plan=new.plan.key)
    if old.id == new.id:
        raise CatalogueConflict(f"{ref_of(old)} is the same version.")
    shown = []
    catalogue: Catalogue | None = None
    for tenant_id in sorted(_who_is_on(old, at) if tenants is None else set(tenants)):
        with tenant_transaction(tenant_id, snapshot=True):
            found, catalogue = _look(tenant_id, old, new, at=at, known=catalogue)
        if found is not None:
            shown.append(found)
    migration = uuid4()
    digest = _digest([str(migration), *(one.digest for one in shown)])
    PlanMigration.objects.create(id=migration, digest=digest, from_version=old, to_version=new, made_at=at)
    PlanMigrationTenant.objects.bulk_create(
        PlanMigrationTenant(migration_id=migration, tenant_id=one.tenant_id, digest=one.digest) for one in shown
    )
    return MigrationPreview(
        digest=digest,
        from_version=str(ref_of(old)),
        to_version=str(ref_of(new)),
        differences=differences(view_of(old), view_of(new)),
        tenants=shown,
    )


def run_migration(*, digest: str, by: str, at: datetime, limit: int = 100) -> MigrationProgress:
    """Move the next tenants of a move that was shown, each in a transaction of its own; call again until none is left.

    A tenant for whom something else would happen than was shown is refused, and stays where it is. Stopped anywhere,
    it goes on where it was; two at once move nobody twice.

    digest: the preview's. limit: tenants at most.
    :raises MigrationNotFound: no such preview was made.
    """
    migration = _get(digest)
    author = names.text(by, "author", may_be_empty=False)
    waiting = migration.tenants.filter(state=MoveState.PLANNED).order_by("tenant_id")
    catalogue: Catalogue | None = None
    for tenant_id in list(waiting.values_list("tenant_id", flat=True)[: max(0, limit)]):
        catalogue = _move(migration, tenant_id, by=author, at=at, known=catalogue)
    return _progress(migration)


def get_migration(*, digest: str) -> MigrationProgress:
    """Tell how far a move has come.

    :raises MigrationNotFound: no such preview was made.
    """
    return _progress(_get(digest))


def _move(
    migration: PlanMigration, tenant_id: UUID, *, by: str, at: datetime, known: Catalogue | None
) -> Catalogue | None:
    old, new = migration.from_version, migration.to_version
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        item = migration.tenants.select_for_update().filter(tenant_id=tenant_id, state=MoveState.PLANNED).first()
        if item is None:
            return known
        found, catalogue = _look(tenant_id, old, new, at=at, known=known)
        is_for_sale = PlanVersion.objects.filter(id=new.id, status=VersionStatus.PUBLISHED).exists()
        before = held(covering(tenant_id, at))
        item.done_at = at
        if before is None or found is None or found.digest != item.digest or not is_for_sale:
            item.state, item.why = MoveState.REFUSED, _CHANGED
        else:
            item.state = MoveState.MOVED
            because = f"moved with {migration.digest[:12]}"
            place(tenant_id, before, _moved(before, old, new), begins=at, by=by, at=at, because=because)
        item.save(update_fields=["state", "why", "done_at"])
        return catalogue


def _moved(before: Held, old: PlanVersion, new: PlanVersion) -> Wanted:
    row, beside = before.row, list(before.versions[1:])
    billed, billed_then = row.billed_version_id, billed_beside(row)
    if new.kind == PlanKind.PLAN:
        billed = (billed or row.plan_version_id) if row.managed_by else None
    elif row.managed_by:
        billed_then[new.id] = billed_then.pop(old.id, old.id)
        if billed_then[new.id] == new.id:
            del billed_then[new.id]
    is_add_on = new.kind == PlanKind.ADD_ON
    return Wanted(
        plan=before.versions[0] if is_add_on else new,
        beside=sorted({new if one.id == old.id else one for one in beside}, key=lambda one: (one.plan.key, one.number)),
        billed_beside=billed_then,
        status=row.status,
        active_to=row.active_to,
        managed_by=row.managed_by,
        external_id=row.external_id,
        current_period_start=row.current_period_start,
        current_period_end=row.current_period_end,
        trial_ends_at=row.trial_ends_at,
        cancel_at=row.cancel_at,
        grace_until=row.grace_until,
        billed_version_id=None if billed == new.id else billed,
    )


def _look(
    tenant_id: UUID, old: PlanVersion, new: PlanVersion, *, at: datetime, known: Catalogue | None
) -> tuple[TenantPreview | None, Catalogue | None]:
    """Find out what the move would do to one tenant, in its transaction; None where it is not on the version."""
    row = covering(tenant_id, at)
    taken = None if row is None else _held_as(row, old)
    if row is None or taken is None:
        if row is None and not Tenant.objects.filter(id=tenant_id).exists():
            raise TenantNotFound("There is no such tenant.")
        return None, known
    before = read_holdings(tenant_id, known=known, since=at)
    after = read_holdings(tenant_id, known=before.catalogue, since=at, instead={taken: new.id})
    floors = floors_after(after.floors, before.catalogue, old=[old.id], new=[new.id])
    effect = effect_of(
        before.resolve(at).entitlements,
        replace(after, floors=floors).resolve(at).entitlements,
    )
    # Between the two readings something else may have changed: then it is nothing that was shown.
    is_one_state = str(before.generations == after.generations)
    told = json.dumps(effect_json(effect), sort_keys=True)
    digest = _digest([str(tenant_id), str(row.id), str(row.status), str(old.id), str(new.id), is_one_state, told])
    slug = before.tenant.slug
    preview = TenantPreview(
        tenant_id=tenant_id, slug=slug, effect=effect, managed_by=str(row.managed_by), digest=digest
    )
    return preview, before.catalogue


def _held_as(row: Subscription, version: PlanVersion) -> UUID | None:
    """Find by which row a subscription holds a version; None where it does not."""
    if version.kind == PlanKind.PLAN:
        return row.id if row.plan_version_id == version.id else None
    found: UUID | None = (
        SubscriptionAddOn.objects.filter(subscription=row, plan_version=version).values_list("id", flat=True).first()
    )
    return found


def _who_is_on(version: PlanVersion, at: datetime) -> set[UUID]:
    if _SWEEP not in connections:
        raise CatalogueConflict("DATABASE_SWEEP_URL is not set: the sweep's role alone finds who is on a version.")
    held = Q(plan_version_id=version.id) if version.kind == PlanKind.PLAN else Q(add_ons__plan_version_id=version.id)
    rows = Subscription.objects.using(_SWEEP).filter(held, active_from__lte=at)
    return set(rows.filter(Q(active_to__isnull=True) | Q(active_to__gt=at)).values_list("tenant_id", flat=True))


def _get(digest: str) -> PlanMigration:
    migration = (
        PlanMigration.objects.select_related("from_version__plan", "to_version__plan").filter(digest=digest).first()
        if digest.isalnum()
        else None
    )
    if migration is None:
        raise MigrationNotFound("No preview of this digest was made: preview it, and run what was shown.")
    return migration


def _progress(migration: PlanMigration) -> MigrationProgress:
    states = list(migration.tenants.values_list("state", flat=True))
    refused = migration.tenants.select_related("tenant").filter(state=MoveState.REFUSED).order_by("tenant__slug")
    return MigrationProgress(
        digest=migration.digest,
        from_version=str(ref_of(migration.from_version)),
        to_version=str(ref_of(migration.to_version)),
        left=states.count(MoveState.PLANNED),
        moved=states.count(MoveState.MOVED),
        refused=[(one.tenant.slug, one.why) for one in refused],
    )


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
