"""The directory and the catalogue over HTTP."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.catalogue_listing import catalogue_json
from licensing.serializers import CatalogueAnswer, TenantAnswer, TenantBody, TenantPage
from licensing.tenants import Tenant, get_tenant, list_tenants, put_tenant
from licensing.wire import PAGE_PARAMETERS, author, checked, documented, page_of, paged
from tiergate import Action


def tenant_json(tenant: Tenant) -> dict[str, Any]:
    """Write a tenant."""
    return {
        "id": str(tenant.id),
        "slug": tenant.slug,
        "name": tenant.name,
        "status": tenant.status,
        "settings": dict(tenant.settings),
    }


class TenantListView(APIView):
    """All tenants."""

    required_action = Action.TENANT_LIST

    @documented("list_tenants", TenantPage, parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the tenants by slug, page by page."""
        after, limit = page_of(request)
        return paged(list_tenants(after=after, limit=limit + 1), limit, tenant_json, lambda one: one.slug)


class TenantView(APIView):
    """One tenant."""

    required_action = {"GET": Action.TENANT_READ, "PUT": Action.TENANT_WRITE}
    tenant_kwarg = "tenant"

    @documented("get_tenant", TenantAnswer)
    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - as routed
        """Show a tenant, by slug or id."""
        return Response(tenant_json(get_tenant(tenant)))

    @documented("put_tenant", TenantAnswer, body=TenantBody, statuses=(200, 201))
    def put(self, request: Request, tenant: str) -> Response:
        """Create or replace the tenant with this slug."""
        given = checked(TenantBody, request)
        found, created = put_tenant(slug=tenant, **given, by=author(request), at=now())
        return Response(tenant_json(found), status=201 if created else 200)


class CatalogueView(APIView):
    """The catalogue."""

    required_action = Action.CATALOG_READ

    @documented("get_catalog", CatalogueAnswer)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - as routed
        """Show features, actions, roles, and what plans and add-ons are on sale."""
        return Response(catalogue_json())
