"""An owner sees who is there and who is not ready, and invites within the seats that there are."""

import re
from collections.abc import Callable

import pyotp
from django.test import Client

from config.demo.people import people
from isolation.clock import now
from licensing import api as licensing
from tests.console.plan.test_the_first_page_of_a_workspace import shown
from tiergate import Counted, FeatureKind, FeatureSpec, Term

type Browsers = Callable[[str], Client]

PEOPLE = "/console/people"
FORM = {"address": "Erin@acme.example", "roles": ["member"]}


def seats(limit: int) -> None:
    """Put Acme on a plan that has so many seats, and asks a second factor of nobody."""
    at = now()
    with licensing.edit_catalogue(by="test", at=at) as edit:
        edit.put_feature(FeatureSpec(key="seats", kind=FeatureKind.LIMIT, title="Seats", counts=Counted.MEMBERS))
        terms = (Term(feature="workspace", value=True), Term(feature="seats", limit=limit))
        edit.put_plan(licensing.PlanSpec(key="team", title="Team", terms=terms))
    licensing.put_subscription(tenant_id=licensing.get_tenant("acme").id, plan="team", by="test", at=at)


def confirmed(browser: Client, name: str, sent: object, *, offset: int = 0) -> str:
    """Go through the step-up that a suspended form leads to; return where it goes on."""
    assert sent.status_code == 303, sent.content  # type: ignore[attr-defined]
    asked = browser.get(sent["Location"])  # type: ignore[index]
    code = pyotp.TOTP(people()[name].totp_secret).at(now(), counter_offset=offset)
    passed = browser.post(asked["Location"], {"method": "totp", "code": code})
    assert passed.status_code == 303, passed.content
    return passed["Location"]


def test_the_owner_confirms_and_the_invitation_goes_on_and_its_code_is_shown_once(browser_of: Browsers) -> None:
    seats(3)
    alice = browser_of("alice")
    assert "2 of 3" in shown(alice, PEOPLE)
    go_on = confirmed(alice, "alice", alice.post(f"{PEOPLE}/invitations", FORM))
    assert "erin@acme.example" not in shown(alice, PEOPLE)
    alice.get(go_on)
    page = alice.post(go_on).content.decode()
    (token,) = re.findall(r'id="token">([\w-]{40,})<', page)
    after = shown(alice, PEOPLE)
    assert "3 of 3" in after
    assert "erin@acme.example As member" in after
    assert token not in after
    full = alice.post(f"{PEOPLE}/invitations", {**FORM, "address": "frank@acme.example"})
    assert (full.status_code, "All 3 seats are taken." in full.content.decode()) == (409, True)
    (path,) = re.findall(rf'action="({PEOPLE}/invitations/[0-9a-f-]+/take-back)"', alice.get(PEOPLE).content.decode())
    done = alice.post(path)
    assert (done.status_code, done["Location"]) == (303, f"{PEOPLE}?done=taken-back")
    assert "2 of 3" in shown(alice, done["Location"])


def test_who_is_not_ready_for_what_the_plan_asks_is_listed(browser_of: Browsers) -> None:
    licensing.put_subscription(tenant_id=licensing.get_tenant("acme").id, plan="regulated", by="test", at=now())
    page = shown(browser_of("alice"), PEOPLE)
    assert "The plan asks for a second factor. 1 of 2 could show it." in page
    assert "Bob" in page.split("Who is ready")[1].split("Members")[0]


def test_a_member_is_let_neither_look_nor_invite(browser_of: Browsers) -> None:
    bob = browser_of("bob")
    assert bob.get(PEOPLE).status_code == 403
    assert bob.post(f"{PEOPLE}/invitations", FORM).status_code == 403
    assert licensing.list_invitations(tenant_id=licensing.get_tenant("acme").id, at=now()) == []


def test_nobody_takes_back_what_another_workspace_has_open(browser_of: Browsers) -> None:
    at, globex = now(), licensing.get_tenant("globex").id
    theirs, _ = licensing.invite(tenant_id=globex, address="gus@globex.example", roles=["member"], by="test", at=at)
    alice = browser_of("alice")
    go_on = confirmed(alice, "alice", alice.post(f"{PEOPLE}/invitations/{theirs.id}/take-back"))
    alice.get(go_on)
    assert alice.post(go_on).status_code == 409
    assert [one.id for one in licensing.list_invitations(tenant_id=globex, at=at)] == [theirs.id]
