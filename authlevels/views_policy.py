"""HTTP doors of a tenant's step-up policy, and of ending a member's pause."""

from dataclasses import asdict

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import licensing.api
from authlevels.parsers import BoundedJSONParser
from authlevels.policy import get_policy, put_policy
from authlevels.serializers import PolicyAnswer, PolicyBody
from authlevels.unlocking import unlock_member
from isolation.clock import now
from tiergate import Action


def author(request: Request) -> str:
    """Name who calls, as the decision that let them in has it; a view that nobody decided on has no author."""
    asked_by: str = request._request.decision.question.asked_by  # type: ignore[attr-defined]  # noqa: SLF001
    return asked_by


class PolicyView(APIView):
    """What a tenant wants of its people's factors."""

    required_action = {"GET": Action.POLICY_READ, "PUT": Action.POLICY_WRITE}
    tenant_kwarg = "tenant"
    parser_classes = (BoundedJSONParser,)

    @extend_schema(responses=PolicyAnswer, operation_id="get_step_up_policy")
    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - as routed
        """Show the policy; the defaults, where none was set."""
        return Response(PolicyAnswer(asdict(get_policy(tenant_id=licensing.api.get_tenant(tenant).id))).data)

    @extend_schema(request=PolicyBody, responses=PolicyAnswer, operation_id="put_step_up_policy")
    def put(self, request: Request, tenant: str) -> Response:
        """Change what is named of the policy; the rest stays."""
        body = PolicyBody(data=request.data)
        body.is_valid(raise_exception=True)
        policy = put_policy(
            tenant_id=licensing.api.get_tenant(tenant).id, by=author(request), at=now(), **body.validated_data
        )
        return Response(PolicyAnswer(asdict(policy)).data)


class UnlockView(APIView):
    """A member whom wrong codes made wait."""

    required_action = Action.MEMBER_UNLOCK
    tenant_kwarg = "tenant"

    @extend_schema(request=None, responses={204: OpenApiResponse(description="unlocked")}, operation_id="unlock_member")
    def post(self, request: Request, tenant: str, subject_type: str, subject_id: str) -> Response:
        """End the pauses of the member's factors and password; a disabled factor stays so."""
        unlock_member(
            tenant_id=licensing.api.get_tenant(tenant).id,
            subject=(subject_type, subject_id),
            by=author(request),
            at=now(),
        )
        return Response(status=204)
