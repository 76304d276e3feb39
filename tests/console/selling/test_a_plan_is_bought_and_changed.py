"""What a change costs, brings and asks is shown before it is made, and it is made just so."""

import re
from collections.abc import Callable

from django.test import Client

from billing import api as billing
from isolation.clock import now
from licensing import api as licensing
from tests.billing.account import Shop
from tests.billing.conftest import plan_of
from tests.console.plan.test_people_are_invited import confirmed
from tests.console.plan.test_the_first_page_of_a_workspace import shown
from tests.console.selling.conftest import acme_is_on

type Browsers = Callable[[str], Client]
type Pays = Callable[..., str]

PREVIEW, CHANGE, CHECKOUT = "/console/plans/preview", "/console/plans/change", "/console/plans/checkout"


def words(answer: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))  # type: ignore[attr-defined]


def fields(answer: object) -> dict[str, str]:
    """What the form of a page says by itself."""
    content = answer.content.decode()  # type: ignore[attr-defined]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', content))
    found.pop("csrfmiddlewaretoken", None)
    return found


def test_who_pays_for_nothing_yet_reads_what_it_asks_and_goes_on_to_stripe(browser_of: Browsers, shop: Shop) -> None:
    alice = browser_of("alice")
    assert "See what it costs : Regulated" in shown(alice, "/console/plans")
    go_on = confirmed(alice, "alice", alice.post(PREVIEW, {"plan": "regulated"}))
    alice.get(go_on)
    page = alice.post(go_on)
    assert page.status_code == 200, page.content
    said = words(page)
    assert "199.00 EUR a month" in said
    assert "Export personal data under regulation." in said.split("What it brings")[1]
    assert "Regulated needs a second factor: 1 of 2 members have none." in said.replace("has none", "have none")
    sent = alice.post(CHECKOUT, fields(page))
    assert sent["Refresh"].startswith(f"0; url={shop.stripe.url}/c/pay/")
    session = sent["Refresh"].rsplit("/", 1)[1]
    shop.stripe.pay(session)
    back = alice.get("/billing/paid", {"session_id": session})
    assert (back.status_code, back["Location"]) == (302, "/console/")
    assert "You are on Regulated" in shown(alice)


def test_an_upgrade_costs_what_was_shown_and_is_there_on_the_next_page(alice: Client, pays: Pays) -> None:
    pays(("plan", "business"))
    page = alice.post(PREVIEW, {"plan": "regulated"})
    said = words(page)
    assert "At once." in said
    assert "Unused time on Business" in said
    assert "After that 199.00 EUR a month, from " in said
    today = re.findall(r"Pay ([\d.,]+ EUR) and change", said)
    assert today, said
    done = alice.post(CHANGE, fields(page))
    assert (done.status_code, done["Location"]) == (303, "/console/?done=changed")
    assert alice.post(CHANGE, fields(page))["Location"] == done["Location"], "a form that is sent twice is one change"
    assert acme_is_on() == ("regulated", "active")
    assert today[0] in shown(alice, "/console/invoices")


def test_a_quote_that_is_used_or_another_workspaces_is_told_with_a_new_preview(
    alice: Client, pays: Pays, shop: Shop
) -> None:
    pays(("plan", "business"))
    form = fields(alice.post(PREVIEW, {"plan": "regulated"}))
    alice.post(CHANGE, form)
    again = alice.post(CHANGE, {**form, "key": "another"})
    assert (again.status_code, fields(again)) == (409, {"plan": "regulated"})
    assert "See what it costs now" in words(again)
    globex = licensing.get_tenant("globex").id
    pays(("plan", "business"), slug="globex")
    theirs = billing.quote_change(tenant_id=globex, plan="regulated", by="user:gus", clock=now)
    for quote in (str(theirs.id), "none"):
        assert alice.post(CHANGE, {**form, "quote": quote}).status_code == 404
    billing.sync_tenant(tenant_id=globex, gateway=shop.gateway, clock=now)
    assert plan_of(globex, now()) == ("business", "active")
    used = billing.apply_quote(tenant_id=globex, quote_id=theirs.id, key="k", by="user:gus", clock=now)
    assert used.charged == theirs.cost["amount_due"], "it is theirs to use, still"


def test_an_add_on_is_put_beside_the_plan_and_taken_off(alice: Client, pays: Pays) -> None:
    pays(("plan", "business"))
    page = alice.post(PREVIEW, {"add_on": "extra-calls", "do": "add"})
    assert "Calls of the API: 60,000 a month, where it is 50,000 a month now." in words(page)
    alice.post(CHANGE, fields(page))
    assert "60,000 a month" in shown(alice)
    page = alice.post(PREVIEW, {"add_on": "extra-calls", "do": "drop"})
    assert "Calls of the API: 50,000 a month" in words(page).split("What is lost")[1]


def test_a_declined_card_changes_nothing_and_leads_to_the_card(alice: Client, pays: Pays, shop: Shop) -> None:
    pays(("plan", "business"))
    customer = billing.get_customer(tenant_id=licensing.get_tenant("acme").id).stripe_id
    bad = shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    shop.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": bad.id}})
    page = alice.post(CHANGE, fields(alice.post(PREVIEW, {"plan": "regulated"})))
    assert (page.status_code, acme_is_on()) == (409, ("business", "active"))
    assert "The card was declined: nothing was changed." in words(page)
    assert alice.post("/console/portal")["Refresh"].startswith(f"0; url={shop.stripe.url}")


def test_what_is_not_sold_or_held_already_is_said(alice: Client, pays: Pays) -> None:
    assert alice.post(PREVIEW, {"add_on": "extra-calls", "do": "add"}).status_code == 409
    pays(("plan", "business"))
    assert alice.post(PREVIEW, {"plan": "of-old"}).status_code == 404
    assert alice.post(PREVIEW, {"plan": "business"}).status_code == 409
    assert alice.post(PREVIEW).status_code == 404


def test_who_may_not_buy_sees_no_button_and_whom_to_ask(browser_of: Browsers, pays: Pays) -> None:
    pays(("plan", "business"))
    bob = browser_of("bob")
    for path in ("/console/", "/console/plans"):
        page = shown(bob, path)
        assert "Ask an owner of this workspace: they can change the plan." in page
        assert "See what it costs" not in page
        assert "Invoices" not in page
    for path in (PREVIEW, CHANGE, CHECKOUT, "/console/portal", "/console/plans/cancel", "/console/plans/go-on"):
        refused = bob.post(path, {"plan": "regulated"})
        assert refused.status_code == 403
        assert "Your role does not allow this. Ask an owner" in words(refused)
    assert bob.get("/console/invoices").status_code == 403
