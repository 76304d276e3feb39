"""The plans on sale stand side by side, and each says what it would change."""

import re
from collections.abc import Callable

from django.test import Client

from isolation.clock import now
from licensing import api as licensing
from tests.console.plan.test_the_first_page_of_a_workspace import shown
from tiergate import Term

type Browsers = Callable[[str], Client]


def test_each_plan_says_what_it_costs_and_what_it_would_change(browser_of: Browsers) -> None:
    page = shown(browser_of("alice"), "/console/plans")
    assert "Starter yours free" in page
    business = page.split("Business 49.00 EUR a month")[1].split("Regulated 199.00")[0]
    assert "Export to CSV: included." in business
    assert "Calls of the API: 50,000 a month, where it is 1,000 a month now." in business
    assert "Days that the audit trail is kept: 365, where it is 30 now." in business
    grid = page.split("Side by side")[1]
    assert re.search(r"Export to CSV . Not included Included Included needs a second factor", grid)
    assert "10,000 more calls a month 9.00 EUR a month" in grid


def test_who_is_on_a_version_of_before_reads_that_it_stays_theirs(browser_of: Browsers) -> None:
    alice, at = browser_of("alice"), now()
    with licensing.edit_catalogue(by="test", at=at) as edit:
        edit.put_plan(
            licensing.PlanSpec(key="starter", title="Starter", terms=(Term(feature="workspace", value=True),))
        )
    page = shown(alice, "/console/plans")
    assert "This version is no longer sold. It stays yours as it is." in page
    assert "Read reports: no longer included." in page.split("Starter on request")[1].split("Business")[0]


def test_a_member_compares_plans_without_reading_which_is_theirs(browser_of: Browsers) -> None:
    page = shown(browser_of("bob"), "/console/plans")
    assert "Business 49.00 EUR a month" in page
    assert "yours" not in page
    assert "What it would change" not in page


def test_on_a_phones_width_each_cell_names_its_plan(browser_of: Browsers) -> None:
    page = browser_of("bob").get("/console/plans").content.decode()
    grid = page.split("Side by side")[1].split("</table>")[0]
    calls = grid.split("Calls of the API")[1].split("</tr>")[0]
    assert re.findall(r'<td data-of="([^"]+)">([^<]+)', calls) == [
        ("Starter", "1,000 a month"),
        ("Business", "50,000 a month"),
        ("Regulated", "Unlimited"),
    ]
