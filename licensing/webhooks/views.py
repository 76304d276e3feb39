"""The vendor's webhooks over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.errors import DeliveryNotFound, EndpointNotFound, InvalidName
from licensing.models.webhooks import DeliveryState
from licensing.names import as_uuid
from licensing.webhooks.endpoints import (
    Endpoint,
    change_endpoint,
    create_endpoint,
    get_endpoint,
    list_endpoints,
    remove_endpoint,
    roll_secret,
)
from licensing.webhooks.pinging import ping_endpoint
from licensing.webhooks.replaying import Delivery, list_deliveries, replay_delivery, replay_since
from licensing.webhooks.serializers import (
    DeliveryAnswer,
    DeliveryPage,
    EndpointAnswer,
    EndpointBody,
    EndpointChange,
    EndpointPage,
    EndpointWithSecret,
    PingAnswer,
    ReplayAnswer,
    ReplayBody,
    SecretBody,
)
from licensing.wire import PAGE_PARAMETERS, author, checked, documented, page_of, paged
from tiergate import Action

_OF_DELIVERIES = [
    *PAGE_PARAMETERS,
    OpenApiParameter("endpoint", str, description="Of this endpoint alone."),
    OpenApiParameter("state", str, description="In this state alone.", enum=DeliveryState.values),
    OpenApiParameter("of_tenant", str, description="Of this tenant's events alone, by its slug."),
]


class EndpointListView(APIView):
    """All endpoints."""

    required_action = {"GET": Action.WEBHOOK_READ, "POST": Action.WEBHOOK_WRITE}

    @documented("list_webhooks", EndpointPage)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - as routed
        """List the endpoints, the oldest first."""
        return Response({"items": [_endpoint(one) for one in list_endpoints()], "next": None})

    @documented("create_webhook", EndpointWithSecret, body=EndpointBody, statuses=(201,))
    def post(self, request: Request) -> Response:
        """Begin to send events somewhere; the secret is in this answer and in no other."""
        given = checked(EndpointBody, request)
        made, secret = create_endpoint(
            url=given["url"],
            kinds=given["kinds"],
            title=given["title"],
            tenant=given["of_tenant"],
            by=author(request),
            at=now(),
        )
        return _secret(made, secret, status=201)


class EndpointView(APIView):
    """One endpoint."""

    required_action = {"GET": Action.WEBHOOK_READ, "PUT": Action.WEBHOOK_WRITE, "DELETE": Action.WEBHOOK_WRITE}

    @documented("get_webhook", EndpointAnswer)
    def get(self, request: Request, endpoint: str) -> Response:  # noqa: ARG002 - as routed
        """Show an endpoint, without its secret."""
        return Response(_endpoint(get_endpoint(endpoint_id=_endpoint_id(endpoint))))

    @documented("put_webhook", EndpointAnswer, body=EndpointChange)
    def put(self, request: Request, endpoint: str) -> Response:
        """Replace what an endpoint is; enabled again, it is sent what waited."""
        given = checked(EndpointChange, request)
        return Response(
            _endpoint(change_endpoint(endpoint_id=_endpoint_id(endpoint), **given, by=author(request), at=now()))
        )

    @documented("delete_webhook", None, statuses=(204,))
    def delete(self, request: Request, endpoint: str) -> Response:
        """Send nothing there ever again."""
        remove_endpoint(endpoint_id=_endpoint_id(endpoint), by=author(request), at=now())
        return Response(status=204)


class EndpointSecretView(APIView):
    """An endpoint's secret."""

    required_action = Action.WEBHOOK_WRITE

    @documented("roll_webhook_secret", EndpointWithSecret, body=SecretBody)
    def post(self, request: Request, endpoint: str) -> Response:
        """Exchange the secret; for a while both sign, so that no message goes unbelieved."""
        overlap = timedelta(seconds=checked(SecretBody, request)["overlap_seconds"])
        return _secret(*roll_secret(endpoint_id=_endpoint_id(endpoint), overlap=overlap, by=author(request), at=now()))


