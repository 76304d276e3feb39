"""The first page of a workspace's console: its plan, what that includes, and what each feature needs."""

from collections.abc import Container
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from authlevels import api as authlevels
from console.doors import person_page
from console.plan.locks import locks_of
from console.plan.usage import bars_of
from decisions import api as decisions
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, Verb

HOME: Final = "/console/"


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
    context = {
        "tenant": seen.snapshot.tenant,
        "here": "plan",
        "plan": seen.snapshot.plan,
        **seeing,
        "bars": bars_of(licensing.usage_of(tenant_id=session.tenant_id, at=at), by_key) if seeing["sees_usage"] else (),
        "included": [one for one in locks if one.is_included],
        "locked": [one for one in locks if not one.is_included],
        "readiness": (authlevels.readiness(tenant_id=session.tenant_id, at=at) if seeing["sees_people"] else None),
    }
    return render(request, "console/plan/overview.html", context)


def may_see(privileges: Container[str]) -> dict[str, bool]:
    """Say which parts of these pages a person's roles let them see."""
    return {
        "sees_plan": Verb.SUBSCRIPTION_READ in privileges,
        "sees_plans": Verb.CATALOG_READ in privileges,
        "sees_usage": Verb.USAGE_READ in privileges,
        "sees_people": Verb.MEMBERS_READ in privileges,
        "manages_people": Verb.MEMBERS_WRITE in privileges,
    }
