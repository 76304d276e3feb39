"""All that a tenant's page of risk tells, in one transaction."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from isolation.api import tenant_transaction
from riskengine.figures.outcomes import Challenged, Outcomes, count_outcomes, list_challenged
from riskengine.figures.over_time import Counts, Day, risk_over_time
from riskengine.figures.period import Period, period_of
from riskengine.figures.reasons import TopReason, top_reasons
from riskengine.policies import RiskPolicy, get_policy


class RiskReport(Struct, frozen=True, kw_only=True):
    """How risky a tenant's sessions looked over some days, why, and how it ended. counts: of all days together."""

    period: Period
    policy: RiskPolicy
    days: list[Day]
    counts: Counts
    reasons: list[TopReason]
    outcomes: Outcomes
    challenged: list[Challenged]


def risk_report(*, tenant_id: UUID, days: int, at: datetime) -> RiskReport:
    """Tell of a tenant's last days. days: as for `period_of`."""
    with tenant_transaction(tenant_id):
        period = period_of(tenant_id=tenant_id, days=days, at=at)
        by_day = risk_over_time(period)
        return RiskReport(
            period=period,
            policy=get_policy(tenant_id=tenant_id),
            days=by_day,
            counts=sum((one.counts for one in by_day), Counts()),
            reasons=top_reasons(period),
            outcomes=count_outcomes(period),
            challenged=list_challenged(period),
        )
