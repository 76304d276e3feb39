"""How a call is answered, whatever it is about."""

import http.client
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from config.fake_stripe import FakeStripe
from config.fake_stripe.__main__ import main
from config.fake_stripe.control import Control
from config.fake_stripe.faults import Faults
from config.fake_stripe.wire import Refusal
from tests.billing.contract.shop import Shop


def test_a_call_made_again_under_its_key_is_answered_the_same_and_done_once(shop: Shop) -> None:
    told: stripe.params.CustomerCreateParams = {"email": "ada@acme.example"}
    options: stripe.RequestOptions = {"idempotency_key": f"once-{shop.price(1).id}"}
    first, second = (shop.client.v1.customers.create(told, options) for _ in range(2))
    assert first.id == second.id
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"


def test_a_key_does_not_stand_for_another_call(shop: Shop) -> None:
    options: stripe.RequestOptions = {"idempotency_key": f"other-{shop.price(1).id}"}
    shop.client.v1.customers.create({"email": "ada@acme.example"}, options)
    with pytest.raises(stripe.IdempotencyError) as refused:
        shop.client.v1.customers.create({"email": "bob@acme.example"}, options)
    assert refused.value.http_status == 400


def test_what_is_not_there_is_missing(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.customers.retrieve("cus_nobody")
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (404, "resource_missing", "id")
    assert refused.value.user_message == "No such customer: 'cus_nobody'"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.subscriptions.list({"customer": "cus_nobody", "status": "all"})
    assert refused.value.code == "resource_missing", "nobody is not one who has bought nothing"


def test_who_was_deleted_has_subscriptions_that_ended(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.subscribe(customer, shop.price(1000))
    assert shop.client.v1.customers.delete(customer.id).deleted
    assert shop.client.v1.customers.retrieve(customer.id).deleted
    (ended,) = shop.client.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data
    assert (ended.id, ended.status) == (made.id, "canceled")


def test_a_parameter_that_is_unknown_is_refused(shop: Shop) -> None:
    told: Any = {"shoe_size": "43"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.customers.create(told)
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "shoe_size")


def test_only_its_key_is_let_in(fake: FakeStripe) -> None:
    stranger = stripe.StripeClient("sk_test_stranger", base_addresses={"api": fake.url})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.customers.list()


def test_pages_follow_one_another_in_both_directions(shop: Shop) -> None:
    email = f"{shop.price(1).id.lower()}@acme.example"
    made = [shop.client.v1.customers.create({"email": email}).id for _ in range(5)]
    first = shop.client.v1.customers.list({"email": email, "limit": 2})
    assert [one.id for one in first.data] == [made[4], made[3]]
    assert first.has_more
    assert [one.id for one in first.auto_paging_iter()] == made[::-1]
    back = shop.client.v1.customers.list({"email": email, "limit": 2, "ending_before": made[0]})
    assert [one.id for one in back.data] == [made[2], made[1]]
    assert back.has_more
    assert [one.id for one in back.auto_paging_iter()] == made[1:]


def test_what_is_expanded_stands_in_the_place_of_its_id(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(1000, name="Pro"))
    found = shop.client.v1.subscriptions.list(
        {
            "customer": str(subscription.customer),
            "expand": ["data.latest_invoice.payments", "data.items.data.price.product"],
        }
    ).data[0]
    assert isinstance(found.latest_invoice, stripe.Invoice)
    assert found.latest_invoice.payments is not None
    assert found.latest_invoice.payments.data[0].status == "paid"
    product = found["items"].data[0].price.product
    assert (product.object, product.name) == ("product", "Pro")
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.subscriptions.retrieve(subscription.id, {"expand": ["nothing"]})


def test_metadata_is_merged_and_an_empty_value_removes(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"metadata": {"0": "zero", "tenant": "acme"}})
    changed = shop.client.v1.customers.update(customer.id, {"metadata": {"tenant": "", "plan": "pro"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"0": "zero", "plan": "pro"}


def test_a_lost_answer_is_the_same_when_it_is_asked_for_again(fake: FakeStripe, stall: Shop) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "once"}
    fake.turn(api_after=1.0)
    with pytest.raises(stripe.APIError):
        stall.client.v1.customers.create({"email": "ada@acme.example"}, options)
    fake.turn(api_after=0.0)
    again = stall.client.v1.customers.create({"email": "ada@acme.example"}, options)
    assert [one.id for one in stall.client.v1.customers.list()] == [again.id]


def test_knobs_are_turned_over_http_and_a_wrong_one_is_refused(fake: FakeStripe) -> None:
    line = http.client.HTTPConnection(urlsplit(fake.url).netloc)
    answers = []
    for knobs in ({"duplicate": 0.5, "seed": 3}, {"duplicate": "often"}, {"gremlins": 1}):
        line.request("POST", "/_knobs", body=json.dumps(knobs))
        answer = line.getresponse()
        answers.append((answer.status, json.loads(answer.read())))
    line.request("GET", "/_state")
    state = json.loads(line.getresponse().read())
    line.close()
    assert [status for status, _body in answers] == [200, 400, 400]
    assert state["knobs"]["duplicate"] == 0.5


def test_it_neither_listens_nor_sends_beyond_this_machine(
    fake: FakeStripe, stall: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert urlsplit(fake.url).hostname == "127.0.0.1"
    assert main(["--host", "0.0.0.0"]) == 2  # noqa: S104 - it is refused
    assert main(["--webhook-url", "https://example.org/webhook"]) == 2
    assert capsys.readouterr().err.count("this machine alone") == 1
    with pytest.raises(Refusal, match="this machine alone"):
        FakeStripe(webhook_url="https://example.org/webhook")
    with pytest.raises(stripe.InvalidRequestError, match="this machine alone"):
        stall.client.v1.webhook_endpoints.create({"url": "https://example.org/webhook", "enabled_events": ["*"]})


def test_the_runbook_names_every_knob() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "runbook.md").read_text()
    told = set(re.findall(r"`(\w+)`", text.partition("| knob | what it does |")[2].partition("`GET /_state`")[0]))
    own = {name.removeprefix("_turn_") for name in vars(Control) if name.startswith("_turn_")}
    assert {field.name for field in fields(Faults)} | own <= told
