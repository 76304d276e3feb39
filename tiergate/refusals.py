"""What no step-up and no upgrade would mend: the checks that come before anything is asked of a person."""

from collections.abc import Collection
from typing import NamedTuple

from tiergate.actions import IMPERSONATED_MAY, OWN_PREFIX
from tiergate.catalogue import ActionSpec, CallerKind, FeatureKind
from tiergate.decision import Need, NeedKind, Reason
from tiergate.entitlements import Entitlement
from tiergate.facts import RISK, Facts, SessionFacts, SessionState, TenantFact
from tiergate.requirements import Requirement


class Refusal(NamedTuple):
    """A flat no. note: for an operator."""

    reason: Reason
    source: str
    note: str


_SESSION_REFUSALS = {
    SessionState.EXPIRED: Reason.SESSION_EXPIRED,
    SessionState.REVOKED: Reason.SESSION_REVOKED,
    SessionState.UNKNOWN: Reason.UNKNOWN_SESSION,
}


def find_refusal(facts: Facts) -> Refusal | None:
    """Name the first thing that stands against the request whatever the person does; None when nothing does."""
    # INVARIANT: a fact of the wrong type is never read as the harmless value: `is not True`, `!= ()`.
    if facts.faults != ():
        return Refusal(Reason.FACTS_UNAVAILABLE, "facts", ", ".join(facts.faults))
    tenant, action = facts.tenant, facts.action
    if tenant is None:
        return Refusal(Reason.UNKNOWN_TENANT, "tenant", "no such tenant for this caller")
    if tenant.is_active is not True:
        return Refusal(Reason.TENANT_SUSPENDED, f"tenant:{tenant.slug}", "suspended")
    if action is None or action.name != facts.action_name:
        return Refusal(Reason.UNKNOWN_ACTION, "catalogue", facts.action_name)
    return (
        _catalogue_refusal(facts, action, tenant)
        or (_service_refusal if facts.caller == CallerKind.SERVICE else _person_refusal)(facts, action)
        or _policy_refusal(facts)
        or _staleness(facts, action)
    )


def _catalogue_refusal(facts: Facts, action: ActionSpec, tenant: TenantFact) -> Refusal | None:
    if facts.resource[0] != action.resource_type:
        note = f"{action.name} is done to a {action.resource_type}, not to a {facts.resource[0]}"
        return Refusal(Reason.WRONG_RESOURCE_TYPE, "catalogue", note)
    if not _holds(action.callers, facts.caller):
        return Refusal(Reason.CALLER_NOT_ALLOWED, "catalogue", f"{action.name} is not for a {facts.caller}")
    if action.is_vendor_only is not False and tenant.is_vendor is not True:
        return Refusal(Reason.CALLER_NOT_ALLOWED, "catalogue", f"{action.name} is the vendor's own")
    return None


def _service_refusal(facts: Facts, action: ActionSpec) -> Refusal | None:
    if facts.service is not None and _holds(facts.service.verbs, action.privilege):
        return None
    name = "unknown" if facts.service is None else facts.service.name
    return Refusal(Reason.NO_PRIVILEGE, f"credential:{name}", f"lacks {action.privilege}")


def _person_refusal(facts: Facts, action: ActionSpec) -> Refusal | None:
    member = facts.member
    if member is None or not all(facts.subject):
        return Refusal(Reason.NOT_A_MEMBER, "member", "no membership of this tenant")
    if member.is_active is not True:
        return Refusal(Reason.MEMBERSHIP_ENDED, "member", "the membership has ended")
    if not _holds(facts.privileges, action.privilege):
        return Refusal(Reason.NO_PRIVILEGE, f"roles:{','.join(member.roles)}", f"lack {action.privilege}")
    return _session_refusal(facts, facts.session) or _impersonation_refusal(action, facts.session)


