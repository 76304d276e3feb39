"""Where events go: the vendor's endpoints, their secrets, and whether anything is sent there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import audit.api
from isolation.api import seal, tenant_transaction, unseal
from licensing import names
from licensing.errors import EndpointNotFound, InvalidEndpoint
from licensing.models.outbox import EventKind
from licensing.models.webhooks import Disabled, WebhookEndpoint
from licensing.tenants import get_tenant
from licensing.webhooks import signing
from licensing.webhooks.destinations import read_url

PURPOSE: Final = "webhook"
DEFAULT_OVERLAP: Final = timedelta(hours=24)
MAX_OVERLAP: Final = timedelta(days=7)
MAX_ENDPOINTS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint without its secret.

    tenant: the slug of the one tenant whose events it gets; None for all. kinds: the events that it wants.
    disabled_because: ``asked``, ``failing`` (for days on end) or ``gone`` (it said 410); "" while it is enabled.
    """

    id: UUID
    url: str
    title: str
    tenant: str | None
    kinds: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    disabled_because: str
    failing_since: datetime | None
    rolls_until: datetime | None

    @property
    def is_enabled(self) -> bool:
        """Say whether events are sent there."""
        return self.disabled_at is None


def create_endpoint(
    *, url: str, kinds: Collection[str], title: str = "", tenant: str | None = None, by: str, at: datetime
) -> tuple[Endpoint, str]:
    """Begin to send events somewhere. Returns the endpoint, and the secret, which is shown this one time.

    kinds: of `EventKind`, at least one. tenant: slug or id of the one tenant whose events go there; None for all.
    :raises InvalidEndpoint: no public https URL, an unknown kind, or too many endpoints.
    :raises TenantNotFound: there is no such tenant.
    """
    wanted = _wanted(url=url, kinds=kinds, title=title)
    author = names.text(by, "author", may_be_empty=False)
    only = None if tenant is None else get_tenant(tenant).id
    endpoint_id, secret = uuid4(), signing.new_secret()
    with tenant_transaction(names.VENDOR_TENANT_ID):
        if WebhookEndpoint.objects.filter(removed_at=None).count() >= MAX_ENDPOINTS:
            raise InvalidEndpoint(f"There are {MAX_ENDPOINTS} endpoints already.")
        row = WebhookEndpoint.objects.create(
            id=endpoint_id,
            only_tenant_id=only,
            secret_sealed=_seal(endpoint_id, secret),
            created_at=names.instant(at, "The instant"),
            **wanted,
        )
        _tell(row, by=author, at=at, old=None)
        return _told(row), signing.written_secret(secret)


def change_endpoint(
    *,
    endpoint_id: UUID,
    url: str,
    kinds: Collection[str],
    title: str = "",
    is_enabled: bool = True,
    by: str,
    at: datetime,
) -> Endpoint:
    """Replace what an endpoint is; enabling one begins with a clean slate, and what waits for it is sent.

    Whose events it gets stays as it was made. What is so already changes nothing.
    :raises EndpointNotFound: there is none such. :raises InvalidEndpoint: as for `create_endpoint`.
    """
    wanted = _wanted(url=url, kinds=kinds, title=title)
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(names.VENDOR_TENANT_ID):
        row = _locked(endpoint_id)
        old = _json(row)
        for column, value in wanted.items():
            setattr(row, column, value)
        if is_enabled and row.disabled_at is not None:
            row.disabled_at, row.disabled_because, row.failing_since = None, "", None
        elif not is_enabled and row.disabled_at is None:
            row.disabled_at, row.disabled_because = at, Disabled.ASKED
        if old != _json(row):
            row.save()
            _tell(row, by=author, at=at, old=old)
        return _told(row)


def roll_secret(
    *, endpoint_id: UUID, overlap: timedelta = DEFAULT_OVERLAP, by: str, at: datetime
) -> tuple[Endpoint, str]:
    """Exchange an endpoint's secret. Returns the endpoint, and the new secret, which is shown this one time.

    overlap: how long the one before signs beside it; zero where it is known to somebody. At most seven days. One that
        still rolls from before is dropped.
    :raises EndpointNotFound: there is none such. :raises InvalidEndpoint: an overlap out of range.
    """
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise InvalidEndpoint(f"The secret of before may sign for {MAX_OVERLAP.days} days at most.")
    author = names.text(by, "author", may_be_empty=False)
    secret = signing.new_secret()
    with tenant_transaction(names.VENDOR_TENANT_ID):
        row = _locked(endpoint_id)
        old = _json(row)
        row.previous_sealed, row.previous_until = (row.secret_sealed, at + overlap) if overlap else (None, None)
        if row.previous_sealed is not None:
            row.previous_sealed = bytes(row.previous_sealed)
        row.secret_sealed = _seal(row.id, secret)
        row.save(update_fields=["secret_sealed", "previous_sealed", "previous_until"])
        _tell(row, by=author, at=at, old=old, is_rolled=True)
        return _told(row), signing.written_secret(secret)


