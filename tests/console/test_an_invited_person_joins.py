"""Whoever has an invitation's link sees by whom and to what, and joins as who they are; what is over is said so."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from isolation.clock import now
from licensing import api as licensing
from tests.console.plan import conftest as console

northwind, browser_of = console.northwind, console.browser_of

type Browsers = Callable[[str], Client]


def invited(**more: object) -> str:
    """Invite Carol of Globex to Acme, and return where she joins."""
    acme = licensing.get_tenant("acme").id
    told = {"address": "carol@globex.example", "roles": ["member"], "by": "account:alice", "at": now(), **more}
    _, token = licensing.invite(tenant_id=acme, **told)  # type: ignore[arg-type]
    return f"/join/acme/{token}"


def words(answer: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))  # type: ignore[attr-defined]


def carol() -> licensing.Member | None:
    return licensing.get_member(tenant_id=licensing.get_tenant("acme").id, subject_type="account", subject_id="carol")


def test_she_reads_who_invites_her_joins_once_and_can_sign_in_there(browser_of: Browsers) -> None:
    link, browser = invited(), browser_of("carol")
    page = words(browser.get(link))
    assert "Invited by Alice As member" in page
    assert "Join as carol" in page
    assert carol() is None, "to look is not to join"
    joined = browser.post(link)
    assert "carol is a member of Acme now." in words(joined)
    assert 'href="/sign-in?tenant=acme"' in joined.content.decode()
    member = carol()
    assert member is not None
    assert (member.active, list(member.roles)) == (True, ["member"])
    again = browser.post(link)
    assert (again.status_code, "was accepted already" in words(again)) == (410, True)


@pytest.mark.usefixtures("northwind")
def test_a_stranger_is_shown_the_invitation_and_joins_nobody() -> None:
    link = invited()
    stranger = Client()
    assert f'href="/sign-in?next={link}"' in stranger.get(link).content.decode()
    assert stranger.post(link).status_code == 403
    assert carol() is None


def test_who_may_do_nothing_where_they_are_signed_in_is_told_why_and_joins_nobody(browser_of: Browsers) -> None:
    link, browser = invited(), browser_of("carol")
    licensing.put_tenant(slug="globex", name="Globex", status="suspended", by="test", at=now())
    answer = browser.post(link)
    assert (answer.status_code, "This workspace is suspended." in words(answer)) == (403, True)
    assert carol() is None


def test_what_is_taken_back_too_old_or_never_was_is_said_so(browser_of: Browsers) -> None:
    browser, acme = browser_of("carol"), licensing.get_tenant("acme").id
    link = invited(at=now() - timedelta(days=15))
    assert "open for too long" in words(browser.post(link))
    link = invited()
    (one,) = licensing.list_invitations(tenant_id=acme, at=now())
    licensing.revoke_invitation(tenant_id=acme, invitation_id=one.id, by="test", at=now())
    assert "taken back" in words(browser.post(link))
    for nothing in ("/join/acme/none", link.replace("acme", "globex"), link.replace("acme", "nobody")):
        assert browser.post(nothing).status_code == 404
    assert carol() is None


def test_another_sites_form_joins_nobody_and_who_is_in_is_told_so(browser_of: Browsers) -> None:
    link, browser = invited(), browser_of("carol")
    forged = Client(enforce_csrf_checks=True)
    forged.cookies["tiergate"] = browser.cookies["tiergate"].value
    assert forged.post(link, headers={"Accept": "text/html"}).status_code == 403
    assert carol() is None
    known = browser_of("bob").post(link)
    assert (known.status_code, "has a membership" in words(known)) == (409, True)
