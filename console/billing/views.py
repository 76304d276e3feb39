"""Billing's journeys over HTTP: to buy, to change at a price that was shown, to end and to go on."""

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import api as billing
from console.billing import serializers as shapes
from console.billing.delta import SecurityDelta, security_delta
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action

MOST_INVOICES: Final = 100
_TAGS: Final = ["billing"]
_NO_STORE: Final = {"Cache-Control": "no-store"}
_PAGE: Final = [
    OpenApiParameter("after", str, description="The `next` of the page before."),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {MOST_INVOICES}; 20 if left out."),
]


class BillingView(APIView):
    """What a tenant pays for."""

    required_action = Action.BILLING_READ
    tenant_kwarg = "tenant"

    @extend_schema(responses=shapes.BillingAnswer, operation_id="get_billing", tags=_TAGS)
    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - as routed
        """Show what is paid for and what will change, by what was read last."""
        found = billing.billing_state(tenant_id=licensing.get_tenant(tenant).id)
        return Response(
            {
                "is_on": billing.is_on(),
                "status": found.status if found else None,
                "versions": _versions(found.versions) if found else [],
                "period_end": found.period_end if found else None,
                "cancel_at": found.cancel_at if found else None,
                "upcoming_at": found.upcoming_at if found else None,
                "upcoming": _versions(found.upcoming) if found else [],
                "read_at": found.read_at if found else None,
            }
        )


class InvoiceListView(APIView):
    """What a tenant was charged."""

    required_action = Action.BILLING_READ
    tenant_kwarg = "tenant"

    @extend_schema(responses=shapes.InvoicePage, parameters=_PAGE, operation_id="list_invoices", tags=_TAGS)
    def get(self, request: Request, tenant: str) -> Response:
        """List invoices, the newest first, as Stripe has them."""
        limit = request.query_params.get("limit", "20")
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= MOST_INVOICES):
            raise ValidationError({"limit": [f"A number from 1 to {MOST_INVOICES}."]})
        after = request.query_params.get("after", "")
        if after and not (after.isascii() and after.replace("_", "").isalnum() and after.startswith("in_")):
            raise ValidationError({"after": ["The next of the page before."]})
        tenant_id = licensing.get_tenant(tenant).id
        found = billing.list_invoices(tenant_id=tenant_id, after=after, limit=int(limit))
        items = [shapes.InvoiceAnswer(one).data for one in found]
        return Response({"items": items, "next": found[-1].id if len(found) == int(limit) else None})


class CheckoutView(APIView):
    """Buying for the first time."""

    required_action = Action.BILLING_MANAGE
    tenant_kwarg = "tenant"

    @extend_schema(
        request=shapes.CheckoutBody, responses=shapes.CheckoutAnswer, operation_id="begin_checkout", tags=_TAGS
    )
    def post(self, request: Request, tenant: str) -> Response:
        """Open a page of Stripe's on which a plan is paid for; the same key shows the same one again."""
        body = shapes.CheckoutBody.read(request)
        tenant_id = licensing.get_tenant(tenant).id
        made = billing.begin_checkout(tenant_id=tenant_id, **body, by=_author(request), clock=now)
        return Response(shapes.CheckoutAnswer(made).data, headers=_NO_STORE)


class BillingTrialView(APIView):
    """Trying a plan."""

    required_action = Action.BILLING_MANAGE
    tenant_kwarg = "tenant"

    @extend_schema(
        request=shapes.BillingTrialBody,
        responses=shapes.BillingTrialAnswer,
        operation_id="begin_trial",
        tags=_TAGS,
    )
    def post(self, request: Request, tenant: str) -> Response:
        """Try a plan, once: at once, or by a page of Stripe's that takes a card and charges it when the trial is over."""
        body = shapes.BillingTrialBody.read(request)
        tenant_id = licensing.get_tenant(tenant).id
        made = billing.begin_trial(tenant_id=tenant_id, **body, by=_author(request), clock=now)
        return Response(
            {
                "has_begun": made is None,
                "checkout": None if made is None else shapes.CheckoutAnswer(made).data,
                "snapshot": licensing.snapshot_version(tenant_id=tenant_id),
            },
            headers=_NO_STORE,
        )


class PortalView(APIView):
    """Cards and invoices."""

    required_action = Action.BILLING_MANAGE
    tenant_kwarg = "tenant"

    @extend_schema(request=None, responses=shapes.PortalAnswer, operation_id="open_billing_portal", tags=_TAGS)
    def post(self, request: Request, tenant: str) -> Response:
        """Open Stripe's page where cards are changed and invoices shown."""
        tenant_id = licensing.get_tenant(tenant).id
        url = billing.open_portal(tenant_id=tenant_id, by=_author(request), clock=now)
        return Response({"url": url}, headers=_NO_STORE)


