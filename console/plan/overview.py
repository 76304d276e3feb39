"""The first page of a workspace's console: its plan, what that includes, and what each feature needs."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from authlevels import api as authlevels
from billing import api as billing
from console.doors import person_page
from console.plan.locks import locks_of
from console.plan.seeing import may_see
from console.plan.usage import bars_of
from console.selling.coming import coming_to, unpaid_of
from decisions import api as decisions
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action

HOME: Final = "/console/"
_DONE: Final = {
    "changed": "The plan is changed. What it brings is there now.",
    "planned": "The change is planned. Until then everything stays as it is.",
    "ending": "The subscription ends with the period that is paid for. Until then everything stays as it is.",
    "goes-on": "The subscription goes on as it is.",
}
_READING: Final = (
    "It is done at Stripe, and is being read from there. This takes a moment; the page looks again by itself."
)
_LOOKS_AGAIN: Final = timedelta(minutes=1)


@person_page(Action.ENTITLEMENTS_READ, "GET", "HEAD", home=HOME)
def overview(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show the plan with each feature's lock; what else it shows is what the person's roles let them see."""
    at = now()
    seen = decisions.outlook(request, at=at)
    seeing = may_see(seen.privileges)
    features = licensing.list_features()
    by_key = {one.key: one for one in features}
    locks = locks_of(
        features,
        entitlements=seen.snapshot.entitlements,
        unlocks=seen.snapshot.unlocks,
        actions=seen.snapshot.actions,
        decisions=seen.decisions,
    )
    state = billing.billing_state(tenant_id=session.tenant_id) if seeing["sees_billing"] else None
    plan = seen.snapshot.plan if seeing["sees_plan"] else None
    context = {
        "tenant": seen.snapshot.tenant,
        "here": "plan",
        "plan": plan,
        **seeing,
        "is_paid": state is not None,
        "unpaid": unpaid_of(plan),
        "coming": coming_to(tenant_id=session.tenant_id, state=state, features=by_key, at=at) if plan else None,
        "done": _READING if (is_reading := _is_reading(request, state, at)) else _DONE.get(request.GET.get("done", "")),
        "bars": bars_of(licensing.usage_of(tenant_id=session.tenant_id, at=at), by_key) if seeing["sees_usage"] else (),
        "included": [one for one in locks if one.is_included],
        "locked": [one for one in locks if not one.is_included],
        "readiness": (authlevels.readiness(tenant_id=session.tenant_id, at=at) if seeing["sees_people"] else None),
    }
    page = render(request, "console/plan/overview.html", context)
    if is_reading:
        page["Refresh"] = f"2; url={request.get_full_path()}"
    return page


def _is_reading(request: HttpRequest, state: billing.BillingState | None, at: datetime) -> bool:
    """Say whether what was done at Stripe has not been read back yet; after a minute nobody waits for it any more."""
    try:
        since = datetime.fromtimestamp(float(request.GET.get("since", "")), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return state is not None and state.read_at < since and at - _LOOKS_AGAIN < since <= at
