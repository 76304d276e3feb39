"""Subscription, overrides and entitlements over HTTP."""

from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.catalogue_rows import requirement_json, requirement_of
from licensing.history.known import entitlements_known
from licensing.history.wording import why
from licensing.overrides import OverrideView as Agreed
from licensing.overrides import get_override, list_overrides, put_override, remove_override
from licensing.serializers import (
    EntitlementsAnswer,
    OverrideAnswer,
    OverrideBody,
    OverridePage,
    SubscriptionAnswer,
    SubscriptionBody,
)
from licensing.snapshots import snapshot_at, snapshot_version
from licensing.subscription_rows import Subscription, subscription_json
from licensing.subscriptions import get_subscription, put_subscription
from licensing.tenants import Tenant, get_tenant
from licensing.wire import AT_PARAMETER, PAGE_PARAMETERS, author, checked, documented, instant_of, page_of, paged
from tiergate import Action, Entitlement, join


def override_json(told: Agreed) -> dict[str, Any]:
    """Write an override."""
    return {
        "feature": told.feature,
        "effect": told.effect.value,
        "value": told.value,
        "limit": told.limit,
        "unlimited": told.unlimited,
        "reset_period": told.reset_period,
        "requirement": requirement_json(told.requirement),
        "reason": told.reason,
        "by": told.by,
        "created_at": told.created_at,
        "expires_at": told.expires_at,
    }


def entitlement_json(told: Entitlement) -> dict[str, Any]:
    """Write an entitlement with all that it asks."""
    return {
        "feature": told.feature,
        "kind": told.kind.value,
        "sensitivity": told.sensitivity.value,
        "is_granted": told.is_granted,
        "value": told.value,
        "limit": told.limit,
        "unlimited": told.unlimited,
        "reset_period": told.reset_period.value if told.reset_period else None,
        "requirement": requirement_json(join(told.contributions)),
        "contributions": [
            {"source": one.source, "requirement": one.requirement.to_json(), "because": one.because}
            for one in told.contributions
        ],
        "sources": list(told.sources),
        "next_change_at": told.next_change_at,
    }


def _subscribed(tenant_id: UUID, told: Subscription) -> dict[str, Any]:
    return {**(subscription_json(told) or {}), "snapshot": snapshot_version(tenant_id=tenant_id)}


class SubscriptionView(APIView):
    """What a tenant is on."""

    required_action = {"GET": Action.SUBSCRIPTION_READ, "PUT": Action.SUBSCRIPTION_WRITE}
    tenant_kwarg = "tenant"

    @documented("get_subscription", SubscriptionAnswer, parameters=(AT_PARAMETER,))
    def get(self, request: Request, tenant: str) -> Response:
        """Show what the tenant is on, now or at another instant."""
        tenant_id = get_tenant(tenant).id
        told = get_subscription(tenant_id=tenant_id, at=instant_of(request, otherwise=now()))
        return Response(_subscribed(tenant_id, told))

    @documented(
        "put_subscription",
        SubscriptionAnswer,
        body=SubscriptionBody,
        statuses=(200, 201),
    )
    def put(self, request: Request, tenant: str) -> Response:
        """Put the tenant on a plan from an instant on; what is so already changes nothing."""
        given = checked(SubscriptionBody, request)
        tenant_id = get_tenant(tenant).id
        told, created = put_subscription(tenant_id=tenant_id, **given, by=author(request), at=now())
        return Response(_subscribed(tenant_id, told), status=201 if created else 200)


class OverrideListView(APIView):
    """What was agreed with a tenant."""

    required_action = Action.OVERRIDE_READ
    tenant_kwarg = "tenant"

    @documented("list_overrides", OverridePage, parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List the overrides by feature, page by page; expired ones too."""
        after, limit = page_of(request)
        found = list_overrides(tenant_id=get_tenant(tenant).id, after=after, limit=limit + 1)
        return paged(found, limit, override_json, lambda one: one.feature)


class OverrideView(APIView):
    """What was agreed about one feature."""

    required_action = {"GET": Action.OVERRIDE_READ, "PUT": Action.OVERRIDE_WRITE, "DELETE": Action.OVERRIDE_WRITE}
    tenant_kwarg = "tenant"

    @documented("get_override", OverrideAnswer)
    def get(self, request: Request, tenant: str, feature: str) -> Response:  # noqa: ARG002 - as routed
        """Show an override, expired or not."""
        return Response(override_json(get_override(tenant_id=get_tenant(tenant).id, feature=feature)))

    @documented(
        "put_override",
        OverrideAnswer,
        body=OverrideBody,
        statuses=(200, 201),
    )
    def put(self, request: Request, tenant: str, feature: str) -> Response:
        """Create or replace an override; a regulated feature's requirement only rises."""
        given = checked(OverrideBody, request)
        requirement = requirement_of(given.pop("requirement"))
        told, created = put_override(
            tenant_id=get_tenant(tenant).id,
            feature=feature,
            **given,
            requirement=requirement,
            by=author(request),
            at=now(),
        )
        return Response(override_json(told), status=201 if created else 200)

    @documented("delete_override", None, statuses=(204,))
    def delete(self, request: Request, tenant: str, feature: str) -> Response:
        """End an override; what it asked of a regulated feature stays."""
        remove_override(tenant_id=get_tenant(tenant).id, feature=feature, by=author(request), at=now())
        return Response(status=204)


def _known(tenant: Tenant, at: datetime, *, is_past: bool) -> dict[str, Any]:
    known = entitlements_known(tenant_id=tenant.id, at=at)
    return {
        "tenant": tenant.slug,
        "as_of": at,
        # A state of the past is none that a caller could insist on.
        "snapshot": None if is_past else snapshot_version(tenant_id=tenant.id),
        "next_change_at": known.next_change_at,
        "is_from_before": known.is_from_before,
        "items": [
            entitlement_json(one) | {"because": why(known, key)} for key, one in sorted(known.entitlements.items())
        ],
    }


class EntitlementsView(APIView):
    """What a tenant may use."""

    required_action = Action.ENTITLEMENTS_READ
    tenant_kwarg = "tenant"

    @documented("get_entitlements", EntitlementsAnswer, parameters=(AT_PARAMETER,))
    def get(self, request: Request, tenant: str) -> Response:
        """Show what the tenant may use now; or at another instant, as it was known then, with the reasons."""
        found = get_tenant(tenant)
        is_now = now()
        at = instant_of(request, otherwise=is_now)
        if "at" in request.query_params:
            return Response(_known(found, at, is_past=at < is_now))
        snapshot = snapshot_at(tenant_id=found.id, at=at)
        return Response(
            {
                "tenant": found.slug,
                "as_of": at,
                "snapshot": snapshot.version,
                "next_change_at": snapshot.next_change_at,
                "items": [entitlement_json(one) for _key, one in sorted(snapshot.entitlements.items())],
            }
        )
