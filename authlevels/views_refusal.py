"""The HTTP door by which a person refuses what they are asked to confirm."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels.challenge_refusal import refuse_challenge
from authlevels.drf import enforce_csrf
from authlevels.presenters import is_session_cookie, presenter_of
from isolation.clock import now


class RefuseView(APIView):
    """Saying that a challenge is not one's own doing."""

    open_because = "the challenge itself asks for its session, or a relaying credential"

    @extend_schema(
        request=None, responses={204: OpenApiResponse(description="refused")}, operation_id="refuse_challenge"
    )
    def post(self, request: Request, challenge: str) -> Response:
        """Close the challenge for good: what waits for it does not go on."""
        plain = request._request  # noqa: SLF001 - DRF has no other door
        if is_session_cookie(plain):
            enforce_csrf(request)
        refuse_challenge(ref=challenge, presenter=presenter_of(plain), at=now())
        return Response(status=status.HTTP_204_NO_CONTENT)
