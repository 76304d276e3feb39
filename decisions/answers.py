"""Translate a decision into the members that every door's answer carries."""

from functools import lru_cache
from typing import Any

from django.conf import settings

from decisions.offering import offer_members
from decisions.question import Answer
from decisions.sentences import for_operator, for_person
from decisions.timestamps import instant
from licensing import api as licensing
from tiergate import Need, NeedKind, Outcome, Reason, Requirement, acr_values

STATUS_OF = {Outcome.ALLOW: 200, Outcome.STEP_UP: 401, Outcome.UPGRADE: 402, Outcome.DENY: 403}


# The facts or the kernel failed: the answer is not a no but unknown, which permits as little.
UNKNOWN = frozenset({Reason.FACTS_UNAVAILABLE, Reason.INTERNAL_ERROR})


def context_of(answer: Answer) -> dict[str, Any]:
    """Write our members of an AuthZEN answer's ``context``; what has no value is left out."""
    decision = answer.decision
    if decision.outcome == Outcome.ALLOW and not decision.needs:
        return _context_of_allow(answer)
    status = str(STATUS_OF[decision.outcome])
    out: dict[str, Any] = {
        "id": answer.public_id,
        "outcome": decision.outcome.value,
        "reason": decision.reason.value,
        "needs": [need_json(need) for need in decision.needs],
        **challenge_members(answer),
        **approval_members(answer),
        **offer_members(answer),
        "as_of": instant(decision.as_of),
        "next_change_at": instant(decision.next_change_at) if decision.next_change_at else None,
        "snapshot": decision.versions.snapshot or None,
        "policy_version": decision.versions.policy or None,
        "bundle_version": decision.versions.bundle or None,
        "impersonated_by": answer.impersonated_by or None,
    }
    if not decision.is_enforceable:
        out["purpose"] = answer.question.context.purpose.value
    if decision.outcome != Outcome.ALLOW:
        out["reason_user"] = {status: for_person(decision)}
        out["reason_admin"] = {status: for_operator(decision)}
    return {key: value for key, value in out.items() if value is not None and value != []}


def _context_of_allow(answer: Answer) -> dict[str, Any]:
    """Write what is left of the members where nothing is asked, in the same order; most answers are this."""
    decision = answer.decision
    out: dict[str, Any] = {
        "id": answer.public_id,
        "outcome": "allow",
        "reason": decision.reason.value,
        "as_of": instant(decision.as_of),
    }
    if decision.next_change_at:
        out["next_change_at"] = _remembered_instant(decision.next_change_at)
    if decision.versions.snapshot:
        out["snapshot"] = decision.versions.snapshot
    if decision.versions.policy:
        out["policy_version"] = decision.versions.policy
    if decision.versions.bundle:
        out["bundle_version"] = decision.versions.bundle
    if answer.use is not None:
        out["usage"] = use_json(answer.use)
    if answer.impersonated_by:
        out["impersonated_by"] = answer.impersonated_by
    if not decision.is_enforceable:
        out["purpose"] = answer.question.context.purpose.value
    return out


def use_json(use: licensing.Consumed) -> dict[str, Any]:
    """Write what was taken of a limit with an allow."""
    out: dict[str, Any] = {"id": str(use.usage_id), "key": use.key, "state": use.state}
    if use.expires_at is not None:
        out["expires_at"] = instant(use.expires_at)
    return out


def challenge_members(answer: Answer) -> dict[str, Any]:
    """Write what a step-up asks (RFC 9470) and where to begin it; empty when no proof is asked for."""
    need = proof_need(answer)
    if need is None or need.requirement is None:
        return {}
    out: dict[str, Any] = {"acr_values": acr_values(need.requirement.level)}
    if need.methods:
        out["amr_values"] = " ".join(dict.fromkeys(one.method for one in need.methods))
    if need.requirement.max_age is not None:
        out["max_age"] = need.requirement.max_age
    is_challengeable = answer.decision.outcome == Outcome.STEP_UP and need.kind == NeedKind.STEP_UP
    if is_challengeable and answer.decision.is_enforceable:
        out["challenge"] = {
            "href": f"{settings.TIERGATE_BASE_URL}/step-up/challenges",
            "decision_id": answer.public_id,
        }
    return out


def approval_members(answer: Answer) -> dict[str, Any]:
    """Write where to ask other people to agree; empty when nobody's agreement is asked for."""
    is_asked = any(need.kind == NeedKind.APPROVAL for need in answer.decision.needs)
    if not (is_asked and answer.decision.outcome == Outcome.STEP_UP and answer.decision.is_enforceable):
        return {}
    href = f"{settings.TIERGATE_BASE_URL}/step-up/approvals"
    return {"approval": {"href": href, "decision_id": answer.public_id}}


def proof_need(answer: Answer) -> Need | None:
    """Find the need for a proof among the unmet needs."""
    kinds = {NeedKind.STEP_UP, NeedKind.ENROL}
    return next((need for need in answer.decision.needs if need.kind in kinds), None)


def need_json(need: Need) -> dict[str, Any]:
    """Write one unmet need with the members of its kind."""
    out: dict[str, Any] = {"kind": need.kind.value}
    if need.requirement is not None:
        out |= requirement_json(need.requirement)
    if need.methods:
        out["methods"] = [{"method": one.method, "issuer": one.issuer} for one in need.methods]
    if need.kind == NeedKind.UPGRADE:
        out["unlocks"] = [{"kind": one.kind.value, one.kind.value: one.key} for one in need.unlocks]
    if need.kind == NeedKind.APPROVAL:
        out["approvals"] = need.approvals
    if need.until is not None:
        out["until"] = instant(need.until)
    return out


def requirement_json(requirement: Requirement) -> dict[str, Any]:
    """Write a requirement, with every acr value that would do."""
    return {"acr_values": acr_values(requirement.level), **requirement.to_json()}


# The same end of a session or of a term is told again and again.
_remembered_instant = lru_cache(maxsize=4096)(instant)


def status_of(answer: Answer) -> int:
    """Choose the HTTP status with which a Django door refuses (or 200)."""
    decision = answer.decision
    if decision.reason in UNKNOWN:
        return 503
    if decision.reason in {Reason.NO_SESSION, Reason.UNKNOWN_SESSION, Reason.SESSION_EXPIRED, Reason.SESSION_REVOKED}:
        return 401
    if decision.outcome == Outcome.DENY and any(need.kind == NeedKind.WAIT for need in decision.needs):
        return 429
    if decision.reason == Reason.APPROVAL_REQUIRED:
        return 403
    return STATUS_OF[decision.outcome]
