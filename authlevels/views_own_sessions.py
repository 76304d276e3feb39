"""HTTP doors of a person's own sessions."""

from dataclasses import asdict

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels.own_sessions import end_other_sessions, end_own_session, list_own_sessions
from authlevels.serializers_sessions import EndedAnswer, OwnSessionList
from authlevels.views_sessions import own_session
from isolation.clock import now
from tiergate import Action


class OwnSessionsView(APIView):
    """Where the caller is signed in to this tenant."""

    required_action = {"GET": Action.SELF_READ, "DELETE": Action.SESSIONS_MANAGE}

    @extend_schema(responses=OwnSessionList, operation_id="list_own_sessions")
    def get(self, request: Request) -> Response:
        """List the sessions, the calling one first."""
        found = list_own_sessions(session=own_session(request), at=now())
        return Response(OwnSessionList({"items": [asdict(one) for one in found]}).data)

    @extend_schema(request=None, responses={200: EndedAnswer}, operation_id="end_other_sessions")
    def delete(self, request: Request) -> Response:
        """End every session but the calling one."""
        return Response(EndedAnswer({"ended": end_other_sessions(session=own_session(request), at=now())}).data)


class OwnSessionView(APIView):
    """One of the caller's own sessions."""

    required_action = Action.SESSIONS_MANAGE

    @extend_schema(request=None, responses={204: OpenApiResponse(description="ended")}, operation_id="end_own_session")
    def delete(self, request: Request, handle: str) -> Response:
        """End it, and with it every elevation; again changes nothing."""
        end_own_session(session=own_session(request), handle=handle, at=now())
        return Response(status=status.HTTP_204_NO_CONTENT)
