"""Questions that our own endpoints, and products in Django, ask about whoever calls them."""

from uuid import UUID

from authlevels import api as authlevels
from decisions.question import Context, Entity, Question
from licensing import api as licensing
from tiergate import ErrorKind, TiergateError


class NoPrincipal(TiergateError):
    """Nobody known calls: sign in, or show a credential."""

    code = "not_authenticated"
    kind = ErrorKind.UNAUTHENTICATED


def question_from(
    principal: authlevels.Principal,
    action: str,
    *,
    resource: Entity,
    tenant_ref: str | None,
    context: Context,
    is_claiming: bool = False,
    request_id: str = "",
) -> Question:
    """Write the question whether ``principal`` may do ``action``.

    A person and a service are judged in their own tenant, where their membership and session are. ``tenant_ref``
    names the tenant acted on: another's is nobody's business but the vendor's, and reads as unknown.

    :raises NoPrincipal: nobody known calls.
    """
    match principal:
        case authlevels.PersonPrincipal(session=session):
            return Question(
                tenant_id=_reached(session.tenant_id, tenant_ref),
                home=session.tenant_id,
                asked_by=f"{session.subject_type}:{session.subject_id}",
                subject=Entity(type=session.subject_type, id=session.subject_id),
                action=action,
                resource=resource,
                context=Context(
                    session=session.handle,
                    environment=context.environment,
                    purpose=context.purpose,
                    told=context.told,
                    raw=context.raw,
                ),
                is_claiming=is_claiming,
                request_id=request_id,
            )
        case authlevels.ServicePrincipal(credential=credential):
            return Question(
                tenant_id=_reached(credential.tenant_id, tenant_ref),
                home=credential.tenant_id,
                asked_by=f"credential:{credential.name}",
                subject=Entity(type="service", id=credential.name),
                action=action,
                resource=resource,
                context=context,
                service=credential.as_fact(),
                is_claiming=is_claiming,
                request_id=request_id,
            )
        case _:
            raise NoPrincipal("Sign in, or show a service credential.")


def _reached(own: UUID, tenant_ref: str | None) -> UUID | None:
    """Give the tenant to judge in: one's own, if it reaches the tenant acted on."""
    if tenant_ref is None or own == licensing.VENDOR_TENANT_ID:
        return own
    try:
        return own if licensing.get_tenant(tenant_ref).id == own else None
    except licensing.TenantNotFound:
        return None
