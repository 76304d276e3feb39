"""Which parts of a workspace's pages a person sees, by what their roles grant."""

from collections.abc import Container

from billing import api as billing
from decisions import api as decisions
from tiergate import Verb


def may_see(privileges: Container[str]) -> dict[str, bool | str]:
    """Say which parts of these pages a person's roles let them see, and whom they ask for the others."""
    return {
        "sees_plan": Verb.SUBSCRIPTION_READ in privileges,
        "sees_plans": Verb.CATALOG_READ in privileges,
        "sees_usage": Verb.USAGE_READ in privileges,
        "sees_people": Verb.MEMBERS_READ in privileges,
        "sees_risk": Verb.RISK_READ in privileges,
        "manages_people": Verb.MEMBERS_WRITE in privileges,
        "ask": decisions.ASK_AN_OWNER,
        "ask_vendor": decisions.ASK_THE_VENDOR,
        "is_sold": (is_sold := billing.is_on()),
        "sees_billing": is_sold and Verb.BILLING_READ in privileges,
        "manages_billing": is_sold and Verb.BILLING_MANAGE in privileges,
    }
