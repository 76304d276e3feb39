"""HTTP doors of step-up, for products with a front end of their own."""

from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import licensing.api
from authlevels.challenges import open_challenge, show_challenge
from authlevels.client_address import counted_network
from authlevels.device_codes import issue_code
from authlevels.device_polls import poll_challenge
from authlevels.drf import caller, enforce_csrf
from authlevels.elevations import end_all_elevations, end_elevation
from authlevels.errors import ChallengeNotFound, NotSignedIn
from authlevels.looks import told_by
from authlevels.network_attempts import counted_attempt
from authlevels.origins import normal_origin
from authlevels.parsers import BoundedJSONParser
from authlevels.presenters import code_members, is_session_cookie, presenter_of, renew_cookie
from authlevels.principals import Credential, PersonPrincipal
from authlevels.redemption import redeem
from authlevels.serializers import (
    ChallengeAnswer,
    OpenedAnswer,
    OpenRequest,
    PollAnswer,
    RedeemAnswer,
    RedeemRequest,
    VerifyAnswer,
    VerifyRequest,
)
from authlevels.verification import Passed, verify
from authlevels.views_sessions import own_session
from isolation.clock import now
from riskengine.api import NOTHING_TOLD
from tiergate import Action


class ChallengesView(APIView):
    """Beginning a step-up."""

    required_action = Action.CHALLENGE_CREATE
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=OpenRequest, responses={201: OpenedAnswer}, operation_id="open_challenge")
    def post(self, request: Request) -> Response:
        """Open the challenge that a recorded refusal calls for, or return the equal open one."""
        body = OpenRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        by = presenter_of(request._request)  # noqa: SLF001 - DRF has no other door
        if by.session is not None:
            tenant_id = by.session.tenant_id
        elif by.credential is not None:
            tenant_id = _tenant_named(given["tenant"], by.credential)
        else:
            raise NotSignedIn("Sign in, or show a service credential.")
        opened = open_challenge(
            tenant_id=tenant_id,
            decision_id=given["decision_id"],
            session=by.session,
            credential=by.credential,
            return_to=given["return_to"],
            state=given["state"],
            batch_items=given.get("batch", {}).get("items", 0),
            own_origin=normal_origin(settings.TIERGATE_BASE_URL),
            at=now(),
        )
        answer = {
            "challenge_id": opened.id,
            "state": "open",
            "expires_at": opened.expires_at,
            "methods": [method.value for method in opened.methods],
            "display": opened.display,
            **({"url": f"{settings.TIERGATE_BASE_URL}{opened.path}"} if opened.path else {}),
            **_code_members(request, opened.id),
        }
        return Response(OpenedAnswer(answer).data, status=201, headers={"Cache-Control": "no-store"})


def _code_members(request: Request, ref: str) -> dict[str, object]:
    """Write the code of a program that is in a session of our own sign-in; a browser has the page itself."""
    principal = caller(request)
    if not isinstance(principal, PersonPrincipal) or principal.by_cookie:
        return {}
    return code_members(issue_code(ref=ref, at=now()))


def _tenant_named(ref: str, credential: Credential) -> UUID:
    """Return the tenant that a service names, or its own where it names none.

    :raises TenantNotFound: there is none, or none that the credential reaches: which of both is not told.
    """
    tenant_id = licensing.api.get_tenant(ref).id if ref else credential.tenant_id
    if not credential.reaches(tenant_id):
        raise licensing.api.TenantNotFound("There is no such tenant.")
    return tenant_id


class ChallengeView(APIView):
    """One challenge."""

    open_because = "the challenge itself asks for its session, or a relaying credential"

    @extend_schema(responses=ChallengeAnswer, operation_id="show_challenge")
    def get(self, request: Request, challenge: str) -> Response:
        """Show what is asked, and whether it still is."""
        shown = show_challenge(ref=challenge, presenter=presenter_of(request._request), at=now())  # noqa: SLF001
        answer = {
            "challenge_id": shown.id,
            "state": shown.state,
            "expires_at": shown.expires_at,
            "methods": [method.value for method in shown.methods],
            "display": shown.display,
            **({"elevation_id": shown.elevation_id} if shown.elevation_id else {}),
        }
        return Response(ChallengeAnswer(answer).data)


