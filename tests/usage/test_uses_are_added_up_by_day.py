"""What is used is told by the days of the tenant's own zone, and adds up to what its limits have counted."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from licensing import api
from licensing.usage import by_day
from tests.usage.conftest import NOON
from tests.usage.test_limits_are_exact import hold, take


def test_each_day_has_what_was_used_on_it_and_the_month_what_the_limit_counts(acme: UUID) -> None:
    for ago, quantity in ((2, 3), (2, 4), (0, 5)):
        take(acme, quantity, feature="mails" if ago else "calls", at=NOON - timedelta(days=ago))
    found = api.usage_by_day(tenant_id=acme, days=7, at=NOON)
    assert found.days == tuple(date(2026, 11, 16) + timedelta(days=number) for number in range(7))
    assert found.used == {"calls": (0, 0, 0, 0, 0, 0, 5), "mails": (0, 0, 0, 0, 7, 0, 0)}
    assert sum(found.used["mails"]) == api.usage_of(tenant_id=acme, at=NOON)["mails"].used
    assert (found.zone, found.is_cut) == ("UTC", False)


def test_what_was_held_counts_as_far_as_it_was_used_and_on_the_day_it_was_held(acme: UUID) -> None:
    before = NOON - timedelta(days=1)
    kept, given_back, _open = (hold(acme, quantity, at=before) for quantity in (20, 30, 40))
    api.commit(tenant_id=acme, usage_id=kept.usage_id, quantity=6, at=before)
    api.release(tenant_id=acme, usage_id=given_back.usage_id, at=before)
    hold(acme, 10, at=NOON)
    assert api.usage_by_day(tenant_id=acme, days=2, at=NOON).used == {"calls": (6, 0)}


def test_a_day_begins_where_the_tenant_is_also_when_clocks_change(acme: UUID) -> None:
    api.put_tenant(slug="acme", name="Acme", settings={"timezone": "Europe/Berlin"}, by="test", at=NOON)
    # On 25 October 2026 the day has 25 hours there: from 22:00 UTC until 23:00 UTC.
    for quantity, at in (
        (1, datetime(2026, 10, 24, 21, 59, tzinfo=UTC)),
        (2, datetime(2026, 10, 24, 22, 0, tzinfo=UTC)),
        (4, datetime(2026, 10, 25, 22, 59, tzinfo=UTC)),
        (8, datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
    ):
        take(acme, quantity, at=at)
    found = api.usage_by_day(tenant_id=acme, days=3, at=datetime(2026, 10, 26, 12, tzinfo=UTC))
    assert (found.zone, found.used) == ("Europe/Berlin", {"calls": (1, 6, 8)})


def test_more_than_is_added_up_at_once_is_fewer_days_and_said_so(acme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_day, "MOST_USES", 3)
    for ago in (3, 2, 1, 1, 0):
        take(acme, at=NOON - timedelta(days=ago))
    found = api.usage_by_day(tenant_id=acme, days=30, at=NOON)
    assert (len(found.days), found.used, found.is_cut) == (2, {"calls": (2, 1)}, True)
    for _ in range(4):
        take(acme, at=NOON)
    busy = api.usage_by_day(tenant_id=acme, days=30, at=NOON)
    assert (busy.days, busy.used) == ((NOON.date(),), {"calls": (5,)})


def test_another_tenants_uses_are_none_of_it(acme: UUID) -> None:
    other = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    take(acme, 5)
    assert api.usage_by_day(tenant_id=other, days=7, at=NOON).used == {}
    with pytest.raises(api.TenantNotFound):
        api.usage_by_day(tenant_id=UUID(int=7), days=7, at=NOON)
