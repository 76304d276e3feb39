"""Stripe's own entitlements."""

from config.fake_stripe import FakeStripe
from tests.billing.contract.receiver import Receiver
from tests.billing.contract.shop import Shop

_COUNT = 12


def _featured(shop: Shop) -> str:
    price = shop.price(1000)
    for number in range(_COUNT):
        feature = shop.client.v1.entitlements.features.create(
            {"lookup_key": f"{price.id}-{number}", "name": f"Feature {number}"}
        )
        shop.client.v1.products.features.create(str(price.product), {"entitlement_feature": feature.id})
    customer = shop.customer()
    shop.subscribe(customer, price)
    return customer.id


def test_they_are_paged_for(fake: FakeStripe, stall: Shop) -> None:
    customer = _featured(stall)
    first = stall.client.v1.entitlements.active_entitlements.list({"customer": customer})
    assert (len(first.data), first.has_more) == (10, True)
    assert len({one.lookup_key for one in first.auto_paging_iter()}) == _COUNT
    assert fake.settle()


def test_the_summary_carries_ten_and_says_that_there_are_more(
    fake: FakeStripe, stall: Shop, receiver: Receiver
) -> None:
    customer = _featured(stall)
    for subscription in stall.client.v1.subscriptions.list({"customer": customer}):
        stall.client.v1.subscriptions.cancel(subscription.id)
    assert fake.settle()
    told = [event.data.object for event in receiver.events if event.type.startswith("entitlements")]
    pages = [summary["entitlements"] for summary in told if summary["customer"] == customer]
    assert [(len(page["data"]), page["has_more"]) for page in pages] == [(10, True), (0, False)]
    assert stall.client.v1.entitlements.active_entitlements.list({"customer": customer}).data == []