class EndpointReplayView(APIView):
    """What an endpoint is to be sent again."""

    required_action = Action.WEBHOOK_WRITE

    @documented("replay_webhook", ReplayAnswer, body=ReplayBody, statuses=(202,))
    def post(self, request: Request, endpoint: str) -> Response:
        """Send again whatever happened since an instant, under the same message ids."""
        given = checked(ReplayBody, request)
        events = replay_since(endpoint_id=_endpoint_id(endpoint), **given, by=author(request), at=now())
        return Response({"events": events}, status=202)


class EndpointPingView(APIView):
    """Whether an endpoint takes what it is sent."""

    required_action = Action.WEBHOOK_WRITE

    @documented("ping_webhook", PingAnswer)
    def post(self, request: Request, endpoint: str) -> Response:
        """Send one signed message of type ping at once, and tell how it ended."""
        sent = ping_endpoint(endpoint_id=_endpoint_id(endpoint), by=author(request), at=now())
        return Response(
            {
                "is_delivered": sent.is_delivered,
                "status": sent.status,
                "error": sent.error,
                "milliseconds": sent.milliseconds,
            }
        )


class DeliveryListView(APIView):
    """What was sent, or is to be."""

    required_action = Action.WEBHOOK_READ

    @documented("list_webhook_deliveries", DeliveryPage, parameters=_OF_DELIVERIES)
    def get(self, request: Request) -> Response:
        """List deliveries, the newest first, page by page."""
        after, limit = page_of(request)
        found = list_deliveries(
            endpoint_id=_asked_endpoint(request),
            state=request.query_params.get("state", ""),
            tenant=request.query_params.get("of_tenant", ""),
            after=after,
            limit=limit + 1,
        )
        return paged(found, limit, _delivery, lambda one: str(one.id))


class DeliveryReplayView(APIView):
    """One delivery, to be sent again."""

    required_action = Action.WEBHOOK_WRITE

    @documented("replay_webhook_delivery", DeliveryAnswer, body=None, statuses=(202,))
    def post(self, request: Request, delivery: str) -> Response:
        """Send it again, under the same message id."""
        return Response(
            _delivery(replay_delivery(delivery_id=_delivery_id(delivery), by=author(request), at=now())), status=202
        )


def _asked_endpoint(request: Request) -> UUID | None:
    asked = request.query_params.get("endpoint", "")
    found = as_uuid(asked) if asked else None
    if asked and found is None:
        raise InvalidName("endpoint is an endpoint's id.")
    return found


def _endpoint_id(text: str) -> UUID:
    found = as_uuid(text)
    if found is None:
        raise EndpointNotFound("There is no such endpoint.")
    return found


def _delivery_id(text: str) -> UUID:
    found = as_uuid(text)
    if found is None:
        raise DeliveryNotFound("There is no such delivery.")
    return found


def _endpoint(one: Endpoint) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "url": one.url,
        "title": one.title,
        "of_tenant": one.tenant,
        "kinds": list(one.kinds),
        "is_enabled": one.is_enabled,
        "disabled_because": one.disabled_because,
        "disabled_at": one.disabled_at,
        "failing_since": one.failing_since,
        "rolls_until": one.rolls_until,
        "created_at": one.created_at,
    }


def _secret(made: Endpoint, secret: str, *, status: int = 200) -> Response:
    return Response({**_endpoint(made), "secret": secret}, status=status, headers={"Cache-Control": "no-store"})


def _delivery(one: Delivery) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "message": one.message,
        "endpoint": str(one.endpoint),
        "url": one.url,
        "of_tenant": one.tenant,
        "kind": one.kind,
        "at": one.at,
        "state": one.state,
        "attempts": one.attempts,
        "next_try_at": one.next_try_at,
        "last_tried_at": one.last_tried_at,
        "last_status": one.last_status,
        "last_error": one.last_error,
        "milliseconds": one.milliseconds,
        "payload": one.payload,
    }
