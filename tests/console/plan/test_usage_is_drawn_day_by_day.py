"""Whoever may see what is used sees it drawn day by day, with the figures beside."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.test import Client

from console.plan.usage import HEIGHT, charts_of
from isolation.clock import now
from licensing import api as licensing
from tests.console.plan.test_the_first_page_of_a_workspace import shown

USAGE = "/console/usage"
type Browsers = Callable[[str], Client]


def took(quantity: int) -> UUID:
    """Let Acme use calls today."""
    tenant_id, at = licensing.get_tenant("acme").id, now()
    licensing.consume(tenant_id=tenant_id, items=[("api.calls", quantity)], key=f"{quantity}-{at:%f}", at=at)
    return tenant_id


@pytest.mark.usefixtures("northwind")
def test_the_owner_sees_todays_uses_as_a_column_and_as_a_figure(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    took(300)
    took(21)
    page = shown(alice, f"{USAGE}?days=7")
    assert "Calls of the API 321 of 1,000" in page
    assert f"Day (UTC) Used {now():%-d %b %Y} 321 " in page
    drawn = alice.get(f"{USAGE}?days=7").content.decode()
    assert re.findall(r'<rect x="(\d+)" y="(\d+)" width="8" height="(\d+)"/>', drawn) == [("61", "0", str(HEIGHT))]
    assert "used by day: at most 321 on one, 321 in all." in drawn


@pytest.mark.usefixtures("northwind")
def test_days_in_which_nothing_was_used_are_said_to_be_so(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    page = shown(alice, f"{USAGE}?days=x")
    assert "0 of 1,000" in page
    assert "Nothing was used in these days." in page
    assert 'href="?days=30" aria-current="true"' in alice.get(USAGE).content.decode()


@pytest.mark.usefixtures("northwind")
def test_a_member_sees_neither_the_page_nor_the_way_there(browser_of: Browsers) -> None:
    bob = browser_of("bob")
    assert bob.get(USAGE).status_code == 403
    assert USAGE not in bob.get("/console/").content.decode()
    assert USAGE in browser_of("alice").get("/console/").content.decode()
    assert Client().get(USAGE)["Location"] == "/sign-in?next=%2Fconsole%2Fusage"


def test_a_little_can_be_seen_beside_a_lot_and_what_is_no_limit_any_more_is_drawn_too() -> None:
    first = date(2026, 11, 20)
    found = licensing.UsageByDay(
        zone="UTC", days=tuple(first + timedelta(days=one) for one in range(3)), used={"gone": (1, 0, 10**6)}
    )
    (chart,) = charts_of([], found, {})
    assert [(one.x, one.y, one.height) for one in chart.columns] == [(1, 990, 10), (21, 0, 1000)]
    assert (chart.title, chart.bar, chart.most, chart.total) == ("gone", None, "1,000,000", "1,000,001")
    assert chart.by_day[0] == (date(2026, 11, 22), "1,000,000")
