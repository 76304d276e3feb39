"""A workspace's page says what its plan includes, and what each feature needs of the person who looks."""

import re
from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory

from audit import api as audit
from console.doors import refused
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing

type Browsers = Callable[[str], Client]


def shown(browser: Client, path: str = "/console/") -> str:
    """The page's words in one line."""
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def feature(page: str, title: str) -> str:
    """What is said from a feature's title to the next one's details."""
    return page.split(f" {title} ", 1)[1][:400]


@pytest.mark.usefixtures("northwind")
def test_a_stranger_is_sent_to_sign_in_and_back() -> None:
    answer = Client().get("/console/")
    assert (answer.status_code, answer["Location"]) == (303, "/sign-in?next=%2Fconsole%2F")


def test_the_owner_reads_the_plan_and_which_plan_would_unlock_the_rest(browser_of: Browsers) -> None:
    page = shown(browser_of("alice"))
    assert "You are on Starter" in page
    has, lacks = page.split("What it does not include")
    assert "1,000 a month" in feature(has, "Calls of the API")
    assert "plan Business, 49.00 EUR a month" in feature(lacks, "Export to CSV")
    regulated = feature(lacks, "Export personal data under regulation")
    assert "plan Regulated, 199.00 EUR a month" in regulated
    assert "level Needs a second factor." in regulated


def test_what_the_person_could_not_show_is_said_to_them_and_not_to_others(browser_of: Browsers) -> None:
    at = now()
    licensing.put_subscription(tenant_id=licensing.get_tenant("acme").id, plan="regulated", by="a test", at=at)
    exported = "Export a report to CSV Needs a second factor, shown in the last hour: "
    assert f"{exported}you are asked for it then." in shown(browser_of("alice"))
    assert f"{exported}you have added nothing yet that could show it." in shown(browser_of("bob"))


def test_a_member_reads_the_features_and_nothing_of_the_subscription_or_of_people(browser_of: Browsers) -> None:
    page = shown(browser_of("bob"))
    assert "What it includes" in page
    assert "You are on" not in page
    assert "People" not in page
    assert "Your role does not allow this." in page


def test_whoever_is_refused_is_shown_where_they_can_go(browser_of: Browsers) -> None:
    answer = browser_of("bob").get("/console/people")
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Not allowed" in page
    assert '<a href="/">' in page


def test_what_could_not_be_decided_is_not_called_refused() -> None:
    page = refused(RequestFactory().get("/console/"), "Not everything could be read.", status=503).content.decode()
    assert "Not now" in page
    assert "Not allowed" not in page
    assert '<a href="">Try again</a>' in page


def test_drawing_the_page_opens_and_records_nothing_but_its_own_decision(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    tenant_id = licensing.get_tenant("acme").id

    def told() -> int:
        with tenant_transaction(tenant_id):
            return len(audit.list_entries(tenant_id=tenant_id, limit=audit.MAX_PAGE))

    before = told()
    shown(alice)
    assert told() - before <= 1
