"""Gather what a decision is made from. Nothing is decided here: what is unknown is left out, which counts against."""

from dataclasses import dataclass
from datetime import datetime
from decisions.people import Person
from decisions.question import Question
from licensing import api as licensing
from tiergate import (
    BUILTIN_ACTIONS,
    IMPLICIT_PRIVILEGES,
    OWN_PREFIX,
    ActionSpec,
    CallerKind,
    Contribution,
    Facts,
    Requirement,
    TenantFact,
    Versions,
    binding,
    bound_fields,
)

# Everyone who is let in at all has shown something: no action is open to a session without a proof.
PLATFORM = Contribution(source="platform", requirement=Requirement())


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The facts, and the bound fields that a person is shown when asked to confirm."""

    facts: Facts
    fields: dict[str, object]


def find_snapshot(question: Question, *, at: datetime) -> licensing.TenantSnapshot | None:
    """Find the tenant's compiled entitlements; None when no tenant is asked about, or it is gone.

    :raises licensing.SnapshotBehind: the caller has seen a newer version than can be read.
    """
    if question.tenant_id is None:
        return None
    try:
        return licensing.get_snapshot(tenant_id=question.tenant_id, at=at, min_version=question.context.min_snapshot)
    except licensing.TenantNotFound:
        return None


def gather(
    question: Question, snapshot: licensing.TenantSnapshot | None, person: Person, *, at: datetime
) -> Gathered:
    """Put together the facts about ``question`` at ``at``; nothing is read here."""
    if snapshot is None or question.tenant_id is None:
        return Gathered(facts=_facts_without_tenant(question, at=at), fields={})
    action = find_action(question.action, snapshot)
    fields, missing = bound_fields(action.binds, question.document()) if action else ({}, ())
    member = person.member
    roles = [snapshot.roles[key] for key in member.roles if key in snapshot.roles] if member else []
    feature = action.feature if action else None
    facts = Facts(
        at=at,
        subject=(question.subject.type, question.subject.id),
        action_name=question.action,
        resource=(question.resource.type, question.resource.id),
        binding=binding(
            tenant=str(question.tenant_id),
            subject=(question.subject.type, question.subject.id),
            session=question.context.session or "",
            action=question.action,
            resource=(question.resource.type, question.resource.id),
            fields=fields,
        ),
        purpose=question.context.purpose,
        caller=question.caller,
        tenant=TenantFact(
            id=str(snapshot.tenant.id),
            slug=snapshot.tenant.slug,
            is_active=snapshot.tenant.is_active,
            is_vendor=snapshot.tenant.id == licensing.VENDOR_TENANT_ID,
        ),
        member=member,
        service=question.service,
        privileges=tuple(sorted(IMPLICIT_PRIVILEGES.union(*(role.privileges for role in roles)))) if member else (),
        action=action,
        environment=question.context.environment,
        missing_fields=missing,
        entitlement=snapshot.entitlements.get(feature) if feature else None,
        unlocks=snapshot.unlocks.get(feature, ()) if feature else (),
        session=person.session,
        contributions=(
            PLATFORM,
            *(
                Contribution(source=f"role:{role.key}", requirement=role.requirement)
                for role in roles
                if role.requirement is not None and not _is_everybodys(action)
            ),
        ),
        versions=Versions(snapshot=snapshot.version, policy=snapshot.policy_version),
    )
    return Gathered(facts=facts, fields=fields)


def find_action(name: str, snapshot: licensing.TenantSnapshot) -> ActionSpec | None:
    """Find what an action needs; no catalogue can redefine one of Tiergate's own."""
    if name.startswith(OWN_PREFIX):
        return BUILTIN_ACTIONS.get(name)
    return snapshot.actions.get(name)


def _is_everybodys(action: ActionSpec | None) -> bool:
    """Say whether every member may do this with their own session, whatever their roles.

    No role grants it, so none asks anything of it: a step-up that needs a step-up to begin could never begin.
    """
    return action is not None and action.name in BUILTIN_ACTIONS and action.privilege in IMPLICIT_PRIVILEGES


def _facts_without_tenant(question: Question, *, at: datetime) -> Facts:
    return Facts(
        at=at,
        subject=(question.subject.type, question.subject.id),
        action_name=question.action,
        resource=(question.resource.type, question.resource.id),
        binding="",
        purpose=question.context.purpose,
        caller=question.caller,
        service=question.service,
    )
