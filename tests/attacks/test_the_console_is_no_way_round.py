"""Pitfalls 1, 11 and 18: what the console's pages change is asked for as their API asks, and what they draw permits nothing."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client, RequestFactory
from django.urls import URLPattern

from authlevels import api as authlevels
from config.demo.people import people
from console import urls
from decisions import api as decisions
from isolation.clock import now
from licensing import api as licensing
from tests.console.plan import conftest as console
from tiergate import Action, Outcome

northwind, browser_of = console.northwind, console.browser_of

PAGES = {
    str(one.pattern): getattr(one.callback, "required_action", "")
    for one in urls.urlpatterns
    if isinstance(one, URLPattern) and str(one.pattern).startswith("console/")
}
FORM = {"address": "mallory@evil.example", "roles": ["owner"]}
HTML = {"Accept": "text/html"}


def open_invitations(tenant: str) -> list[str]:
    found = licensing.list_invitations(tenant_id=licensing.get_tenant(tenant).id, at=now())
    return [one.address for one in found]


def filled(page: str) -> str:
    return "/" + page.replace("<uuid:invitation>", str(uuid4()))


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_the_console_takes_a_form_of_another_site_or_a_stranger(
    browser_of: Callable[[str], Client], page: str
) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.cookies["tiergate"] = browser_of("alice").cookies["tiergate"].value
    assert forged.post(filled(page), FORM, headers=HTML).status_code in {403, 405}
    assert Client().post(filled(page), FORM, headers=HTML).status_code in {303, 405}
    assert open_invitations("acme") == []


def test_every_page_that_changes_people_asks_for_the_level_that_its_api_asks_for(
    browser_of: Callable[[str], Client],
) -> None:
    """A password alone changes nobody: the form waits for the step-up."""
    alice = browser_of("alice")
    changing = [page for page, action in PAGES.items() if action == Action.MEMBER_WRITE.value]
    assert len(changing) == 2
    for page in changing:
        assert alice.post(filled(page), FORM)["Location"].startswith("/step-up/resume/rsm_")
    assert open_invitations("acme") == []


def test_every_page_that_spends_asks_for_the_level_that_its_api_asks_for(browser_of: Callable[[str], Client]) -> None:
    alice, bob = browser_of("alice"), browser_of("bob")
    spending = [page for page, action in PAGES.items() if action == Action.BILLING_MANAGE.value]
    assert len(spending) == 6
    for page in spending:
        assert alice.post(filled(page), {"plan": "regulated"})["Location"].startswith("/step-up/resume/rsm_")
        assert bob.post(filled(page), {"plan": "regulated"}).status_code == 403


def test_what_a_page_draws_as_open_permits_nothing(northwind: None) -> None:
    known = people()["alice"]
    session, _ = authlevels.sign_in_with_password(
        tenant_id=licensing.get_tenant("acme").id,
        username="alice",
        password=known.password,
        network="192.0.2.1",
        at=now(),
    )
    request: Any = RequestFactory().get("/console/")
    request.principal = authlevels.PersonPrincipal(session=session, by_cookie=True)
    seen = decisions.outlook(request, at=now())
    drawn = seen.decisions["reports.read"]
    assert drawn.outcome == Outcome.ALLOW
    assert not any(one.is_allowed for one in seen.decisions.values())
