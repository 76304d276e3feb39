"""The directory of tenants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, transaction

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import InvalidName, TenantNotFound
from licensing.models import Tenant as TenantRow
from licensing.models.directory import TenantStatus
from licensing.push import publish
from licensing.usage.periods import check_zone

_MAX_KNOWN: Final = 100_000
# An id may be written with as many hyphens and braces as one likes; such names are not worth the memory.
_MAX_REF: Final = 64
_known_ids: dict[str, UUID] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A customer of the vendor, or the vendor itself.

    status: ``active``, ``suspended`` or ``closed``.
    """

    id: UUID
    slug: str
    name: str
    status: str = "active"
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Say whether the tenant is served."""
        return self.status == TenantStatus.ACTIVE


def get_tenant(ref: str | UUID) -> Tenant:
    """Find a tenant by slug or id.

    :raises TenantNotFound: there is none.
    """
    row = _find(ref)
    if row is None:
        raise TenantNotFound("There is no such tenant.")
    return told(row)


def find_tenant_id(ref: str) -> UUID | None:
    """Find the id of a tenant named by slug or id; a process that has found one asks no more.

    A tenant is never deleted, and its slug never given to another: only what is not there is looked for again.
    """
    found = _known_ids.get(ref)
    if found is None:
        row = _find(ref)
        if row is None:
            return None
        if len(_known_ids) >= _MAX_KNOWN:
            _known_ids.clear()
        # Inside somebody's transaction the row may yet be rolled back.
        if not connection.in_atomic_block and len(ref) <= _MAX_REF:
            _known_ids[ref] = row.id
        found = row.id
    return found


def forget_tenants() -> None:
    """Forget whom this process has found."""
    _known_ids.clear()


def put_tenant(
    *,
    slug: str,
    name: str,
    status: str = "active",
    settings: Mapping[str, Any] | None = None,
    by: str,
    at: datetime,
) -> tuple[Tenant, bool]:
    """Create or replace a tenant; ``settings`` that are not given stay as they are.

    Returns the tenant, and whether it is new.

    :raises InvalidName: a slug that cannot be one, or is the vendor's; an unknown status or time zone.
    """
    names.slug(slug)
    if slug == names.VENDOR_SLUG:
        raise InvalidName("The slug 'vendor' is the vendor's own.")
    if status not in TenantStatus.values:
        raise InvalidName(f"A tenant is one of {', '.join(TenantStatus.values)}.")
    wanted = {"name": names.text(name, "name", may_be_empty=False), "status": status}
    if settings is not None:
        wanted["settings"] = names.json_value(dict(settings))
        check_zone(settings)
    author = names.text(by, "author", may_be_empty=False)
    with transaction.atomic():
        row, created = TenantRow.objects.select_for_update().get_or_create(
            slug=slug, defaults={**wanted, "id": uuid4(), "created_at": names.instant(at, "The instant")}
        )
        old = None if created else _json(row)
        for column, value in wanted.items():
            setattr(row, column, value)
        if old != _json(row):
            if not created:
                row.save(update_fields=list(wanted))
            with tenant_transaction(row.id):
                audit.api.append(
                    tenant_id=row.id,
                    kind=audit.api.Kind.TENANT_CHANGED,
                    at=at,
                    payload={"by": author, "tenant": slug, "old": old, "new": _json(row)},
                )
            publish("tenant", str(row.id))
    return told(row), created


def list_tenants(*, after: str = "", limit: int = 100) -> list[Tenant]:
    """List a page of tenants by slug, the vendor left out.

    after: the last slug of the page before. A tenant that is added meanwhile disturbs no page.
    """
    rows = TenantRow.objects.filter(slug__gt=_plain(after)).exclude(id=names.VENDOR_TENANT_ID).order_by("slug")
    return [told(row) for row in rows[: max(0, limit)]]


def told(row: TenantRow) -> Tenant:
    """Read a row of the directory."""
    return Tenant(id=row.id, slug=row.slug, name=row.name, status=str(row.status), settings=row.settings)


def _find(ref: str | UUID) -> TenantRow | None:
    known = ref if isinstance(ref, UUID) else names.as_uuid(ref)
    if known is not None:
        return TenantRow.objects.filter(id=known).first()
    return TenantRow.objects.filter(slug=ref).first() if names.is_slug(str(ref)) else None


def _plain(cursor: str) -> str:
    return cursor.encode("utf-8", "replace").decode().replace("\x00", "")


def _json(row: TenantRow) -> dict[str, Any]:
    return {"name": row.name, "status": str(row.status), "settings": row.settings}
