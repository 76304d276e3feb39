"""Who agrees to what somebody else asked for: in a session of their own, after a step-up for this very approval."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from authlevels import api as authlevels
from decisions.evaluate import evaluate
from decisions.own import NoPrincipal
from decisions.question import Answer, Context, Entity, Question
from licensing import api as licensing
from riskengine import api as riskengine
from tiergate import OWN_RESOURCE_TYPE, Action, Contribution, Verb


def acting_on(principal: authlevels.Principal, approval: str, handle: str, *, at: datetime) -> authlevels.Session:
    """Find the session of the person who answers an approval, as `acting_in` does.

    approval: ``apr_…``. handle: ``ses_…``, for a service.
    :raises ApprovalNotFound: it is of a tenant that the calling service does not reach, or of none: which is not told.
    """
    ids = authlevels.parse_approval_ref(approval)
    if isinstance(principal, authlevels.ServicePrincipal) and not (ids and principal.credential.reaches(ids[0])):
        raise authlevels.ApprovalNotFound("There is no such approval for you.")
    return _acting(principal, handle, served=ids[0] if ids else None, at=at)


def acting_in(principal: authlevels.Principal, tenant: str, handle: str, *, at: datetime) -> authlevels.Session:
    """Find the session of the person who acts in a tenant: the caller's own, or one that a relaying service names.

    tenant: its slug or id. handle: ``ses_…``, for a service; a person's own session needs none. A service passes on
    what was done in its own product's sessions, never in one of our own sign-in.
    :raises NoPrincipal: nobody known calls.
    :raises VerbMissing: a service without ``step_up.relay``.
    :raises licensing.TenantNotFound: there is no such tenant for this caller.
    :raises SessionNotFound: there is no such live session for this caller.
    """
    tenant_id = licensing.get_tenant(tenant).id
    match principal:
        case authlevels.PersonPrincipal(session=session):
            is_reached = session.tenant_id == tenant_id
        case authlevels.ServicePrincipal(credential=credential):
            is_reached = credential.reaches(tenant_id)
        case _:
            is_reached = True
    if not is_reached:
        raise licensing.TenantNotFound("There is no such tenant.")
    return _acting(principal, handle, served=tenant_id, at=at)


def _acting(principal: authlevels.Principal, handle: str, *, served: UUID | None, at: datetime) -> authlevels.Session:
    match principal:
        case authlevels.PersonPrincipal(session=session):
            if handle not in {"", session.handle}:
                raise authlevels.SessionNotFound("There is no such live session.")
            return session
        case authlevels.ServicePrincipal(credential=credential):
            if Verb.STEP_UP_RELAY not in credential.verbs:
                raise authlevels.VerbMissing("This credential may not pass on what people confirm.")
            session_id = authlevels.parse_session_handle(handle)
            if session_id is None or served is None or not credential.reaches(served):
                raise authlevels.SessionNotFound("There is no such live session.")
            found = authlevels.get_session(tenant_id=served, session_id=session_id, at=at)
            if found.is_own:
                raise authlevels.SessionNotFound("There is no such live session.")
            return found
        case _:
            raise NoPrincipal("Sign in, or show a service credential.")


def decide_in(
    session: authlevels.Session,
    action: Action,
    *,
    asked_by: str,
    request_id: str,
    at: datetime,
    approval: authlevels.Grantable | None = None,
    resource_id: str = "",
    looks: riskengine.Told = riskengine.NOTHING_TOLD,
) -> Answer:
    """Decide whether a session's person may read, refuse or grant approvals; what a grant rests on is not used here.

    looks: of the person's own request; nothing where a service passes on what they said.
    """
    properties: dict[str, Any] = approval.properties if approval else {}
    asked = (Contribution(source="approval", requirement=approval.requirement),) if approval else ()
    question = Question(
        tenant_id=session.tenant_id,
        home=session.tenant_id,
        asked_by=asked_by,
        subject=Entity(type=session.subject_type, id=session.subject_id),
        action=action.value,
        resource=Entity(type=OWN_RESOURCE_TYPE, id=approval.id if approval else resource_id, properties=properties),
        context=Context(session=session.handle, environment=settings.TIERGATE_ENVIRONMENT, told=looks),
        request_id=request_id,
        contributions=asked,
    )
    return evaluate(question, at=at)
