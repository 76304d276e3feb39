"""HTTP doors of approvals: asking others to agree, seeing what waits, agreeing, refusing."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels import api as authlevels
from decisions.approving import acting_in, acting_on, decide_in
from decisions.own import NoPrincipal
from decisions.problems import RefusedByDecision
from decisions.question import Answer
from decisions.serializers_approvals import (
    ActingRequest,
    ApprovalAnswer,
    ApprovalList,
    OpenApprovalRequest,
    OpenedApprovalAnswer,
    approval_members,
)
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine
from tiergate import Action

_NO_STORE = {"Cache-Control": "no-store"}


class ApprovalsView(APIView):
    """Asking other people to agree."""

    required_action = Action.CHALLENGE_CREATE

    @extend_schema(request=OpenApprovalRequest, responses={201: OpenedApprovalAnswer}, operation_id="open_approval")
    def post(self, request: Request) -> Response:
        """Open the approval that a recorded refusal calls for, or return the equal one as it stands."""
        body = OpenApprovalRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        session, credential = _callers(request)
        shown = authlevels.open_approval(
            tenant_id=_tenant_meant(given["tenant"], session, credential),
            decision_id=given["decision_id"],
            session=session,
            credential=credential,
            at=now(),
        )
        issued = authlevels.issue_code(ref=shown.id, at=now()) if shown.state == "pending" else None
        answer = {**approval_members(shown), **authlevels.code_members(issued)}
        return Response(OpenedApprovalAnswer(answer).data, status=201, headers=_NO_STORE)


class ApprovalView(APIView):
    """One approval."""

    open_because = "the approval itself asks for who asked, or for whoever may agree"

    @extend_schema(responses=ApprovalAnswer, operation_id="show_approval")
    def get(self, request: Request, approval: str) -> Response:
        """Show what is asked, and how many have agreed."""
        session, credential = _callers(request)
        shown = authlevels.show_approval(ref=approval, session=session, credential=credential, at=now())
        return Response(ApprovalAnswer(approval_members(shown)).data, headers=_NO_STORE)


class PollView(APIView):
    """Waiting for others to agree."""

    open_because = "the approval itself asks for who asked, or for whoever may agree"

    @extend_schema(request=None, responses={200: ApprovalAnswer}, operation_id="poll_approval")
    def post(self, request: Request, approval: str) -> Response:
        """Show it once enough have agreed; until then a 400 says `authorization_pending` or `slow_down`."""
        session, credential = _callers(request)
        shown = authlevels.poll_approval(ref=approval, session=session, credential=credential, at=now())
        return Response(ApprovalAnswer(approval_members(shown)).data, headers=_NO_STORE)


class GrantView(APIView):
    """Agreeing to an approval."""

    open_because = "the decision on tiergate.approval.grant is asked about the session of whoever agrees"

    @extend_schema(request=ActingRequest, responses={200: ApprovalAnswer}, operation_id="grant_approval")
    def post(self, request: Request, approval: str) -> Response:
        """Agree, once: refused with a step-up for exactly this at first, allowed when it is passed."""
        at, session = now(), _acting(request, approval)
        grantable = authlevels.get_grantable(ref=approval, session=session, at=at)
        if grantable.is_given:
            shown = authlevels.show_approval(ref=approval, session=session, at=at)
        else:
            answer = _allowed(request, session, Action.APPROVAL_GRANT, approval=grantable)
            shown = authlevels.grant_approval(ref=approval, session=session, binding=answer.binding, at=at)
        return Response(ApprovalAnswer(approval_members(shown)).data, headers=_NO_STORE)


class RefuseView(APIView):
    """Refusing an approval."""

    open_because = "the decision on tiergate.approval.refuse is asked about the session of whoever refuses"

    @extend_schema(request=ActingRequest, responses={200: ApprovalAnswer}, operation_id="refuse_approval")
    def post(self, request: Request, approval: str) -> Response:
        """Close it for good; it only takes away, so it asks for no step-up."""
        session = _acting(request, approval)
        _allowed(request, session, Action.APPROVAL_REFUSE, resource_id=approval)
        shown = authlevels.refuse_approval(ref=approval, session=session, at=now())
        return Response(ApprovalAnswer(approval_members(shown)).data, headers=_NO_STORE)


class WaitingView(APIView):
    """What waits for somebody's agreement."""

    open_because = "the decision on tiergate.approval.read is asked about the session of whoever may agree"

    @extend_schema(
        responses=ApprovalList,
        operation_id="list_approvals",
        parameters=[OpenApiParameter("session", str, description="In whose session; only a relaying service says so.")],
    )
    def get(self, request: Request, tenant: str) -> Response:
        """List what the caller's person may agree to, the oldest first."""
        handle = request.query_params.get("session", "")[:64]
        session = acting_in(authlevels.caller(request), tenant, handle, at=now())
        _allowed(request, session, Action.APPROVAL_READ)
        items = [approval_members(one) for one in authlevels.list_approvals(session=session, at=now())]
        return Response(ApprovalList({"items": items}).data, headers=_NO_STORE)


def _callers(request: Request) -> tuple[authlevels.Session | None, authlevels.Credential | None]:
    principal = authlevels.caller(request)
    return (
        principal.session if isinstance(principal, authlevels.PersonPrincipal) else None,
        principal.credential if isinstance(principal, authlevels.ServicePrincipal) else None,
    )


def _acting(request: Request, approval: str) -> authlevels.Session:
    body = ActingRequest(data=request.data)
    body.is_valid(raise_exception=True)
    return acting_on(authlevels.caller(request), approval, body.validated_data["session"], at=now())


def _allowed(
    request: Request,
    session: authlevels.Session,
    action: Action,
    **about: Any,
) -> Answer:
    """Decide, and return what is allowed.

    :raises RefusedByDecision: what is missing.
    """
    _own, credential = _callers(request)
    answer = decide_in(
        session,
        action,
        asked_by=f"credential:{credential.name}" if credential else ":".join(session.subject),
        request_id=request.headers.get("X-Request-ID", "")[:128],
        looks=riskengine.NOTHING_TOLD if credential else authlevels.told_by(request._request),  # noqa: SLF001 - DRF has no other door
        at=now(),
        **about,
    )
    if not answer.decision.is_allowed:
        raise RefusedByDecision(answer)
    return answer


def _tenant_meant(tenant: str, session: authlevels.Session | None, credential: authlevels.Credential | None) -> UUID:
    if session is not None:
        return session.tenant_id
    if credential is None:
        raise NoPrincipal("Sign in, or show a service credential.")
    tenant_id = licensing.get_tenant(tenant).id if tenant else credential.tenant_id
    if not credential.reaches(tenant_id):
        raise licensing.TenantNotFound("There is no such tenant.")
    return tenant_id
