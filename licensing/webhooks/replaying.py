"""Read what was sent, and send it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import DeliveryNotFound, EndpointDisabled, EndpointNotFound, InvalidName
from licensing.models.outbox import OutboxEvent
from licensing.models.webhooks import DeliveryState, WebhookDelivery, WebhookEndpoint
from licensing.webhooks.handing_out import make_deliveries
from licensing.webhooks.signing import message_id

_SWEEP: Final = "sweep"
_BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint.

    message: what the receiver knows the event by. state: ``waiting``, ``delivered`` or ``given_up``.
    attempts: tries since it was last asked for. next_try_at: None where none is to come.
    last_error: one word; "" where nothing went wrong. payload: the event's own members.
    """

    id: UUID
    message: str
    endpoint: UUID
    url: str
    tenant: str
    kind: str
    at: datetime
    state: str
    attempts: int
    next_try_at: datetime | None
    last_tried_at: datetime | None
    last_status: int | None
    last_error: str
    milliseconds: int | None
    payload: Any


def list_deliveries(
    *, endpoint_id: UUID | None = None, state: str = "", tenant: str = "", after: str = "", limit: int = 100
) -> list[Delivery]:
    """List deliveries, the newest first, by the role that sees every tenant: for the vendor alone.

    after: the id of the last delivery of the page before.
    :raises InvalidName: an unknown state, or an ``after`` that is none.
    """
    rows = _rows()
    if endpoint_id is not None:
        rows = rows.filter(endpoint_id=endpoint_id)
    if state:
        if state not in DeliveryState.values:
            raise InvalidName(f"A delivery is one of {', '.join(DeliveryState.values)}.")
        rows = rows.filter(state=state)
    if tenant:
        rows = rows.filter(event__tenant__slug=tenant) if names.is_slug(tenant) else rows.none()
    if after:
        last_id = names.as_uuid(after)
        last = None if last_id is None else WebhookDelivery.objects.using(_SWEEP).filter(id=last_id).first()
        if last is None:
            raise InvalidName("after is the next of the page before.")
        rows = rows.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, id__lt=last.id))
    return [_told(row) for row in rows.order_by("-created_at", "-id")[: max(0, limit)]]


def get_delivery(*, delivery_id: UUID) -> Delivery:
    """Find a delivery, whatever tenant's event it brings: for the vendor alone.

    :raises DeliveryNotFound: there is none such.
    """
    row = _rows().filter(id=delivery_id).first()
    if row is None:
        raise DeliveryNotFound("There is no such delivery.")
    return _told(row)


def replay_delivery(*, delivery_id: UUID, by: str, at: datetime) -> Delivery:
    """Send one delivery again, with the same message id, however it ended.

    :raises DeliveryNotFound: there is none such. :raises EndpointDisabled: nothing is sent there.
    """
    author = names.text(by, "author", may_be_empty=False)
    row = _rows().filter(id=delivery_id).first()
    if row is None:
        raise DeliveryNotFound("There is no such delivery.")
    _refuse_disabled(row.endpoint)
    with tenant_transaction(names.VENDOR_TENANT_ID):
        _tell(row.endpoint_id, author, at, {"delivery": str(row.id), "message": message_id(row.event_id)})
        _again([row.id], at)
    return get_delivery(delivery_id=delivery_id)


def replay_since(*, endpoint_id: UUID, since: datetime, only_failed: bool = False, by: str, at: datetime) -> int:
    """Send an endpoint again whatever happened since an instant that it wants, and return how many events.

    Also what happened while it was disabled, or not there yet. Events are kept for thirty days.

    only_failed: leave out what it has taken.
    :raises EndpointNotFound: there is none such. :raises EndpointDisabled: nothing is sent there.
    """
    author = names.text(by, "author", may_be_empty=False)
    begins = names.instant(since, "since")
    endpoint = WebhookEndpoint.objects.using(_SWEEP).filter(id=endpoint_id, removed_at=None).first()
    if endpoint is None:
        raise EndpointNotFound("There is no such endpoint.")
    _refuse_disabled(endpoint)
    events = OutboxEvent.objects.using(_SWEEP).filter(at__gte=begins, handed_out_at__isnull=False)
    count = 0
    with tenant_transaction(names.VENDOR_TENANT_ID):
        _tell(endpoint.id, author, at, {"since": begins.isoformat(), "only_failed": only_failed})
        ids = list(events.order_by("at", "id").values_list("id", flat=True))
        for first in range(0, len(ids), _BATCH):
            page = ids[first : first + _BATCH]
            make_deliveries(OutboxEvent.objects.using(_SWEEP).filter(id__in=page), [endpoint], at=at)
            rows = WebhookDelivery.objects.using(_SWEEP).filter(endpoint_id=endpoint.id, event_id__in=page)
            if only_failed:
                rows = rows.exclude(state=DeliveryState.DELIVERED)
            count += _again(list(rows.values_list("id", flat=True)), at)
    return count


def _again(ids: list[UUID], at: datetime) -> int:
    # A try that is under way loses its lease: how it ends is not noted, and the message comes again.
    return (
        WebhookDelivery.objects.using(_SWEEP)
        .filter(id__in=ids)
        .update(
            state=DeliveryState.WAITING,
            attempts=0,
            next_try_at=at,
            ended_at=None,
            lease=None,
            leased_until=None,
        )
    )


def _refuse_disabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_at is not None:
        raise EndpointDisabled("Nothing is sent to this endpoint until it is enabled.")


def _tell(endpoint_id: UUID, by: str, at: datetime, what: dict[str, Any]) -> None:
    audit.api.append(
        tenant_id=names.VENDOR_TENANT_ID,
        kind=audit.api.Kind.WEBHOOK_REPLAYED,
        at=at,
        payload={"by": by, "endpoint": str(endpoint_id), **what},
    )


def _rows() -> Any:
    return WebhookDelivery.objects.using(_SWEEP).select_related("endpoint", "event__tenant")


def _told(row: WebhookDelivery) -> Delivery:
    return Delivery(
        id=row.id,
        message=message_id(row.event_id),
        endpoint=row.endpoint_id,
        url=row.endpoint.url,
        tenant=row.event.tenant.slug,
        kind=str(row.event.kind),
        at=row.event.at,
        state=str(row.state),
        attempts=row.attempts,
        next_try_at=row.next_try_at if row.state == DeliveryState.WAITING else None,
        last_tried_at=row.last_tried_at,
        last_status=row.last_status,
        last_error=row.last_error,
        milliseconds=row.milliseconds,
        payload=row.event.payload,
    )
