"""HTTP door of who is ready for what the plan asks."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import licensing.api
from authlevels.readiness import readiness
from authlevels.serializers import ReadinessAnswer
from isolation.clock import now
from tiergate import Action


class ReadinessView(APIView):
    """Which members could show what the tenant's plan asks for."""

    required_action = Action.MEMBER_READ
    tenant_kwarg = "tenant"

    @extend_schema(responses=ReadinessAnswer, operation_id="get_readiness")
    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - as routed
        """Say how many are ready, who is not, and from when on the level is asked of them everywhere."""
        found = readiness(tenant_id=licensing.api.get_tenant(tenant).id, at=now())
        answer = {
            "level": found.level.value,
            "ready": found.ready,
            "members": found.members,
            "not_ready": [
                {
                    "subject": {"type": one.subject[0], "id": one.subject[1]},
                    "display_name": one.display_name,
                    "since": one.since,
                    "due": one.due,
                }
                for one in found.not_ready
            ],
        }
        return Response(ReadinessAnswer(answer).data)
