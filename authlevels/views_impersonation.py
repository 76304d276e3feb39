"""HTTP doors of impersonation: begun by the vendor's support, seen and ended by the tenant too."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import licensing.api
from authlevels.client_address import person_address
from authlevels.drf import caller
from authlevels.errors import SessionNotFound
from authlevels.impersonation import Impersonation, begin_impersonation, end_impersonation, list_impersonations
from authlevels.parsers import BoundedJSONParser
from authlevels.principals import ServicePrincipal
from authlevels.public_ids import parse_session_handle
from authlevels.serializers_impersonation import ImpersonateRequest, ImpersonationPage, ImpersonationStarted
from authlevels.views_sessions import own_session
from isolation.clock import now
from tiergate import Action


class ImpersonationsView(APIView):
    """Acting as somebody, for the vendor's support."""

    required_action = Action.IMPERSONATION_START
    parser_classes = (BoundedJSONParser,)

    @extend_schema(
        request=ImpersonateRequest, responses={201: ImpersonationStarted}, operation_id="begin_impersonation"
    )
    def post(self, request: Request) -> Response:
        """Begin a session as a member, which is named by its handle, marked, and never steps up."""
        body = ImpersonateRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        session = begin_impersonation(
            support=own_session(request),
            tenant_id=licensing.api.get_tenant(given["tenant"]).id,
            subject_type=given["subject"]["type"],
            subject_id=given["subject"]["id"],
            reason=given["reason"],
            minutes=given["minutes"],
            ip=person_address(request._request),  # noqa: SLF001 - DRF has no other door
            user_agent=request.headers.get("User-Agent", ""),
            at=now(),
        )
        answer = {
            "session": session.handle,
            "subject": {"type": session.subject_type, "id": session.subject_id},
            "expires_at": session.expires_at,
        }
        return Response(ImpersonationStarted(answer).data, status=201, headers={"Cache-Control": "no-store"})


class TenantImpersonationsView(APIView):
    """Who of the vendor's support acted as whom."""

    required_action = Action.IMPERSONATION_READ
    tenant_kwarg = "tenant"

    @extend_schema(responses=ImpersonationPage, operation_id="list_impersonations")
    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - as routed
        """List the impersonations of the tenant's members, the newest first."""
        found = list_impersonations(tenant_id=licensing.api.get_tenant(tenant).id)
        return Response(ImpersonationPage({"items": [_members(one) for one in found], "next": None}).data)


class TenantImpersonationView(APIView):
    """One impersonation."""

    required_action = Action.IMPERSONATION_END
    tenant_kwarg = "tenant"

    @extend_schema(
        request=None, responses={204: OpenApiResponse(description="ended")}, operation_id="end_impersonation"
    )
    def delete(self, request: Request, tenant: str, handle: str) -> Response:
        """End the impersonation; again changes nothing."""
        session_id = parse_session_handle(handle)
        if session_id is None:
            raise SessionNotFound("There is no such impersonation.")
        end_impersonation(
            tenant_id=licensing.api.get_tenant(tenant).id, session_id=session_id, by=_author(request), at=now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _author(request: Request) -> str:
    principal = caller(request)
    if isinstance(principal, ServicePrincipal):
        return f"credential:{principal.credential.name}"
    return ":".join(own_session(request).subject)


def _members(one: Impersonation) -> dict[str, object]:
    return {
        "session": one.session,
        "subject": {"type": one.subject_type, "id": one.subject_id},
        "by": one.by,
        "reason": one.reason,
        "started_at": one.started_at,
        "expires_at": one.expires_at,
        "ended_at": one.ended_at,
    }
