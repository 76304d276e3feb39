"""HTTP doors of sessions: sign in, vouch, look, end."""

from dataclasses import asdict

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import licensing.api
from authlevels.assertion import assert_session
from authlevels.client_address import counted_network, person_address
from authlevels.cookies import drop_session_cookie
from authlevels.drf import caller
from authlevels.errors import NotSignedIn, SessionNotFound, VerbMissing
from authlevels.factors import list_factors
from authlevels.looks import DEVICE_HEADER
from authlevels.parsers import BoundedJSONParser
from authlevels.principals import Credential, PersonPrincipal, ServicePrincipal, Session
from authlevels.public_ids import parse_session_handle
from authlevels.serializers import AssertedAnswer, AssertRequest, MeAnswer, SignInAnswer, SignInRequest
from authlevels.session_facts import session_facts
from authlevels.session_start import Origin
from authlevels.sessions import end_session
from authlevels.sign_in import sign_in_with_password
from isolation.clock import now
from riskengine import api as riskengine
from tiergate import Action, held_level


def own_session(request: Request) -> Session:
    """Return the session of the person who calls.

    :raises NotSignedIn: no person does.
    """
    principal = caller(request)
    if not isinstance(principal, PersonPrincipal):
        raise NotSignedIn("This needs a person's own session.")
    return principal.session


def own_credential(request: Request) -> Credential:
    """Return the credential of the service that calls.

    :raises VerbMissing: no service does.
    """
    principal = caller(request)
    if not isinstance(principal, ServicePrincipal):
        raise VerbMissing("This needs a service credential.")
    return principal.credential


class SignInView(APIView):
    """Own sign-in for clients that keep their session's secret themselves."""

    open_because = "signing in is what makes a caller known; attempts are counted"
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=SignInRequest, responses={201: SignInAnswer}, auth=[], operation_id="sign_in")
    def post(self, request: Request) -> Response:
        """Begin a session and show its secret this once."""
        body = SignInRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        try:
            tenant_id = licensing.api.get_tenant(given["tenant"]).id
        except licensing.api.TenantNotFound:
            tenant_id = None
        at = now()
        device_token = riskengine.good_device_token(request.headers.get(DEVICE_HEADER), at=at)
        session, secret = sign_in_with_password(
            tenant_id=tenant_id,
            username=given["username"],
            password=given["password"],
            network=counted_network(request._request),  # noqa: SLF001 - DRF has no other door
            ip=person_address(request._request),  # noqa: SLF001 - as above
            user_agent=request.headers.get("User-Agent", ""),
            device_token=device_token,
            at=at,
        )
        answer = {
            "session": session.handle,
            "secret": secret,
            "expires_at": session.expires_at,
            "device_token": riskengine.kept_device_token(device_token, at=at),
        }
        return Response(SignInAnswer(answer).data, status=201, headers={"Cache-Control": "no-store"})


class SignOutView(APIView):
    """Ends the caller's own session."""

    open_because = "whoever holds a session may end it, whatever its level"

    @extend_schema(request=None, responses={204: OpenApiResponse(description="ended")}, operation_id="sign_out")
    def post(self, request: Request) -> Response:
        """End the session and drop the cookie."""
        session = own_session(request)
        by = ":".join(session.subject)
        end_session(tenant_id=session.tenant_id, session_id=session.id, by=by, at=now())
        response = Response(status=status.HTTP_204_NO_CONTENT)
        drop_session_cookie(response)
        return response


class AssertSessionView(APIView):
    """A product vouches for a person whom it has signed in."""

    required_action = Action.SESSION_ASSERT
    tenant_kwarg = "tenant"
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=AssertRequest, responses={201: AssertedAnswer}, operation_id="assert_session")
    def post(self, request: Request, tenant: str) -> Response:
        """Begin a session that is named by its handle and has no secret."""
        body = AssertRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given, at = body.validated_data, now()
        # A product that keeps none is given none: a new one each time would teach that the person has ever new devices.
        token = riskengine.good_device_token(given["device_token"], at=at) if "device_token" in given else None
        session = assert_session(
            tenant_id=licensing.api.get_tenant(tenant).id,
            credential=own_credential(request),
            subject_type=given["subject"]["type"],
            subject_id=given["subject"]["id"],
            amr=given["amr"],
            auth_time=given["auth_time"],
            idp=given["idp"],
            expires_at=given["expires_at"],
            origin=Origin(ip=given["ip"], user_agent=given["user_agent"], device=given["device"], device_token=token),
            at=at,
        )
        answer = _session_members(session)
        if token is not None:
            answer["device_token"] = riskengine.kept_device_token(token, at=at)
        return Response(AssertedAnswer(answer).data, status=201)


class EndSessionView(APIView):
    """A product ends a session that it named."""

    required_action = Action.SESSION_END
    tenant_kwarg = "tenant"

    @extend_schema(request=None, responses={204: OpenApiResponse(description="ended")}, operation_id="end_session")
    def delete(self, request: Request, tenant: str, handle: str) -> Response:
        """End the session, and with it every elevation; again changes nothing."""
        credential = own_credential(request)
        session_id = parse_session_handle(handle)
        if session_id is None:
            raise SessionNotFound("There is no such session.")
        end_session(
            tenant_id=licensing.api.get_tenant(tenant).id,
            session_id=session_id,
            by=f"credential:{credential.name}",
            at=now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    """Who the caller is, and how sure we are."""

    required_action = Action.SELF_READ

    @extend_schema(responses=MeAnswer, operation_id="me")
    def get(self, request: Request) -> Response:
        """Show the caller's own session, its level, live proofs and enrolled factors."""
        session, at = own_session(request), now()
        facts = session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)
        answer = {
            **_session_members(session),
            "tenant": licensing.api.get_tenant(session.tenant_id).slug,
            "level": held_level(facts.proofs, activity=facts.activity, at=at).value,
            "proofs": [
                {"method": proof.method, "at": proof.at, "issuer": proof.issuer, "scope": proof.scope.kind.value}
                for proof in facts.proofs
            ],
            "factors": [
                asdict(factor) for factor in list_factors(user_id=session.user_id, tenant_id=session.tenant_id)
            ],
        }
        return Response(MeAnswer(answer).data)


def _session_members(session: Session) -> dict[str, object]:
    return {
        "session": session.handle,
        "subject": {"type": session.subject_type, "id": session.subject_id},
        "expires_at": session.expires_at,
    }
