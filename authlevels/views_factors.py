"""HTTP doors of a person's own factors."""

from dataclasses import asdict
from datetime import datetime

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels.factors import list_factors, remove_factor, rename_factor
from authlevels.parsers import BoundedJSONParser
from authlevels.principals import Session
from authlevels.serializers import CodeRequest, EnrolmentAnswer, EnrolmentRequest, FactorAnswer, FactorList, NameRequest
from authlevels.session_facts import session_facts
from authlevels.totp_enrolment import begin_totp_enrolment, confirm_totp_enrolment
from authlevels.views_sessions import own_session
from isolation.clock import now
from tiergate import Action, SessionFacts


def _facts(session: Session, at: datetime) -> SessionFacts:
    return session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)


class FactorsView(APIView):
    """What the caller has enrolled."""

    required_action = Action.SELF_READ

    @extend_schema(responses=FactorList, operation_id="list_factors")
    def get(self, request: Request) -> Response:
        """List the factors, without any secret."""
        session = own_session(request)
        found = list_factors(user_id=session.user_id, tenant_id=session.tenant_id)
        return Response(FactorList({"items": [asdict(one) for one in found]}).data)


class TotpView(APIView):
    """Beginning to enrol an authenticator app."""

    required_action = Action.FACTORS_MANAGE
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=EnrolmentRequest, responses={201: EnrolmentAnswer}, operation_id="begin_totp")
    def post(self, request: Request) -> Response:
        """Show what the app needs, this once; the factor counts only once a code confirms it."""
        body = EnrolmentRequest(data=request.data)
        body.is_valid(raise_exception=True)
        session, at = own_session(request), now()
        begun = begin_totp_enrolment(session=session, facts=_facts(session, at), at=at, **body.validated_data)
        answer = EnrolmentAnswer(asdict(begun)).data
        return Response(answer, status=201, headers={"Cache-Control": "no-store"})


class TotpConfirmView(APIView):
    """Confirming an authenticator app."""

    required_action = Action.FACTORS_MANAGE
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=CodeRequest, responses={201: FactorAnswer}, operation_id="confirm_totp")
    def post(self, request: Request) -> Response:
        """Confirm the begun enrolment with a first code, which is thereby used."""
        body = CodeRequest(data=request.data)
        body.is_valid(raise_exception=True)
        session, at = own_session(request), now()
        factor = confirm_totp_enrolment(
            session=session, facts=_facts(session, at), code=body.validated_data["code"], at=at
        )
        return Response(FactorAnswer(asdict(factor)).data, status=201)


class FactorView(APIView):
    """One enrolled factor."""

    required_action = Action.FACTORS_MANAGE

    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=NameRequest, responses=FactorAnswer, operation_id="rename_factor")
    def patch(self, request: Request, factor: str) -> Response:
        """Give a factor another name."""
        body = NameRequest(data=request.data)
        body.is_valid(raise_exception=True)
        session, at = own_session(request), now()
        named = rename_factor(
            session=session, facts=_facts(session, at), factor_id=factor, name=body.validated_data["name"], at=at
        )
        return Response(FactorAnswer(asdict(named)).data)

    @extend_schema(request=None, responses={204: OpenApiResponse(description="removed")}, operation_id="remove_factor")
    def delete(self, request: Request, factor: str) -> Response:
        """Remove a factor; what it proved counts no further."""
        session, at = own_session(request), now()
        remove_factor(session=session, facts=_facts(session, at), factor_id=factor, at=at)
        return Response(status=status.HTTP_204_NO_CONTENT)
