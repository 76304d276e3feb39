"""HTTP doors of recovery codes, of what they are good for, and of one's own password."""

from dataclasses import asdict

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels.cookies import set_session_cookie
from authlevels.parsers import BoundedJSONParser
from authlevels.password_change import change_password
from authlevels.presenters import is_session_cookie
from authlevels.recovery import begin_replacement, confirm_replacement, create_recovery_codes, use_recovery_code
from authlevels.recovery_passkeys import begin_passkey_replacement, confirm_passkey_replacement
from authlevels.serializers import (
    CodeRequest,
    EnrolmentAnswer,
    FactorAnswer,
    PasskeyOptions,
    PasskeyRequest,
    PasswordRequest,
    RecoveryAnswer,
    RecoveryCodesAnswer,
    RecoveryRequest,
    ReplacementRequest,
    SecretAnswer,
)
from authlevels.session_facts import session_facts
from authlevels.views_sessions import own_session
from isolation.clock import now
from tiergate import Action

_NO_STORE = {"Cache-Control": "no-store"}


def _of_caller(request: Request) -> dict[str, object]:
    session, at = own_session(request), now()
    facts = session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)
    return {"session": session, "facts": facts, "at": at}


class RecoveryCodesView(APIView):
    """The caller's list of recovery codes."""

    required_action = Action.FACTORS_MANAGE

    @extend_schema(request=None, responses={201: RecoveryCodesAnswer}, operation_id="create_recovery_codes")
    def post(self, request: Request) -> Response:
        """Make a new list and show it this once; an earlier one is dead."""
        codes = create_recovery_codes(**_of_caller(request))  # type: ignore[arg-type]  # as named there
        return Response(RecoveryCodesAnswer({"codes": codes}).data, status=201, headers=_NO_STORE)


class RecoveryView(APIView):
    """Using a recovery code."""

    required_action = Action.FACTORS_RECOVER
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=RecoveryRequest, responses={201: RecoveryAnswer}, operation_id="use_recovery_code")
    def post(self, request: Request) -> Response:
        """Use one up; this session may then enrol one app in the place of the lost one."""
        body = RecoveryRequest(data=request.data)
        body.is_valid(raise_exception=True)
        granted = use_recovery_code(code=body.validated_data["code"], **_of_caller(request))  # type: ignore[arg-type]
        return Response(RecoveryAnswer(asdict(granted)).data, status=201)


class ReplacementView(APIView):
    """Beginning to enrol an app in the place of a lost one."""

    required_action = Action.FACTORS_RECOVER
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=ReplacementRequest, responses={201: EnrolmentAnswer}, operation_id="begin_replacement")
    def post(self, request: Request) -> Response:
        """Show what the app needs, this once; the lost one goes when a code confirms it."""
        body = ReplacementRequest(data=request.data)
        body.is_valid(raise_exception=True)
        begun = begin_replacement(**_of_caller(request), **body.validated_data)  # type: ignore[arg-type]
        return Response(EnrolmentAnswer(asdict(begun)).data, status=201, headers=_NO_STORE)


class ReplacementConfirmView(APIView):
    """Confirming the app that stands in the place of a lost one."""

    required_action = Action.FACTORS_RECOVER
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=CodeRequest, responses={201: FactorAnswer}, operation_id="confirm_replacement")
    def post(self, request: Request) -> Response:
        """Confirm it with a first code; it leads no higher than a password until the tenant's cool-down is over."""
        body = CodeRequest(data=request.data)
        body.is_valid(raise_exception=True)
        factor = confirm_replacement(code=body.validated_data["code"], **_of_caller(request))  # type: ignore[arg-type]
        return Response(FactorAnswer(asdict(factor)).data, status=201)


class PasskeyReplacementView(APIView):
    """Beginning to enrol a passkey with a recovery code."""

    required_action = Action.FACTORS_RECOVER

    @extend_schema(request=None, responses={201: PasskeyOptions}, operation_id="begin_passkey_replacement")
    def post(self, request: Request) -> Response:
        """Ask for a new passkey: what ``navigator.credentials.create`` takes; it drives out no other factor."""
        options = begin_passkey_replacement(**_of_caller(request))  # type: ignore[arg-type]  # as named there
        return Response({"publicKey": options}, status=201, headers=_NO_STORE)


class PasskeyReplacementConfirmView(APIView):
    """Enrolling the passkey that the browser made, with a recovery code."""

    required_action = Action.FACTORS_RECOVER
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=PasskeyRequest, responses={201: FactorAnswer}, operation_id="confirm_passkey_replacement")
    def post(self, request: Request) -> Response:
        """Take what the browser gave; it leads no higher than a password until the tenant's cool-down is over."""
        body = PasskeyRequest(data=request.data)
        body.is_valid(raise_exception=True)
        factor = confirm_passkey_replacement(**_of_caller(request), **body.validated_data)  # type: ignore[arg-type]
        return Response(FactorAnswer(asdict(factor)).data, status=201)


class PasswordView(APIView):
    """The caller's own password."""

    required_action = Action.FACTORS_MANAGE
    parser_classes = (BoundedJSONParser,)

    @extend_schema(
        request=PasswordRequest,
        responses={200: SecretAnswer, 204: OpenApiResponse(description="changed; the cookie is new")},
        operation_id="change_password",
    )
    def post(self, request: Request) -> Response:
        """Change it: every other session is over, and this one has a new secret."""
        body = PasswordRequest(data=request.data)
        body.is_valid(raise_exception=True)
        session, at = own_session(request), now()
        facts = session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)
        secret = change_password(session=session, facts=facts, at=at, **body.validated_data)
        if not is_session_cookie(request._request):  # noqa: SLF001 - DRF has no other door
            return Response(SecretAnswer({"secret": secret}).data, headers=_NO_STORE)
        response = Response(status=204)
        set_session_cookie(response, secret, expires_at=session.expires_at, at=at)
        return response
