"""A downgrade, an end and a missing payment are told with their day, and whoever ordered them takes them back."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client

from billing import api as billing
from isolation.clock import now
from licensing import api as licensing
from tests.billing.account import Shop
from tests.console.plan.test_the_first_page_of_a_workspace import shown
from tests.console.selling.test_a_plan_is_bought_and_changed import CHANGE, PREVIEW, fields, words

type Browsers = Callable[[str], Client]
type Pays = Callable[..., str]

GO_ON, CANCEL, INVOICES = "/console/plans/go-on", "/console/plans/cancel", "/console/invoices"


def day() -> str:
    """The day on which the period that is paid for ends."""
    state = billing.billing_state(tenant_id=licensing.get_tenant("acme").id)
    assert state is not None
    assert state.period_end is not None
    return f"{state.period_end:%-d %B %Y}"


def test_less_is_planned_for_the_end_of_the_period_and_taken_back(alice: Client, pays: Pays) -> None:
    pays(("plan", "regulated"))
    page = alice.post(PREVIEW, {"plan": "business"})
    said = words(page)
    assert f"On {day()}, with the end of the period" in said
    assert "Today Nothing" in said
    assert f"49.00 EUR a month, from {day()}" in said
    done = alice.post(CHANGE, fields(page))
    assert done["Location"] == "/console/?done=planned"
    for path in (done["Location"], "/console/plans"):
        pending = shown(alice, path).split(f"On {day()}: Business")[1]
        assert "Export personal data under regulation." in pending.split("What is lost then")[1]
    assert "You are on Regulated" in shown(alice)
    refused = alice.post(PREVIEW, {"add_on": "extra-calls", "do": "add"})
    assert (refused.status_code, "take that back first" in words(refused)) == (409, True)
    assert alice.post(GO_ON)["Location"] == "/console/?done=goes-on"
    assert "Until then" not in shown(alice)
    assert alice.post(GO_ON).status_code == 409


def test_an_end_says_what_it_takes_and_is_taken_back(alice: Client, pays: Pays) -> None:
    assert "Nothing is paid for here that could end." in shown(alice, CANCEL)
    pays(("plan", "business"))
    page = shown(alice, CANCEL)
    assert f"Business ends on {day()}" in page
    assert "Export to CSV." in page.split("What is lost then")[1]
    assert alice.post(CANCEL)["Location"] == "/console/?done=ending"
    assert f"On {day()}: the subscription ends" in shown(alice)
    assert f"The subscription does not end on {day()}." in shown(alice, GO_ON)
    assert alice.post(GO_ON)["Location"] == "/console/?done=goes-on"
    assert "the subscription ends" not in shown(alice)


def test_what_the_vendor_has_arranged_is_told_and_not_the_workspaces_to_take_back(alice: Client) -> None:
    at, acme = now(), licensing.get_tenant("acme").id
    licensing.schedule_change(tenant_id=acme, plan="business", effective_at=at + timedelta(days=3), by="test", at=at)
    page = shown(alice)
    assert "Export to CSV." in page.split("What is gained then")[1]
    assert "This was arranged with us; ask us to change it." in page


def test_a_failed_payment_is_told_with_the_end_of_grace_and_who_can_mend_it(
    alice: Client, browser_of: Browsers, pays: Pays
) -> None:
    subscription = pays(("plan", "business"))
    at = now()
    licensing.settle_subscription(
        tenant_id=licensing.get_tenant("acme").id,
        plan="business",
        version=1,
        status="past_due",
        add_ons=(),
        external_id=subscription,
        period_start=at,
        period_end=at + timedelta(days=30),
        grace_until=(until := at + timedelta(days=7)),
        at=at,
    )
    for path in ("/console/", INVOICES):
        page = shown(alice, path)
        assert f"Everything stays as it is until {until:%-d %B %Y %H:%M} UTC." in page
        assert "Change the card, or pay" in page
    assert "The last payment failed" not in shown(browser_of("bob"))


def test_invoices_say_when_what_for_how_much_and_whether_it_is_paid(alice: Client, pays: Pays, shop: Shop) -> None:
    assert "Nothing was charged yet." in shown(alice, INVOICES)
    pays(("plan", "business"))
    page = shown(alice, INVOICES)
    assert f"{now():%-d %b %Y}" in page
    row = page.split("Sum")[1]
    assert "Business" in row
    assert "49.00 EUR paid" in row
    assert f'href="{shop.stripe.url}/i/' in alice.get(INVOICES).content.decode()
    assert alice.get(f"{INVOICES}?after=in_nobodys").status_code == 409