def _session_refusal(facts: Facts, session: SessionFacts | None) -> Refusal | None:
    if session is None:
        return Refusal(Reason.NO_SESSION, "session", "the request names no session")
    if session.state != SessionState.LIVE:
        return Refusal(_SESSION_REFUSALS[session.state], "session", session.state)
    # The state was read a moment ago, perhaps from a cache; the end of the session was known then.
    if session.expires_at is not None and session.expires_at <= facts.at:
        return Refusal(Reason.SESSION_EXPIRED, "session", "it ended since its state was read")
    return None


def _impersonation_refusal(action: ActionSpec, session: SessionFacts | None) -> Refusal | None:
    """Refuse what support may not do as somebody else whatever is asked for it: nothing of Tiergate's own but reading."""
    if session is None or not session.is_impersonated or not action.name.startswith(OWN_PREFIX):
        return None
    if action.name in IMPERSONATED_MAY:
        return None
    return Refusal(Reason.IMPERSONATED, "session", f"{action.name} is the person's alone")


def find_borrowed_refusal(facts: Facts, requirement: Requirement, needs: tuple[Need, ...]) -> Refusal | None:
    """Refuse an impersonated session what it would take a proof, a factor or others' agreement to do.

    None of these can be given in the person's name, so nothing is asked for.
    """
    # INVARIANT: an impersonated session never elevates: what it may do now is all that it may do.
    if facts.session is None or not facts.session.is_impersonated:
        return None
    asked = [need.kind for need in needs if need.kind not in {NeedKind.UPGRADE, NeedKind.WAIT}]
    if not asked and requirement.approvals == 0:
        return None
    note = f"{', '.join(asked) or NeedKind.APPROVAL} is for the person alone"
    return Refusal(Reason.IMPERSONATED, "session", note)


def _policy_refusal(facts: Facts) -> Refusal | None:
    if facts.forbids != ():
        first = facts.forbids[0]
        reason = Reason.RISK_BLOCKED if first.source == RISK else Reason.FORBIDDEN_BY_POLICY
        return Refusal(reason, first.source, first.because)
    if facts.missing_fields != ():
        return Refusal(Reason.MISSING_PROPERTY, "catalogue", ", ".join(facts.missing_fields))
    return None


def _staleness(facts: Facts, action: ActionSpec) -> Refusal | None:
    """Refuse facts about the licence that time has overtaken, and a limit that nobody has counted against."""
    entitlement = facts.entitlement
    if action.feature is None or entitlement is None:
        return None
    if entitlement.next_change_at is not None and entitlement.next_change_at <= facts.at:
        return Refusal(Reason.FACTS_UNAVAILABLE, "entitlement", "it was resolved before it last changed")
    return _usage_staleness(facts) if entitlement.is_granted and is_counted(entitlement) else None


def _usage_staleness(facts: Facts) -> Refusal | None:
    usage = facts.usage
    if usage is None:
        return Refusal(Reason.FACTS_UNAVAILABLE, "usage", "nobody says how much of the limit is taken")
    if usage.used < 0 or usage.reserved < 0 or usage.carried < 0:
        return Refusal(Reason.FACTS_UNAVAILABLE, "usage", "less than nothing is taken")
    if type(facts.quantity) is not int or facts.quantity < 1:
        return Refusal(Reason.FACTS_UNAVAILABLE, "usage", "nobody says how much is to be taken")
    if usage.reset_at is not None and usage.reset_at <= facts.at:
        return Refusal(Reason.FACTS_UNAVAILABLE, "usage", "it was counted in a period that is over")
    return None


def is_counted(entitlement: Entitlement) -> bool:
    """Say whether use is held against a limit; a limit that is missing is no lack of one."""
    return entitlement.unlimited is not True and (
        entitlement.kind == FeatureKind.LIMIT or entitlement.limit is not None
    )


def _holds(granted: Collection[str], wanted: str) -> bool:
    """Say whether ``wanted`` is one of ``granted``; a text would hold each of its parts, so it holds nothing."""
    return type(granted) is tuple and bool(wanted) and wanted in granted
