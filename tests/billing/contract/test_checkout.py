"""What a person does on pages that are not ours."""

import http.client
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from config.fake_stripe import FakeStripe
from tests.billing.contract.receiver import Receiver
from tests.billing.contract.shop import Shop

_BACK = "http://127.0.0.1:1/plan"


def _session(shop: Shop, **more: Any) -> stripe.checkout.Session:
    told: Any = {
        "mode": "subscription",
        "line_items": [{"price": shop.price(1000, name="Business").id, "quantity": 2}],
        "success_url": f"{_BACK}?session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": _BACK,
        "client_reference_id": "acme",
        "subscription_data": {"metadata": {"tenant": "acme"}},
        **more,
    }
    return shop.client.v1.checkout.sessions.create(told)


def _page(url: str | None, **form: str) -> tuple[int, str, str]:
    """Fetch a page, or send its form; answers status, where it sends on to, and its text."""
    where = urlsplit(str(url))
    line = http.client.HTTPConnection(where.netloc)
    line.request("POST" if form else "GET", where.path, body=urlencode(form) if form else None)
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer.status, answer.headers.get("Location", ""), text


def test_a_session_is_open_and_says_what_it_sells(shop: Shop) -> None:
    made = _session(shop, customer=shop.customer(None).id, expand=["line_items"])
    assert (made.status, made.payment_status, made.amount_total, made.subscription) == ("open", "unpaid", 2000, None)
    assert made.url is not None
    assert made.line_items is not None
    assert made.line_items.data[0].quantity == 2
    expired = shop.client.v1.checkout.sessions.expire(made.id)
    assert (expired.status, expired.url) == ("expired", None)


def test_who_pays_is_sent_back_and_has_an_active_subscription(
    fake: FakeStripe, stall: Shop, receiver: Receiver
) -> None:
    customer = stall.customer(None)
    made = _session(stall, customer=customer.id)
    assert _page(made.url)[0] == 200
    assert _page(made.url, card="pm_card_visa", do="pay")[:2] == (303, f"{_BACK}?session={made.id}")
    done = stall.client.v1.checkout.sessions.retrieve(made.id, {"expand": ["subscription"]})
    assert (done.status, done.payment_status, done.client_reference_id) == ("complete", "paid", "acme")
    assert isinstance(done.subscription, stripe.Subscription)
    assert (done.subscription.status, done.subscription.metadata.to_dict()) == ("active", {"tenant": "acme"})
    assert done.subscription["items"].data[0].quantity == 2
    assert fake.settle()
    states = [
        event.data.object["status"] for event in receiver.events if event.type.startswith("customer.subscription")
    ]
    assert states == ["incomplete", "active"]
    assert receiver.types[-1] == "checkout.session.completed"
    assert _page(made.url, card="pm_card_visa", do="pay")[0] == 200, "twice is not paid twice"
    assert len(stall.client.v1.subscriptions.list({"customer": customer.id}).data) == 1


def test_a_declined_card_leaves_the_session_open_and_says_so(fake: FakeStripe, stall: Shop) -> None:
    made = _session(stall, customer_email="ada@acme.example")
    status, _where, text = _page(made.url, card="pm_card_visa_chargeDeclined", do="pay")
    assert (status, 'role="alert">Your card was declined.' in text) == (402, True)
    assert stall.client.v1.checkout.sessions.retrieve(made.id).status == "open"
    assert stall.client.v1.subscriptions.list().data == []
    assert fake.state()["objects"].get("customer", 0) == 0


def test_one_card_has_one_fingerprint_whoever_shows_it(shop: Shop) -> None:
    prints = []
    for card in ("pm_card_visa", "pm_card_visa", "pm_card_mastercard"):
        method = shop.client.v1.payment_methods.list({"customer": shop.customer(card).id}).data[0]
        assert method.card is not None
        prints.append(method.card.fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_a_session_that_nobody_pays_expires(fake: FakeStripe, stall: Shop) -> None:
    made = _session(stall)
    fake.turn(now=made.expires_at)
    assert stall.client.v1.checkout.sessions.retrieve(made.id).status == "expired"
    with pytest.raises(Exception, match="expired"):
        fake.pay(made.id)


def test_in_the_portal_a_plan_is_cancelled_and_kept_and_the_card_changed(stall: Shop) -> None:
    customer = stall.customer()
    made = stall.subscribe(customer, stall.price(1000, name="Business"))
    portal = stall.client.v1.billing_portal.sessions.create({"customer": customer.id, "return_url": _BACK})
    assert all(words in _page(portal.url)[2] for words in ("Business", "Cancel the plan", _BACK))
    assert _page(portal.url, do=f"cancel {made.id}")[0] == 303
    assert stall.client.v1.subscriptions.retrieve(made.id).cancel_at_period_end
    assert "Keep the plan" in _page(portal.url)[2]
    assert _page(portal.url, do=f"keep {made.id}")[0] == 303
    assert not stall.client.v1.subscriptions.retrieve(made.id).cancel_at_period_end
    assert _page(portal.url, do="card", card="pm_card_visa_chargeDeclined")[0] == 400
    assert _page(portal.url, do="card", card="pm_card_mastercard")[0] == 303
    found = stall.client.v1.customers.retrieve(
        customer.id, {"expand": ["invoice_settings.default_payment_method"]}
    ).invoice_settings
    assert found is not None
    assert isinstance(found.default_payment_method, stripe.PaymentMethod)
    assert found.default_payment_method.card is not None
    assert found.default_payment_method.card.brand == "mastercard"


def test_nobody_cancels_what_is_not_theirs(stall: Shop) -> None:
    price = stall.price(1000)
    hers, his = stall.customer(), stall.customer()
    made = stall.subscribe(hers, price)
    portal = stall.client.v1.billing_portal.sessions.create({"customer": his.id})
    assert _page(portal.url, do=f"cancel {made.id}")[0] == 400
    assert not stall.client.v1.subscriptions.retrieve(made.id).cancel_at_period_end


def test_an_invoice_has_a_page(stall: Shop) -> None:
    made = stall.subscribe(stall.customer(), stall.price(1000, name="<Business>"), expand=["latest_invoice"])
    assert isinstance(made.latest_invoice, stripe.Invoice)
    status, _where, text = _page(made.latest_invoice.hosted_invoice_url)
    assert (status, "&lt;Business&gt;" in text, "10.00 USD" in text) == (200, True, True)


def test_a_trial_at_a_checkout_takes_a_card_whose_fingerprint_is_read_with_the_subscription(
    fake: FakeStripe, stall: Shop
) -> None:
    prints = set()
    for _again in range(2):
        customer = stall.customer(None).id
        made = _session(stall, customer=customer, subscription_data={"trial_period_days": 14})
        assert made.amount_total == 0
        fake.pay(made.id, card="pm_card_mastercard")
        listed: Any = {"customer": customer, "expand": ["data.default_payment_method"]}
        (held,) = stall.client.v1.subscriptions.list(listed).data
        assert isinstance(held.default_payment_method, stripe.PaymentMethod)
        assert held.default_payment_method.card is not None
        assert (held.status, held.default_payment_method.card.brand) == ("trialing", "mastercard")
        prints.add(held.default_payment_method.card.fingerprint)
    assert len(prints) == 1, "one card is known again, whoever pays with it"
