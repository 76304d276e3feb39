"""The demo's pages of risk have a month to show: of people who cannot sign in, and made once."""

import pytest

from config.demo.past import make_past
from config.demo.people import people
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine


@pytest.mark.usefixtures("northwind")
def test_a_month_is_made_once_and_tells_of_nobody_who_can_sign_in() -> None:
    acme, at = licensing.get_tenant("acme").id, now()
    made = make_past(tenant_id=acme, at=at)
    assert make_past(tenant_id=acme, at=at) == 0
    report = riskengine.risk_report(tenant_id=acme, days=30, at=at)
    assert report.counts.all == made
    assert 0 < report.counts.risky < made / 3
    assert report.outcomes.false_alarm_rate is not None
    assert report.reasons
    assert not {one.subject for one in report.challenged} & {tuple(one.subject.split(":")) for one in people().values()}
