"""Enrolment through a product's own front end, for people whom the product has signed in."""

from dataclasses import asdict
from datetime import datetime

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import licensing.api
from authlevels.errors import SessionNotFound
from authlevels.parsers import BoundedJSONParser
from authlevels.principals import Session
from authlevels.public_ids import parse_session_handle
from authlevels.serializers import CodeRequest, EnrolmentAnswer, EnrolmentRequest, FactorAnswer
from authlevels.session_facts import session_facts
from authlevels.sessions import get_session
from authlevels.totp_enrolment import begin_totp_enrolment, confirm_totp_enrolment
from authlevels.views_sessions import own_credential
from isolation.clock import now
from tiergate import Action, SessionFacts


def _named_session(tenant: str, handle: str, *, at: datetime) -> tuple[Session, SessionFacts]:
    """Return the live session that the path names, if a product vouched for it.

    Our own sign-in's people enrol by their own secret: a product must not do it in their name.

    :raises SessionNotFound: there is no such session of this tenant.
    """
    session_id = parse_session_handle(handle)
    if session_id is None:
        raise SessionNotFound("There is no such live session.")
    session = get_session(tenant_id=licensing.api.get_tenant(tenant).id, session_id=session_id, at=at)
    if session.is_own:
        raise SessionNotFound("There is no such live session.")
    facts = session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)
    return session, facts


def _relaying(request: Request) -> str:
    return f"credential:{own_credential(request).name}"


class RelayedTotpView(APIView):
    """Beginning to enrol an authenticator app for an asserted session."""

    required_action = Action.FACTORS_RELAY
    tenant_kwarg = "tenant"
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=EnrolmentRequest, responses={201: EnrolmentAnswer}, operation_id="begin_relayed_totp")
    def post(self, request: Request, tenant: str, handle: str) -> Response:
        """Show what the app needs, this once; the factor counts only once a code confirms it."""
        body = EnrolmentRequest(data=request.data)
        body.is_valid(raise_exception=True)
        at = now()
        session, facts = _named_session(tenant, handle, at=at)
        begun = begin_totp_enrolment(session=session, facts=facts, by=_relaying(request), at=at, **body.validated_data)
        return Response(EnrolmentAnswer(asdict(begun)).data, status=201, headers={"Cache-Control": "no-store"})


class RelayedTotpConfirmView(APIView):
    """Confirming an authenticator app for an asserted session."""

    required_action = Action.FACTORS_RELAY
    tenant_kwarg = "tenant"
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=CodeRequest, responses={201: FactorAnswer}, operation_id="confirm_relayed_totp")
    def post(self, request: Request, tenant: str, handle: str) -> Response:
        """Confirm the begun enrolment with a first code, which is thereby used."""
        body = CodeRequest(data=request.data)
        body.is_valid(raise_exception=True)
        at = now()
        session, facts = _named_session(tenant, handle, at=at)
        factor = confirm_totp_enrolment(
            session=session, facts=facts, code=body.validated_data["code"], by=_relaying(request), at=at
        )
        return Response(FactorAnswer(asdict(factor)).data, status=201)
