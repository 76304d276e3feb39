"""A tenant's environments over HTTP."""

from collections.abc import Mapping

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.environments import list_environments, put_environments
from licensing.errors import InvalidName
from licensing.serializers import EnvironmentsBody, EnvironmentsPage
from licensing.tenants import get_tenant
from licensing.wire import author, checked, documented
from tiergate import Action


class EnvironmentsView(APIView):
    """The environments that a tenant declares."""

    required_action = {"GET": Action.ENVIRONMENT_READ, "PUT": Action.ENVIRONMENT_WRITE}
    tenant_kwarg = "tenant"

    @documented("list_environments", EnvironmentsPage)
    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - as routed
        """List the environments; none where development, staging and production go by their own names."""
        return Response(_told(list_environments(tenant_id=get_tenant(tenant).id)))

    @documented("put_environments", EnvironmentsPage, body=EnvironmentsBody)
    def put(self, request: Request, tenant: str) -> Response:
        """Declare all environments; one that is not named is declared no longer."""
        items = checked(EnvironmentsBody, request)["items"]
        wanted = {one["name"]: one["sensitivity"] for one in items}
        if len(wanted) < len(items):
            raise InvalidName("An environment is named twice.")
        found, _changed = put_environments(
            tenant_id=get_tenant(tenant).id, environments=wanted, by=author(request), at=now()
        )
        return Response(_told(found))


def _told(declared: Mapping[str, str]) -> dict[str, object]:
    items = [{"name": name, "sensitivity": str(declared[name])} for name in sorted(declared)]
    return {"items": items, "next": None}