class PreviewView(APIView):
    """What a change would cost and ask."""

    required_action = Action.BILLING_MANAGE
    tenant_kwarg = "tenant"

    @extend_schema(
        request=shapes.ChangePreviewBody,
        responses=shapes.ChangePreviewAnswer,
        operation_id="preview_change",
        tags=_TAGS,
    )
    def post(self, request: Request, tenant: str) -> Response:
        """Reckon what a change costs, good for a quarter of an hour, and say what it would ask of whom."""
        body = shapes.ChangePreviewBody.read(request)
        found = licensing.get_tenant(tenant)
        quote, versions = _quoted(found.id, body, by=_author(request))
        delta = security_delta(tenant_id=found.id, versions=versions, at=now())
        step = "checkout" if quote is None else "changes"
        return Response(
            {
                "quote": None if quote is None else _quote_json(quote),
                "security_delta": delta_json(delta),
                "action": {"method": "POST", "href": _href(tenant, step)},
            },
            headers=_NO_STORE,
        )


class ChangeView(APIView):
    """Making a change."""

    required_action = Action.BILLING_MANAGE
    tenant_kwarg = "tenant"

    @extend_schema(
        request=shapes.BillingChangeBody, responses=shapes.BillingChangeAnswer, operation_id="apply_change", tags=_TAGS
    )
    def post(self, request: Request, tenant: str) -> Response:
        """Make the change of a quote at its price; the same key again is answered as before."""
        body = shapes.BillingChangeBody.read(request)
        tenant_id = licensing.get_tenant(tenant).id
        made = billing.apply_quote(
            tenant_id=tenant_id, quote_id=body["quote"], key=body["key"], by=_author(request), clock=now
        )
        return _changed(tenant_id, made)


class CancelView(APIView):
    """Ending what is paid for."""

    required_action = Action.BILLING_MANAGE
    tenant_kwarg = "tenant"

    @extend_schema(request=None, responses=shapes.BillingChangeAnswer, operation_id="cancel_subscription", tags=_TAGS)
    def post(self, request: Request, tenant: str) -> Response:
        """Have the subscription end with the period that is paid for; one that is ending already stays so."""
        tenant_id = licensing.get_tenant(tenant).id
        return _changed(tenant_id, billing.cancel(tenant_id=tenant_id, by=_author(request), clock=now))


class ResumeView(APIView):
    """Going on."""

    required_action = Action.BILLING_MANAGE
    tenant_kwarg = "tenant"

    @extend_schema(request=None, responses=shapes.BillingChangeAnswer, operation_id="resume_subscription", tags=_TAGS)
    def post(self, request: Request, tenant: str) -> Response:
        """Take back an end or a change that is planned; the subscription goes on as it is."""
        tenant_id = licensing.get_tenant(tenant).id
        return _changed(tenant_id, billing.resume(tenant_id=tenant_id, by=_author(request), clock=now))


def delta_json(delta: SecurityDelta) -> dict[str, Any]:
    """Write a delta for programs."""
    return {
        "requires": delta.requirement.to_json() if delta.requirement else None,
        "features": [
            {
                "feature": one.feature,
                "before": one.before.to_json() if one.before else None,
                "after": one.after.to_json(),
            }
            for one in delta.features
        ],
        "members": delta.members,
        "ready": delta.ready,
        "not_ready": [
            {"type": one.subject[0], "id": one.subject[1], "display_name": one.display_name} for one in delta.not_ready
        ],
        "sentences": list(delta.sentences),
    }


def _quoted(
    tenant_id: UUID, body: dict[str, Any], *, by: str
) -> tuple[billing.QuoteView | None, list[tuple[str, str, int]]]:
    """Ask for a quote; where nothing is paid for yet, only what a checkout would sell is known."""
    try:
        quote = billing.quote_change(tenant_id=tenant_id, **body, by=by, clock=now)
    except billing.NotSubscribed:
        if "plan" not in body:
            raise
        return None, billing.offered(plan=body["plan"], add_ons=body.get("add_ons") or ())
    return quote, list(quote.versions)


def _quote_json(quote: billing.QuoteView) -> dict[str, Any]:
    return {
        "id": str(quote.id),
        "when": quote.when,
        "versions": _versions(quote.versions),
        "cost": quote.cost,
        "effective_at": quote.effective_at,
        "expires_at": quote.expires_at,
    }


def _changed(tenant_id: UUID, made: billing.Changed) -> Response:
    return Response(
        {
            "when": made.when,
            "effective_at": made.effective_at,
            "charged": made.charged,
            "is_settled": made.is_settled,
            "snapshot": licensing.snapshot_version(tenant_id=tenant_id),
        },
        headers=_NO_STORE,
    )


def _versions(found: tuple[tuple[str, str, int], ...]) -> list[dict[str, Any]]:
    return [{"kind": kind, "key": key, "version": number} for kind, key, number in found]


def _href(tenant: str, step: str) -> str:
    return f"{settings.TIERGATE_BASE_URL}/v1/tenants/{tenant}/billing/{step}"


def _author(request: Request) -> str:
    """Name who calls, as the decision that let them in has it; a view that nobody decided on has no author."""
    asked_by: str = request._request.decision.question.asked_by  # type: ignore[attr-defined]  # noqa: SLF001
    return asked_by
