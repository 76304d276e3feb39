"""What could be bought instead of a refusal: the members that each door's 402 carries, and nothing is begun by them."""

from functools import reduce
from operator import or_
from typing import Any, Final

from django.conf import settings

from billing import api as billing
from decisions.facts import Gathered
from decisions.question import Answer, Sale
from decisions.timestamps import instant
from licensing import api as licensing
from tiergate import Decision, Effect, Facts, Need, NeedKind, Outcome, Requirement, Unlock, UsageFact, Verb

ASK_AN_OWNER: Final = "Ask an owner of this workspace: they can change the plan."
ASK_THE_VENDOR: Final = "Ask us: this is not sold online."

_MET: Final = Requirement()
_PROOFS: Final = frozenset({NeedKind.STEP_UP, NeedKind.ENROL})


def sale_of(gathered: Gathered, decision: Decision) -> Sale | None:
    """Keep what an offer is made from; None where nothing on offer would help."""
    if decision.outcome != Outcome.UPGRADE:
        return None
    facts = gathered.facts
    return Sale(
        tenant=facts.tenant.slug if facts.tenant else "",
        plan=gathered.plan,
        usage=facts.usage,
        is_buyer=_is_buyer(facts),
    )


def offer_members(answer: Answer) -> dict[str, Any]:
    """Write what was refused, what could be bought for it, and by whom; empty where nothing on offer would help."""
    decision, sale = answer.decision, answer.sale
    if decision.outcome != Outcome.UPGRADE or sale is None:
        return {}
    unlocks = [one for need in decision.needs for one in need.unlocks]
    asked = _asked_anyway(decision, unlocks)
    # A price in the catalogue is what it costs; what can be bought online also has one at Stripe that pays for it.
    priced = {(one.kind.value, one.key, one.version) for one in unlocks if one.price is not None}
    is_sold = billing.is_any_sold(priced)
    out: dict[str, Any] = {
        "feature": decision.entitlement.feature if decision.entitlement else None,
        "current_plan": None if sale.plan is None else plan_json(sale.plan),
        "usage": usage_json(answer, sale.usage),
        "unlocks": [unlock_json(one, asked) for one in unlocks],
        "can_purchase": sale.is_buyer and is_sold,
        "also_requires": [also for need in decision.needs for also in _also(need)],
    }
    if out["can_purchase"]:
        # What it would cost and ask; nothing is begun at Stripe before somebody asks for it there.
        out["action"] = {
            "method": "POST",
            "href": f"{settings.TIERGATE_BASE_URL}/v1/tenants/{sale.tenant}/billing/preview",
        }
    else:
        out["ask"] = ASK_AN_OWNER if is_sold else ASK_THE_VENDOR
    return out


def plan_json(plan: licensing.HeldPlan) -> dict[str, Any]:
    """Write what a tenant is on."""
    return {"plan": plan.key, "title": plan.title, "version": plan.version, "status": plan.status}


def usage_json(answer: Answer, usage: UsageFact | None) -> dict[str, Any] | None:
    """Write how much of a limit is taken; None where nothing is counted."""
    entitlement = answer.decision.entitlement
    if usage is None or entitlement is None:
        return None
    return {
        "used": usage.used,
        "reserved": usage.reserved,
        "limit": entitlement.limit,
        "reset_at": instant(usage.reset_at) if usage.reset_at else None,
    }


def unlock_json(unlock: Unlock, asked: Requirement = _MET) -> dict[str, Any]:
    """Write one way to be entitled.

    asked: what this request asks however it is entitled, so that a buyer sees what would come on top.
    """
    price = None
    if unlock.price is not None:
        price = {"amount": unlock.price, "currency": unlock.currency, "interval": unlock.interval}
    lasts = {} if unlock.days is None else {"days": unlock.days}
    return {
        "kind": unlock.kind.value,
        unlock.kind.value: unlock.key,
        "title": unlock.title,
        "version": unlock.version,
        "price": price,
        **lasts,
        "requires": unlock.requirement.to_json() if unlock.requirement else None,
        "assurance_delta": assurance_delta(asked, unlock.requirement),
    }


def assurance_delta(asked: Requirement, after: Requirement | None) -> dict[str, object]:
    """Name each member of ``after`` that asks for more than ``asked`` does; empty where none does."""
    if after is None:
        return {}
    joined, before = (asked | after).to_json(), asked.to_json()
    return {name: value for name, value in joined.items() if before.get(name) != value}


def _is_buyer(facts: Facts) -> bool:
    """Say whether the one who was refused may change what is paid for; support never does so for anybody."""
    if facts.session is not None and facts.session.is_impersonated:
        return False
    held = facts.privileges if facts.service is None else facts.service.verbs
    return Verb.BILLING_MANAGE.value in held


def _asked_anyway(decision: Decision, unlocks: list[Unlock]) -> Requirement:
    """Join what was asked of this request, without what the first unlock would add to it."""
    asked = [step.requirement for step in decision.trace if step.effect == Effect.REQUIRES and step.requirement]
    if unlocks and unlocks[0].requirement is not None:
        # The kernel asks last for what the first of them would.
        asked = asked[:-1]
    return reduce(or_, asked, _MET)


def _also(need: Need) -> list[dict[str, Any]]:
    if need.kind in _PROOFS and need.requirement is not None:
        return [{"kind": need.kind.value, **need.requirement.to_json()}]
    if need.kind == NeedKind.APPROVAL:
        return [{"kind": need.kind.value, "approvals": need.approvals}]
    return []
