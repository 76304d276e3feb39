"""A count starts again at midnight where the tenant is, or when it pays."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing import api
from licensing.usage.periods import BillingCycle, period_at
from tests.usage.conftest import NOON
from tests.usage.test_limits_are_exact import take
from tiergate import ResetPeriod

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Asuncion", "Pacific/Apia", "Asia/Kolkata", "Africa/Cairo"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "reset", "now", "start", "end"),
    [
        ("Europe/Berlin", "day", "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("Europe/Berlin", "day", "2026-10-25T12:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("America/New_York", "month", "2026-12-01T04:59Z", "2026-11-01T04:00Z", "2026-12-01T05:00Z"),
        ("Asia/Kolkata", "year", "2026-12-31T18:30Z", "2026-12-31T18:30Z", "2027-12-31T18:30Z"),
        ("Pacific/Apia", "day", "2011-12-30T09:59Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"),
    ],
)
def test_days_months_and_years_are_those_of_the_tenants_clock(
    zone: str, reset: str, now: str, start: str, end: str
) -> None:
    found = period_at(ResetPeriod(reset), at=at(now), zone=ZoneInfo(zone), billing=None)
    assert (found.start, found.end) == (at(start), at(end))


@pytest.mark.parametrize(
    ("months", "now", "start", "end"),
    [
        (1, "2026-02-27T09:59Z", "2026-01-31T10:00Z", "2026-02-28T10:00Z"),
        (1, "2026-03-30T00:00Z", "2026-02-28T10:00Z", "2026-03-31T10:00Z"),
        (1, "2026-01-01T00:00Z", "2025-12-31T10:00Z", "2026-01-31T10:00Z"),
        (12, "2027-06-01T00:00Z", "2027-01-31T10:00Z", "2028-01-31T10:00Z"),
    ],
)
def test_a_billing_period_begins_on_the_day_of_the_first_or_the_months_last(
    months: int, now: str, start: str, end: str
) -> None:
    cycle = BillingCycle(anchor=at("2026-01-31T10:00Z"), begins=at("2026-01-31T10:00Z"), months=months)
    found = period_at(ResetPeriod.BILLING_PERIOD, at=at(now), zone=ZoneInfo("UTC"), billing=cycle)
    assert (found.start, found.end) == (at(start), at(end))


@settings(deadline=None)  # a machine that is busy makes no period wrong
@given(
    instant=st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    zone=st.sampled_from(ZONES),
    reset=st.sampled_from([*ResetPeriod]),
    months=st.sampled_from([1, 12, None]),
)
def test_every_instant_is_in_one_period_and_they_leave_no_gap(
    instant: datetime, zone: str, reset: ResetPeriod, months: int | None
) -> None:
    anchor = datetime(2012, 1, 31, 23, 30, tzinfo=UTC)
    billing = None if months is None else BillingCycle(anchor=anchor, begins=anchor, months=months)
    where = ZoneInfo(zone)
    found = period_at(reset, at=instant, zone=where, billing=billing)
    assert found.end is not None
    assert found.start <= instant < found.end
    assert period_at(reset, at=found.start, zone=where, billing=billing) == found
    assert period_at(reset, at=found.end - timedelta(microseconds=1), zone=where, billing=billing) == found
    assert period_at(reset, at=found.start - timedelta(microseconds=1), zone=where, billing=billing).end == found.start


def test_a_tenants_day_ends_at_its_own_midnight(acme: UUID) -> None:
    api.put_tenant(slug="acme", name="Acme", settings={"timezone": "Asia/Kolkata"}, by="test", at=NOON)
    take(acme, 100)
    with pytest.raises(api.LimitReached):
        take(acme, 1, at=at("2026-11-22T18:29Z"))
    take(acme, 100, at=at("2026-11-22T18:30Z"))


def test_a_zone_that_does_not_exist_is_refused(acme: UUID) -> None:
    with pytest.raises(api.InvalidName):
        api.put_tenant(slug="acme", name="Acme", settings={"timezone": "Mars/Base"}, by="test", at=NOON)


def test_of_what_was_left_so_much_goes_on_as_the_plan_says(acme: UUID) -> None:
    """The plan has ten mails a month, of which four may go on; in September the tenant was there for a day."""
    october = at("2026-10-10T00:00Z")
    assert api.usage_of(tenant_id=acme, at=october)["mails"].carried == 4
    take(acme, 12, feature="mails", at=october)
    november = api.usage_of(tenant_id=acme, at=NOON)["mails"]
    assert (november.used, november.limit, november.carried) == (0, 10, 2)
    take(acme, 12, feature="mails")
    with pytest.raises(api.LimitReached):
        take(acme, 1, feature="mails")
    assert api.usage_of(tenant_id=acme, at=at("2026-12-05T00:00Z"))["mails"].carried == 0


def test_nothing_goes_on_of_a_time_before_the_tenant_had_anything(acme: UUID) -> None:
    assert api.usage_of(tenant_id=acme, at=at("2026-09-30T12:00Z"))["mails"].carried == 0


def test_a_change_of_plan_begins_no_new_billing_period(acme: UUID) -> None:
    begun = api.get_snapshot(tenant_id=acme, at=NOON).billing
    api.put_subscription(tenant_id=acme, plan="business", by="test", at=NOON)
    changed = api.get_snapshot(tenant_id=acme, at=NOON).billing
    assert begun is not None
    assert changed is not None
    assert begun.anchor == changed.anchor
