"""What is told of what happened: signed, at least once, in no sure order."""

import json
from pathlib import Path

import pytest
import stripe

from config.fake_stripe import FakeStripe
from tests.billing.contract.receiver import SECRET, Receiver
from tests.billing.contract.shop import Shop


def _customers(stall: Shop, count: int) -> list[str]:
    return [stall.client.v1.customers.create({"name": str(n)}).id for n in range(count)]


def _named(receiver: Receiver) -> list[str]:
    return [event.data.object["id"] for event in receiver.events]


def test_an_event_holds_its_object_as_it_was_and_what_it_was_before(
    fake: FakeStripe, stall: Shop, receiver: Receiver
) -> None:
    customer = stall.client.v1.customers.create({"name": "Ada"})
    stall.client.v1.customers.update(customer.id, {"name": "Ada L."})
    assert fake.settle()
    made, changed = receiver.events
    assert (made.type, changed.type) == ("customer.created", "customer.updated")
    assert (made.data.object["name"], changed.data.object["name"]) == ("Ada", "Ada L.")
    assert changed.data.previous_attributes is not None
    assert changed.data.previous_attributes.to_dict() == {"name": "Ada"}
    assert made.request is not None
    assert made.request.idempotency_key
    assert [event.id for event in stall.client.v1.events.list()] == [changed.id, made.id]


def test_while_a_secret_rolls_either_verifies(fake: FakeStripe, stall: Shop, receiver: Receiver) -> None:
    fake.turn(secrets=["whsec_new", SECRET])
    _customers(stall, 1)
    assert fake.settle()
    assert receiver.headers[0].count("v1=") == 2
    for receiver.secret in ("whsec_new", SECRET):
        assert receiver.types == ["customer.created"]
    receiver.secret = "whsec_stranger"
    with pytest.raises(stripe.SignatureVerificationError):
        assert receiver.types


def test_what_is_refused_is_sent_again_until_it_is_taken(fake: FakeStripe, stall: Shop, receiver: Receiver) -> None:
    receiver.answers = [500, 503]
    (name,) = _customers(stall, 1)
    assert fake.settle()
    assert _named(receiver) == [name] * 3
    assert [(one["attempt"], one["status"]) for one in fake.state()["deliveries"]] == [(1, 500), (2, 503), (3, 200)]
    assert stall.client.v1.events.list().data[0].pending_webhooks == 0


def test_a_lost_answer_has_the_event_sent_again(fake: FakeStripe, stall: Shop, receiver: Receiver) -> None:
    fake.turn(fail=1.0)
    (name,) = _customers(stall, 1)
    assert fake.settle()
    assert _named(receiver) == [name] * 2


def test_a_dropped_event_is_only_in_the_list(fake: FakeStripe, stall: Shop, receiver: Receiver) -> None:
    fake.turn(drop=1.0)
    (name,) = _customers(stall, 1)
    assert fake.settle()
    assert receiver.bodies == []
    (event,) = stall.client.v1.events.list({"delivery_success": False}).data
    assert event.data.object["id"] == name


def test_faults_come_again_with_their_seed(receiver: Receiver) -> None:
    def run(seed: int) -> list[int]:
        receiver.bodies.clear()
        receiver.headers.clear()
        with FakeStripe(
            webhook_url=receiver.url,
            webhook_secrets=(SECRET,),
            seed=seed,
            hold=True,
            reorder=0.5,
            duplicate=0.3,
            drop=0.2,
        ) as fake:
            stall = Shop(stripe.StripeClient(fake.key, base_addresses={"api": fake.url}))
            _customers(stall, 12)
            fake.turn(hold=False)
            assert fake.settle()
            return [int(event.data.object["name"]) for event in receiver.events]

    first, again, other = run(7), run(7), run(8)
    assert first == again
    assert first != other
    assert len(first) > len(set(first)), "some are sent twice"
    assert set(first) < set(range(12)), "some are dropped"
    assert first != sorted(first), "some overtake others"


def test_thin_events_point_to_their_object(fake: FakeStripe, stall: Shop, receiver: Receiver) -> None:
    fake.turn(payload="thin")
    customer = stall.client.v1.customers.create({"name": "Ada"})
    assert fake.settle()
    told = stall.client.parse_event_notification(receiver.bodies[0], receiver.headers[0], SECRET)
    assert isinstance(told, stripe.events.V1CustomerCreatedEventNotification)
    assert told.fetch_related_object().id == customer.id
    whole = told.fetch_event()
    assert whole.snapshot_event == stall.client.v1.events.list().data[0].id
    assert "data" not in json.loads(receiver.bodies[0])


def test_an_endpoint_is_sent_what_it_asked_for(fake: FakeStripe, stall: Shop, receiver: Receiver) -> None:
    only = stall.client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["product.created"]})
    assert only.secret is not None
    stall.client.v1.products.create({"name": "Pro"})
    _customers(stall, 1)
    assert fake.settle()
    sent = [one["endpoint"] for one in fake.state()["deliveries"]]
    assert sent.count(only.id) == 1
    stall.client.v1.webhook_endpoints.delete(only.id)


def test_events_are_given_out_for_thirty_days(fake: FakeStripe, stall: Shop) -> None:
    _customers(stall, 1)
    (old,) = stall.client.v1.events.list().data
    fake.turn(now=old.created + 30 * 24 * 3600)
    assert stall.client.v1.events.list().data == []
    for asking in (
        lambda: stall.client.v1.events.list({"ending_before": old.id}),
        lambda: stall.client.v1.events.retrieve(old.id),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            asking()
        assert refused.value.code == "resource_missing"


def test_the_cursor_finds_what_came_after_it(fake: FakeStripe, stall: Shop) -> None:
    first, *rest = _customers(stall, 5)
    cursor = next(event for event in stall.client.v1.events.list() if event.data.object["id"] == first)
    later = stall.client.v1.events.list({"ending_before": cursor.id, "limit": 2})
    assert [event.data.object["id"] for event in later.auto_paging_iter()] == rest
    assert fake.settle()


def test_a_file_keeps_the_account_over_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "once"}
    with FakeStripe(state_file=tmp_path / "stripe.json", webhook_url=receiver.url, hold=True) as fake:
        shop = Shop(stripe.StripeClient(fake.key, base_addresses={"api": fake.url}))
        price = shop.price(1000)
        made = shop.subscribe(shop.customer(), price)
        kept = shop.client.v1.customers.create({"name": "Ada"}, options)
    with FakeStripe(
        state_file=tmp_path / "stripe.json", webhook_url=receiver.url, webhook_secrets=(SECRET,), seed=2
    ) as fake:
        shop = Shop(stripe.StripeClient(fake.key, base_addresses={"api": fake.url}))
        assert fake.settle()
        assert receiver.types[-1] == "customer.created", "what was not delivered is"
        assert shop.client.v1.subscriptions.retrieve(made.id).latest_invoice == made.latest_invoice
        assert shop.client.v1.customers.create({"name": "Ada"}, options).id == kept.id
        shop.client.v1.prices.update(price.id, {"nickname": "shown everywhere"})
        assert shop.client.v1.subscriptions.retrieve(made.id)["items"].data[0].price.nickname == "shown everywhere"
        assert [one.url for one in shop.client.v1.webhook_endpoints.list()] == [receiver.url]
