"""HTTP doors of passkeys: to enrol one, and to be asked for one."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels.drf import enforce_csrf
from authlevels.parsers import BoundedJSONParser
from authlevels.passkeys import begin_passkey_enrolment, begin_passkey_step_up, confirm_passkey_enrolment
from authlevels.presenters import is_session_cookie, presenter_of
from authlevels.serializers import FactorAnswer, PasskeyOptions, PasskeyRequest
from authlevels.session_facts import session_facts
from authlevels.views_sessions import own_session
from isolation.clock import now
from tiergate import Action

_UNKEPT = {"Cache-Control": "no-store"}


class PasskeysView(APIView):
    """Beginning to enrol a passkey.

    Of our own sign-in's people alone: a passkey is made for the site that asks for it, which is this one.
    """

    required_action = Action.FACTORS_MANAGE

    @extend_schema(request=None, responses={201: PasskeyOptions}, operation_id="begin_passkey")
    def post(self, request: Request) -> Response:
        """Ask for a new passkey: what ``navigator.credentials.create`` takes, good for five minutes and one answer."""
        session, at = own_session(request), now()
        facts = session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)
        options = begin_passkey_enrolment(session=session, facts=facts, at=at)
        return Response({"publicKey": options}, status=201, headers=_UNKEPT)


class PasskeyConfirmView(APIView):
    """Enrolling the passkey that the browser made."""

    required_action = Action.FACTORS_MANAGE
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=PasskeyRequest, responses={201: FactorAnswer}, operation_id="confirm_passkey")
    def post(self, request: Request) -> Response:
        """Take what the browser gave; the factor counts from now on."""
        body = PasskeyRequest(data=request.data)
        body.is_valid(raise_exception=True)
        session, at = own_session(request), now()
        facts = session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)
        factor = confirm_passkey_enrolment(session=session, facts=facts, at=at, **body.validated_data)
        return Response(FactorAnswer(asdict(factor)).data, status=201)


class AskPasskeyView(APIView):
    """Being asked for a passkey."""

    open_because = "the challenge itself asks for its session, or a relaying credential"

    @extend_schema(request=None, responses={201: PasskeyOptions}, operation_id="ask_passkey")
    def post(self, request: Request, challenge: str) -> Response:
        """Ask for a passkey that would do: what ``navigator.credentials.get`` takes, for five minutes and one answer."""
        plain = request._request  # noqa: SLF001 - DRF has no other door
        if is_session_cookie(plain):
            enforce_csrf(request)
        options = begin_passkey_step_up(ref=challenge, presenter=presenter_of(plain), at=now())
        return Response({"publicKey": options}, status=201, headers=_UNKEPT)