def remove_endpoint(*, endpoint_id: UUID, by: str, at: datetime) -> None:
    """Send nothing to an endpoint ever again, and forget its secret; what was sent there stays to be read.

    :raises EndpointNotFound: there is none such.
    """
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(names.VENDOR_TENANT_ID):
        row = _locked(endpoint_id)
        old = _json(row)
        row.removed_at = at
        if row.disabled_at is None:
            row.disabled_at, row.disabled_because = at, Disabled.ASKED
        row.secret_sealed = row.previous_sealed = row.previous_until = None
        row.save()
        _tell(row, by=author, at=at, old=old)


def get_endpoint(*, endpoint_id: UUID) -> Endpoint:
    """Find an endpoint.

    :raises EndpointNotFound: there is none such.
    """
    row = _standing().filter(id=endpoint_id).first()
    if row is None:
        raise EndpointNotFound("There is no such endpoint.")
    return _told(row)


def list_endpoints() -> list[Endpoint]:
    """List the endpoints, the oldest first."""
    return [_told(row) for row in _standing().order_by("created_at", "id")]


def disable_failing(*, endpoint_id: UUID, because: Disabled, at: datetime) -> bool:
    """Send nothing more to an endpoint that has failed for too long, or is gone, and tell the trail; once.

    Returns whether it was enabled until now.
    """
    with tenant_transaction(names.VENDOR_TENANT_ID):
        row = _standing().select_for_update(of=("self",)).filter(id=endpoint_id, disabled_at=None).first()
        if row is None:
            return False
        row.disabled_at, row.disabled_because = at, because
        row.save(update_fields=["disabled_at", "disabled_because"])
        audit.api.append(
            tenant_id=names.VENDOR_TENANT_ID,
            kind=audit.api.Kind.WEBHOOK_DISABLED,
            at=at,
            payload={
                "by": "webhooks",
                "endpoint": str(row.id),
                "url": row.url,
                "because": because.value,
                "failing_since": row.failing_since.isoformat() if row.failing_since else None,
            },
        )
        return True


def secrets_of(row: WebhookEndpoint, *, at: datetime) -> Sequence[bytes]:
    """Open what signs a message at an instant: the secret, and while it rolls the one before.

    :raises SecretUnreadable: its key is gone from the ring.
    """
    sealed = [row.secret_sealed] if row.secret_sealed is not None else []
    if row.previous_sealed is not None and row.previous_until is not None and at < row.previous_until:
        sealed.append(row.previous_sealed)
    return [unseal(bytes(one), purpose=PURPOSE, bound_to=place_of(row)) for one in sealed]


def place_of(row: WebhookEndpoint) -> str:
    """Name what an endpoint's secrets are bound to."""
    return _place(row.id)


def _place(endpoint_id: UUID) -> str:
    return f"webhook/{endpoint_id}"


def _seal(endpoint_id: UUID, secret: bytes) -> bytes:
    return seal(secret, purpose=PURPOSE, bound_to=_place(endpoint_id))


def _wanted(*, url: str, kinds: Collection[str], title: str) -> dict[str, Any]:
    if not kinds or set(kinds) - set(EventKind):
        raise InvalidEndpoint(f"An endpoint wants one or more of {', '.join(EventKind)}.")
    return {"url": read_url(url), "kinds": sorted(set(kinds)), "title": names.text(title, "title")}


def _standing() -> Any:
    return WebhookEndpoint.objects.select_related("only_tenant").filter(removed_at=None)


def _locked(endpoint_id: UUID) -> WebhookEndpoint:
    row: WebhookEndpoint | None = _standing().select_for_update(of=("self",)).filter(id=endpoint_id).first()
    if row is None:
        raise EndpointNotFound("There is no such endpoint.")
    return row


def _tell(row: WebhookEndpoint, *, by: str, at: datetime, old: dict[str, Any] | None, is_rolled: bool = False) -> None:
    audit.api.append(
        tenant_id=names.VENDOR_TENANT_ID,
        kind=audit.api.Kind.WEBHOOK_CHANGED,
        at=at,
        payload={
            "by": by,
            "endpoint": str(row.id),
            "old": old,
            "new": None if row.removed_at else _json(row),
            "is_rolled": is_rolled,
        },
    )


def _json(row: WebhookEndpoint) -> dict[str, Any]:
    return {
        "url": row.url,
        "title": row.title,
        "tenant": str(row.only_tenant_id) if row.only_tenant_id else None,
        "kinds": row.kinds,
        "is_enabled": row.disabled_at is None,
        "rolls_until": row.previous_until.isoformat() if row.previous_until else None,
    }


def _told(row: WebhookEndpoint) -> Endpoint:
    return Endpoint(
        id=row.id,
        url=row.url,
        title=row.title,
        tenant=row.only_tenant.slug if row.only_tenant else None,
        kinds=tuple(row.kinds),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        disabled_because=str(row.disabled_because),
        failing_since=row.failing_since,
        rolls_until=row.previous_until,
    )