class PollView(APIView):
    """Waiting for a challenge to be answered elsewhere."""

    open_because = "the challenge itself asks for the session that waits for it"

    @extend_schema(request=None, responses={200: PollAnswer}, operation_id="poll_challenge")
    def post(self, request: Request, challenge: str) -> Response:
        """Give the elevation once it is there; until then a 400 says `authorization_pending` or `slow_down`."""
        passed = poll_challenge(ref=challenge, session=own_session(request), at=now())
        answer = {
            "state": "passed",
            "elevation_id": passed.elevation_id,
            "scope": passed.scope,
            "level": passed.level,
            "expires_at": passed.expires_at,
        }
        return Response(PollAnswer(answer).data, headers={"Cache-Control": "no-store"})


class VerifyView(APIView):
    """Answering a challenge."""

    open_because = "the challenge itself asks for its session, or a relaying credential"
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=VerifyRequest, responses={200: VerifyAnswer}, operation_id="verify_challenge")
    def post(self, request: Request, challenge: str) -> Response:
        """Judge a code, password or passkey once; wrong ones are counted over all challenges.

        A browser's session cookie is replaced; the bearer secret of another client stays as it is.
        """
        plain = request._request  # noqa: SLF001 - DRF has no other door
        if is_session_cookie(plain):
            enforce_csrf(request)
        body = VerifyRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        at = now()
        presenter = presenter_of(plain)
        # A service that passes answers on is one network for all of its people.
        network = "" if presenter.credential else counted_network(plain)
        with counted_attempt(network, at=at):
            result = verify(
                ref=challenge,
                **given,
                presenter=presenter,
                at=at,
                renew_secret=is_session_cookie(plain),
                told=NOTHING_TOLD if presenter.credential else told_by(plain),
            )
        if not isinstance(result, Passed):
            open_still = {
                "state": "open",
                "expires_at": result.expires_at,
                "methods": [method.value for method in result.methods],
            }
            return Response(VerifyAnswer(open_still).data)
        answer = {
            "state": "passed",
            "elevation_id": result.elevation_id,
            "scope": result.scope,
            "level": result.level,
            "expires_at": result.expires_at,
        }
        response = Response(VerifyAnswer(answer).data)
        renew_cookie(plain, response, result, at=at)
        return response


class RedeemView(APIView):
    """What a browser brought back from the hosted page."""

    required_action = Action.CHALLENGE_CREATE
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=RedeemRequest, responses={200: RedeemAnswer}, operation_id="redeem_challenge")
    def post(self, request: Request, challenge: str) -> Response:
        """Make the elevation count, once: only if the browser that came back is the one that began."""
        body = RedeemRequest(data=request.data)
        body.is_valid(raise_exception=True)
        by = presenter_of(request._request)  # noqa: SLF001 - DRF has no other door
        if by.credential is None:
            raise ChallengeNotFound("There is no such challenge for you.")
        passed = redeem(ref=challenge, code=body.validated_data["code"], credential=by.credential, at=now())
        answer = {
            "state": "passed",
            "elevation_id": passed.elevation_id,
            "scope": passed.scope,
            "level": passed.level,
            "expires_at": passed.expires_at,
        }
        return Response(RedeemAnswer(answer).data, headers={"Cache-Control": "no-store"})


class ElevationView(APIView):
    """One elevation."""

    required_action = Action.ELEVATION_END

    @extend_schema(request=None, responses={204: OpenApiResponse(description="ended")}, operation_id="end_elevation")
    def delete(self, request: Request, elevation: str) -> Response:
        """End the task: the next request is refused again. Again changes nothing."""
        end_elevation(ref=elevation, presenter=presenter_of(request._request), at=now())  # noqa: SLF001
        return Response(status=status.HTTP_204_NO_CONTENT)


class OwnElevationsView(APIView):
    """What the caller's own session is elevated for."""

    required_action = Action.ELEVATION_END

    @extend_schema(request=None, responses={204: OpenApiResponse(description="ended")}, operation_id="end_elevations")
    def delete(self, request: Request) -> Response:
        """End every task of the session."""
        session = own_session(request)
        by = presenter_of(request._request)  # noqa: SLF001 - DRF has no other door
        end_all_elevations(tenant_id=session.tenant_id, session=session.handle, presenter=by, at=now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionElevationsView(APIView):
    """What a session is elevated for that a product has vouched for."""

    required_action = Action.ELEVATION_END
    tenant_kwarg = "tenant"

    @extend_schema(
        request=None, responses={204: OpenApiResponse(description="ended")}, operation_id="end_elevations_of_session"
    )
    def delete(self, request: Request, tenant: str, handle: str) -> Response:
        """End every task of the session, which itself goes on."""
        end_all_elevations(
            tenant_id=licensing.api.get_tenant(tenant).id,
            session=handle,
            presenter=presenter_of(request._request),  # noqa: SLF001 - DRF has no other door
            at=now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
