"""The operator's pages of risk: all tenants side by side, and of each what its own people are shown."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.doors import refused
from console.risk.showing import begins_in, days_in, report_shown, tenants_shown, what_if_shown
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine
from tiergate import TiergateError

HOME: Final = "/operator/risk/"
PAGE: Final = riskengine.MOST_TENANTS


def tenants(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show how sessions looked of late, a tenant each line, by slug; those alone whose name is asked for.

    page: what the site's pages have in common.
    """
    at, text = now(), request.GET.get("text", "").strip()
    found = licensing.search_tenants(
        text=text, plan="", state="", after=request.GET.get("after", ""), limit=PAGE + 1, at=at
    )
    shown = found[:PAGE]
    counts = riskengine.risk_by_tenant(tenant_ids=[one.id for one in shown], at=at)
    more = {"text": text, "after": shown[-1].slug} if len(found) > PAGE else {}
    context = {
        **page,
        "title": "Risk",
        "text": text,
        **tenants_shown([(one.id, one.name, one.slug) for one in shown], counts),
        "more": urlencode({key: value for key, value in more.items() if value}),
    }
    return render(request, "admin/risk.html", context)


def show_risk(request: HttpRequest, page: Mapping[str, Any], tenant: UUID) -> HttpResponse:
    """Show how risky the sessions of one tenant looked, why, and how it ended."""
    days = days_in(request.GET)
    try:
        known = licensing.get_tenant(tenant)
        found = riskengine.risk_report(tenant_id=known.id, days=days, at=now())
    except TiergateError as error:
        return refused(request, error.detail, status=404)
    return _shown(request, page, known, report_shown(found, days=days), template="admin/risk_report.html")


def show_what_if(request: HttpRequest, page: Mapping[str, Any], tenant: UUID) -> HttpResponse:
    """Show how often the people of one tenant would be asked, had bands begun elsewhere."""
    days, begins = days_in(request.GET), begins_in(request.GET)
    try:
        known = licensing.get_tenant(tenant)
        found = riskengine.what_if(tenant_id=known.id, days=days, begins=begins, at=now())
    except licensing.TenantNotFound as error:
        return refused(request, error.detail, status=404)
    return _shown(request, page, known, what_if_shown(found, days=days), template="admin/risk_what_if.html")


def _shown(
    request: HttpRequest, page: Mapping[str, Any], known: licensing.Tenant, told: Mapping[str, Any], *, template: str
) -> HttpResponse:
    frame = {"title": f"Risk in {known.name}", "tenant": known, "root": f"{HOME}{known.id}"}
    return render(request, template, {**page, **frame, **told})
