"""What people are told: one sentence for each reason, which names no role, rule or other person."""

from collections.abc import Mapping
from types import MappingProxyType

from tiergate import Decision, NeedKind, Reason

SENTENCES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.ALLOWED: "This may go ahead.",
        Reason.UNKNOWN_TENANT: "There is no such workspace for you.",
        Reason.TENANT_SUSPENDED: "This workspace is suspended.",
        Reason.UNKNOWN_ACTION: "This is not something that can be done here.",
        Reason.WRONG_RESOURCE_TYPE: "This cannot be done to that kind of thing.",
        Reason.CALLER_NOT_ALLOWED: "This cannot be done by the one who asks.",
        Reason.NOT_A_MEMBER: "You are not a member of this workspace.",
        Reason.MEMBERSHIP_ENDED: "Your membership of this workspace has ended.",
        Reason.NO_PRIVILEGE: "Your role does not allow this.",
        Reason.FORBIDDEN_BY_POLICY: "A policy of this workspace forbids this.",
        Reason.RISK_BLOCKED: "This does not look like you: try again from a device and a network that you usually use.",
        Reason.MISSING_PROPERTY: "The request leaves out something that must be confirmed.",
        Reason.NO_SESSION: "Sign in first.",
        Reason.UNKNOWN_SESSION: "Sign in first.",
        Reason.SESSION_EXPIRED: "Your session has expired: sign in again.",
        Reason.SESSION_REVOKED: "Your session has ended: sign in again.",
        Reason.IMPERSONATED: "Support cannot do this for somebody: only they can.",
        Reason.NOT_ENTITLED: "Your plan does not include this.",
        Reason.UPGRADE_REQUIRED: "Your plan does not include this.",
        Reason.LIMIT_REACHED: "The limit of your plan is reached.",
        Reason.NO_REQUIREMENT: "This is not set up to be used yet.",
        Reason.STEP_UP_REQUIRED: "Confirm that it is you to go on.",
        Reason.ENROLMENT_REQUIRED: "This needs a sign-in factor that you do not have yet: add one to go on.",
        Reason.APPROVAL_REQUIRED: "Another member must approve this first.",
        Reason.FACTS_UNAVAILABLE: "This cannot be decided just now.",
        Reason.INTERNAL_ERROR: "This cannot be decided just now.",
    },
)


def for_person(decision: Decision) -> str:
    """Tell a person why, and what would help."""
    sentence = SENTENCES[decision.reason]
    first = next((need.unlocks[0] for need in decision.needs if need.kind == NeedKind.UPGRADE and need.unlocks), None)
    return f"{sentence} {first.title} does." if first and decision.reason == Reason.UPGRADE_REQUIRED else sentence


def for_operator(decision: Decision) -> str:
    """Tell an operator why: each step that withheld, asked or lacked something."""
    steps = [f"{step.source} {step.effect}" + (f": {step.note}" if step.note else "") for step in decision.trace]
    return "; ".join(steps) or decision.reason.value
