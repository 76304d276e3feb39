"""HTTP doors of risk: what a tenant has the engine do, what products tell it, and whose a session was."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import licensing.api
from authlevels.assertion import MAX_SKEW
from authlevels.drf import caller
from authlevels.parsers import BoundedJSONParser
from authlevels.principals import PersonPrincipal, ServicePrincipal
from authlevels.risk_signals import MOST_AGO, Event, Said, say_whose, tell_signals
from authlevels.serializers_risk import FeedbackBody, RiskPolicyAnswer, RiskPolicyBody, SignalsAnswer, SignalsBody
from authlevels.views_policy import author
from authlevels.views_sessions import own_credential
from isolation.clock import now
from riskengine import api as riskengine
from tiergate import Action

_OF_TENANT = OpenApiParameter("tenant", str, description="For the vendor: of which tenant.")


def _tenant_named(request: Request, ref: str) -> UUID:
    """Return the tenant that the caller names, or their own where they name none.

    :raises TenantNotFound: there is none, or it is another's: which of both is not told.
    """
    own: UUID = request._request.decision.question.home  # type: ignore[attr-defined]  # noqa: SLF001 - the door left it there
    if not ref:
        return own
    found = licensing.api.get_tenant(ref).id
    principal = caller(request)
    is_reached = isinstance(principal, ServicePrincipal) and principal.credential.reaches(found)
    if found != own and not is_reached:
        raise licensing.api.TenantNotFound("There is no such tenant.")
    return found


class RiskPolicyView(APIView):
    """What a tenant has the risk engine do, and what each band asks."""

    required_action = {"GET": Action.RISK_READ, "PUT": Action.RISK_WRITE}
    parser_classes = (BoundedJSONParser,)

    @extend_schema(responses=RiskPolicyAnswer, parameters=[_OF_TENANT], operation_id="get_risk_policy")
    def get(self, request: Request) -> Response:
        """Show the policy; the defaults, where none was set."""
        tenant_id = _tenant_named(request, request.query_params.get("tenant", "")[:64])
        return Response(riskengine.get_policy(tenant_id=tenant_id).as_json())

    @extend_schema(request=RiskPolicyBody, responses=RiskPolicyAnswer, operation_id="put_risk_policy")
    def put(self, request: Request) -> Response:
        """Change what is named of the policy; the rest stays."""
        body = RiskPolicyBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        policy = riskengine.put_policy(
            tenant_id=_tenant_named(request, given["tenant"]),
            mode=given.get("mode"),
            table=given.get("table"),
            by=author(request),
            at=now(),
        )
        return Response(policy.as_json())


class RiskSignalsView(APIView):
    """What a product tells of how people look where it asks for no decision."""

    required_action = Action.RISK_SIGNAL
    parser_classes = (BoundedJSONParser,)

    @extend_schema(request=SignalsBody, responses={202: SignalsAnswer}, operation_id="tell_signals")
    def post(self, request: Request) -> Response:
        """Take up to a hundred things, each once by its own name."""
        body = SignalsBody(data=request.data)
        body.is_valid(raise_exception=True)
        at = now()
        found = tell_signals(
            tenant_id=_tenant_named(request, body.validated_data["tenant"]),
            credential=own_credential(request),
            said=[_said(one, at) for one in body.validated_data["items"]],
            at=at,
        )
        return Response(SignalsAnswer({"taken": found.taken, "ignored": found.ignored}).data, status=202)


class RiskFeedbackView(APIView):
    """Whose a session was."""

    required_action = Action.RISK_FEEDBACK
    parser_classes = (BoundedJSONParser,)

    @extend_schema(
        request=FeedbackBody, responses={204: OpenApiResponse(description="noted")}, operation_id="say_whose"
    )
    def post(self, request: Request) -> Response:
        """Say "this was me", which is learned from, or "this was not me", which ends the session. Again changes nothing."""
        body = FeedbackBody(data=request.data)
        body.is_valid(raise_exception=True)
        given, principal = body.validated_data, caller(request)
        say_whose(
            tenant_id=_tenant_named(request, given["tenant"]),
            handle=given["session"],
            is_mine=given["is_mine"],
            session=principal.session if isinstance(principal, PersonPrincipal) else None,
            credential=principal.credential if isinstance(principal, ServicePrincipal) else None,
            at=now(),
        )
        return Response(status=204)


def _said(given: dict[str, Any], at: datetime) -> Said:
    """Read one thing that is told.

    :raises ValidationError: it lies in the future, or is too long ago to be told of now.
    """
    happened = given["at"] or at
    if not at - MOST_AGO <= happened <= at + MAX_SKEW:
        raise serializers.ValidationError({"at": ["Tell of what happened within the last hour."]})
    return Said(
        id=given["id"],
        event=Event(given["event"]),
        subject=(given["subject"]["type"], given["subject"]["id"]),
        session=given["session"],
        told=riskengine.told(
            ip=given["ip"], user_agent=given["user_agent"], device_token=given["device_token"] or None
        ),
        at=min(happened, at),
    )
