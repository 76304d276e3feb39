"""The operator's pages of tenants: found by name, plan and state; and of each, what it is on and where that comes from."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_date, parse_datetime

from billing import api as billing
from console.doors import refused, see_other
from console.operating.agreeing import agreement_of, empty_agreement, read_agreement
from console.operating.forms import operator_form
from console.plan.usage import bars_of
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, TiergateError

PAGE: Final = 50
HOME: Final = "/operator/tenants/"
_WRITTEN: Final = "%Y-%m-%dT%H:%M"


def tenants(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """List tenants by slug, those alone that fit what is asked for.

    page: what the site's pages have in common.
    """
    asked = {key: request.GET.get(key, "").strip() for key in ("text", "plan", "state")}
    try:
        found = licensing.search_tenants(**asked, after=request.GET.get("after", ""), limit=PAGE + 1, at=now())
    except TiergateError as error:
        return refused(request, error.detail, status=400)
    shown = found[:PAGE]
    kept = {key: value for key, value in asked.items() if value}
    context = {
        **page,
        **asked,
        "title": "Tenants",
        "rows": shown,
        "is_filtered": bool(kept),
        "plans": licensing.list_plan_keys(),
        "states": licensing.TENANT_STATES,
        "more": urlencode({**kept, "after": shown[-1].slug}) if len(found) > PAGE else "",
    }
    return render(request, "admin/tenants.html", context)


def tenant(request: HttpRequest, page: Mapping[str, Any], tenant: UUID) -> HttpResponse:
    """Show one tenant: what it is on, uses, was agreed and pays; and with ``?on=`` what it could use at an instant."""
    return show_tenant(request, page, tenant, agreement=empty_agreement(), status=200)


@operator_form(Action.OVERRIDE_WRITE, home=HOME)
def put_override(
    request: HttpRequest, author: str, tenant: UUID, *, frame: Callable[[HttpRequest], Mapping[str, Any]]
) -> HttpResponseBase:
    """Agree on something with one tenant alone; what is wrong is said beside what was typed."""
    typed, at = {name: str(value) for name, value in request.POST.items()}, now()
    wanted, mistakes = read_agreement(typed, {one.key: one for one in licensing.list_features()})
    if not mistakes:
        try:
            licensing.put_override(tenant_id=licensing.get_tenant(tenant).id, **wanted, by=author, at=at)
        except TiergateError as error:
            mistakes = {"": error.detail}
        else:
            messages.success(request, f"The override of {wanted['feature']} holds.")
            return see_other(f"{HOME}{tenant}/")
    return show_tenant(request, frame(request), tenant, agreement=agreement_of(typed, mistakes), status=400)


@operator_form(Action.OVERRIDE_WRITE, home=HOME)
def end_override(request: HttpRequest, author: str, tenant: UUID) -> HttpResponseBase:
    """End what was agreed; what it asked of a regulated feature goes on being asked."""
    feature = request.POST.get("feature", "")
    try:
        licensing.remove_override(tenant_id=tenant, feature=feature, by=author, at=now())
        messages.success(request, f"The override of {feature} has ended.")
    except (licensing.OverrideNotFound, licensing.FeatureNotFound):
        messages.warning(request, f"There is no override of {feature} any more.")
    return see_other(f"{HOME}{tenant}/")


def show_tenant(
    request: HttpRequest, page: Mapping[str, Any], tenant: UUID, *, agreement: Mapping[str, Any], status: int
) -> HttpResponse:
    """Show a tenant's page with a form of an override as it was filled in."""
    at = now()
    try:
        known = licensing.get_tenant(tenant)
        asked_at, mistake = _instant(request.GET.get("on", ""))
        features = {one.key: one for one in licensing.list_features()}
        context = {
            **page,
            "title": known.name,
            "tenant": known,
            "held": _held(known.id, at),
            "change": _change(known.id),
            "bars": bars_of(licensing.usage_of(tenant_id=known.id, at=at), features),
            "overrides": _overrides(known.id, at),
            "features": features.values(),
            "agreement": agreement,
            "story": _story(known.id, asked_at or at),
            "on": (asked_at or at).strftime(_WRITTEN),
            "is_asked": asked_at is not None,
            "mistake": mistake,
            **_billing(known.id),
        }
    except TiergateError as error:
        return refused(request, error.detail, status=404)
    return render(request, "admin/tenant.html", context, status=status)


def _held(tenant_id: UUID, at: datetime) -> licensing.Subscription | None:
    try:
        return licensing.get_subscription(tenant_id=tenant_id, at=at)
    except licensing.SubscriptionNotFound:
        return None


def _change(tenant_id: UUID) -> licensing.ScheduledChange | None:
    try:
        return licensing.get_change(tenant_id=tenant_id)
    except licensing.ChangeNotFound:
        return None


def _overrides(tenant_id: UUID, at: datetime) -> list[dict[str, Any]]:
    found = licensing.list_overrides(tenant_id=tenant_id)
    return [{"told": one, "is_over": one.expires_at is not None and one.expires_at <= at} for one in found]


def _story(tenant_id: UUID, at: datetime) -> licensing.KnownStory:
    return licensing.tell_known(licensing.entitlements_known(tenant_id=tenant_id, at=at))


def _billing(tenant_id: UUID) -> dict[str, Any]:
    try:
        customer = billing.get_customer(tenant_id=tenant_id)
    except billing.CustomerNotFound:
        customer = None
    return {"customer": customer, "paid": billing.billing_state(tenant_id=tenant_id) if customer else None}


def _instant(given: str) -> tuple[datetime | None, str]:
    """Read an instant, UTC; with it what is wrong with it."""
    if not given:
        return None, ""
    try:
        found, day = parse_datetime(given), parse_date(given)
    except ValueError:
        found, day = None, None
    if day is not None:
        found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if found is None:
        return None, "That is no instant: write 2026-03-03, or 2026-03-03T12:00."
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC), ""
    except OverflowError:
        return None, "That is too far away: write 2026-03-03, or 2026-03-03T12:00."
