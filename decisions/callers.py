"""Who asks for decisions: a service, known by its credential; and which tenant it may ask about."""

from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from authlevels import api as authlevels
from decisions.frames import PLATFORM
from licensing import api as licensing
from tiergate import (
    BUILTIN_ACTIONS,
    OWN_RESOURCE_TYPE,
    Action,
    CallerKind,
    Facts,
    ServiceFact,
    TenantFact,
    decide,
)

BEARER = "bearer "


def find_credential(authorization: str, *, at: datetime) -> authlevels.Credential | None:
    """Find the credential of a calling service from its Authorization header; None when it has none that lives."""
    if authorization[: len(BEARER)].lower() != BEARER:
        return None
    return authlevels.resolve_credential(authorization[len(BEARER) :].strip(), at=at)


def may_ask(credential: authlevels.Credential) -> bool:
    """Say whether a credential may ask for decisions, by the same kernel that answers them."""
    return _may(credential.name, credential.verbs)


@lru_cache(maxsize=1024)
def _may(name: str, verbs: frozenset[str]) -> bool:
    # Nothing here depends on the time or the tenant: the verb alone decides.
    facts = Facts(
        at=datetime(2000, 1, 1, tzinfo=UTC),
        subject=("service", name),
        action_name=Action.ACCESS_EVALUATE.value,
        resource=(OWN_RESOURCE_TYPE, ""),
        binding="",
        caller=CallerKind.SERVICE,
        tenant=TenantFact(id="", slug="", is_active=True),
        service=ServiceFact(name=name, verbs=tuple(sorted(verbs))),
        action=BUILTIN_ACTIONS[Action.ACCESS_EVALUATE],
        contributions=(PLATFORM,),
    )
    return decide(facts).is_allowed


def find_tenant(credential: authlevels.Credential, refs: set[str]) -> UUID | None:
    """Find the tenant that a service asks about: one that it reaches, or None.

    refs: every name that the request gives it (path, context); none means the credential's own. Names that
    differ are no tenant: a door must not have to guess which of two was meant.
    """
    if not refs:
        return None if credential.is_vendor else credential.tenant_id
    found = {licensing.find_tenant_id(ref) for ref in refs}
    if len(found) != 1:
        return None
    tenant_id = found.pop()
    return tenant_id if tenant_id is not None and credential.reaches(tenant_id) else None
