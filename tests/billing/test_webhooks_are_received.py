"""A webhook is believed by its signature over the bytes as they came, stored once, and marks its customer."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import stripe
from django.db import DatabaseError, connection
from django.test import Client

from billing import api as billing
from billing import catching_up, inbox, resolving
from billing.errors import InvalidEvent, SignatureRefused
from billing.inbox import Received, receive_webhook
from billing.models import Customer, Event
from billing.resolving import resolve_events
from config.billing import StripeSettings
from isolation import clock
from tests.billing.conftest import NOON, SECRET, at_noon, event, later

THIN: dict[str, Any] = {
    "id": "evt_thin",
    "object": "v2.core.event",
    "type": "v1.customer.subscription.updated",
    "created": "2026-11-22T12:00:00.000Z",
    "livemode": False,
    "related_object": {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"},
}


def signed(raw: bytes, *, secret: str = SECRET, seconds: float = 0) -> str:
    """Sign as Stripe's own library does."""
    at = int(later(seconds).timestamp())
    return str(stripe.WebhookSignature.generate_signature_header(raw.decode(), secret, timestamp=at))


def received(raw: bytes, header: str | None = None) -> Received:
    return receive_webhook(raw, header=signed(raw) if header is None else header, at=NOON)


def marks() -> int:
    return Customer.objects.get(stripe_id="cus_acme").dirty_seq


def stored() -> list[Event]:
    return list(Event.objects.using("sweep").order_by("id"))


def test_an_event_is_stored_and_marks_its_customer(acme: UUID) -> None:
    assert received(event()) is Received.STORED
    (row,) = stored()
    assert (row.kind, row.source, row.customer, row.object_id) == ("snapshot", "webhook", "cus_acme", "sub_1")
    assert row.payload == json.loads(event())
    assert marks() == 2


def test_the_same_event_again_is_answered_alike_and_marks_nobody(acme: UUID) -> None:
    assert [received(event()) for _ in range(3)] == [Received.STORED, Received.KNOWN, Received.KNOWN]
    assert (len(stored()), marks()) == (1, 2)


def test_an_event_of_nobody_of_ours_is_stored_and_no_more(acme: UUID) -> None:
    received(event("evt_other", customer="cus_other"))
    received(event("evt_price", customer=None, type="price.updated"))
    assert ([row.resolved_at for row in stored()], marks()) == ([NOON, NOON], 1)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "says no time"),
        ("t=1", "not that of any secret"),
        ("v1=" + "a" * 64, "says no time"),
        ("t=,v1=" + "a" * 64, "says no time"),
        ("t=1,t=2,v1=" + "a" * 64, "says no time, or several"),
        ("x" * 3000, "too long"),
    ],
)
def test_a_header_without_a_signature_is_refused(acme: UUID, said: str, why: str) -> None:
    with pytest.raises(SignatureRefused, match=why):
        received(event(), said)


def test_any_one_of_the_signatures_by_any_one_of_the_secrets_will_do(acme: UUID, settings: Any) -> None:
    old, new = SECRET, "whsec_the_next_one"
    raw = event()
    both = f"{signed(raw, secret='whsec_of_somebody')},{signed(raw, secret=old).partition(',')[2]}"
    assert received(raw, both) is Received.STORED
    settings.STRIPE = StripeSettings(key="sk_test_12345678", secrets=(new, old))
    assert received(raw) is Received.KNOWN
    assert received(raw, signed(raw, secret=new)) is Received.KNOWN


def test_a_v0_never_counts(acme: UUID) -> None:
    with pytest.raises(SignatureRefused):
        received(event(), signed(event()).replace("v1=", "v0="))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_was_signed_long_ago_or_ahead_is_refused(acme: UUID, seconds: int) -> None:
    with pytest.raises(SignatureRefused, match="too long ago, or is ahead"):
        received(event(), signed(event(), seconds=seconds))
    assert received(event(), signed(event(), seconds=seconds - seconds // 301)) is Received.STORED


def test_the_same_json_in_other_bytes_is_not_what_was_signed(acme: UUID) -> None:
    plain = json.dumps(json.loads(event())).encode()
    with pytest.raises(SignatureRefused):
        received(plain, signed(event()))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[1]",
        b'"x"',
        b'{"object": "event"}',
        event(id="evt 1"),
        event(id="x" * 256),
        event(customer="cus_'; DROP"),
        event(livemode="yes"),
        event(created="now"),
        event(created=10**30),
        event(note="x" * inbox.MOST_BYTES),
    ],
    ids=range(12),
)
def test_what_was_signed_and_is_no_event_is_refused(acme: UUID, raw: bytes) -> None:
    with pytest.raises(InvalidEvent):
        received(raw)
    assert stored() == []


def test_an_event_with_a_nul_is_stored(acme: UUID) -> None:
    assert received(event(api_version="a\0b", note="a\\u0000b")) is Received.STORED
    payload = stored()[0].payload
    assert (payload["api_version"], payload["note"]) == ("a\ufffdb", "a\\u0000b")


def test_an_event_of_a_sandbox_is_none_of_a_live_installation(acme: UUID, settings: Any) -> None:
    settings.STRIPE = StripeSettings(key="sk_live_12345678", secrets=(SECRET,))
    assert received(event()) is Received.OTHER_MODE
    assert received(event("evt_live", livemode=True)) is Received.STORED
    assert [row.id for row in stored()] == ["evt_live"]


def test_nor_is_one_that_the_list_of_events_tells_of(acme: UUID) -> None:
    class Listed:
        def events(self, *, after: str = "", since: datetime | None = None) -> Iterator[dict[str, Any]]:
            assert (after, since) == ("", NOON - 2 * catching_up.LAG)
            return iter([json.loads(event("evt_live", livemode=True)), json.loads(event())])

    assert catching_up.catch_up(gateway=Listed(), clock=at_noon) == 1
    assert [row.id for row in stored()] == ["evt_1"]


def test_a_thin_event_marks_its_customer_once_that_is_known(acme: UUID) -> None:
    class Owners:
        def customer_of(self, object_id: str) -> str:
            return {"sub_1": "cus_acme"}[object_id]

    raw = json.dumps(THIN).encode()
    assert received(raw) is Received.STORED
    assert ([row.resolved_at for row in stored()], marks()) == ([None], 1)
    assert resolve_events(gateway=Owners(), clock=at_noon) == 1
    assert ([row.customer for row in stored()], marks()) == (["cus_acme"], 2)
    assert resolve_events(gateway=Owners(), clock=at_noon) == 0
    of_itself = {**THIN, "id": "evt_thin2", "related_object": {"id": "cus_acme", "type": "customer"}}
    received(json.dumps(of_itself).encode())
    assert marks() == 3


def test_a_clock_that_was_ahead_and_is_put_right_holds_up_no_event(acme: UUID) -> None:
    class Owners:
        def customer_of(self, object_id: str) -> str:
            return {"sub_1": "cus_acme"}[object_id]

    received(json.dumps(THIN).encode())
    for ahead, resolved in ((timedelta(seconds=30), 0), (timedelta(days=365), 1)):
        Event.objects.using("sweep").update(next_try_at=NOON + ahead)
        assert resolve_events(gateway=Owners(), clock=at_noon) == resolved


def test_an_odd_thin_event_holds_up_no_other_and_calls_somebody(acme: UUID) -> None:
    class Odd:
        def customer_of(self, object_id: str) -> str:
            return {"sub_1": "cus_acme"}[object_id]

    odd, other = (
        {**THIN, "id": f"evt_{name}", "related_object": {"id": f"sub_{name}", "type": "subscription"}}
        for name in ("odd", "other")
    )
    for said in (odd, other, THIN):
        received(json.dumps(said).encode())
    assert resolve_events(gateway=Odd(), clock=at_noon) == 1
    assert marks() == 2
    for number in range(1, resolving.CALLED_AFTER):
        at = NOON + timedelta(hours=2 * number)
        assert resolve_events(gateway=Odd(), clock=lambda at=at: at) == 0  # type: ignore[misc]
    dead = {row.id: row.last_error for row in stored() if row.dead_at is not None}
    assert dead == {"evt_odd": "KeyError", "evt_other": "KeyError"}
    told = [billing.replay(ref=ref, by="test", at=NOON) for ref in (str(THIN["id"]), "evt_odd", "evt_odd")]
    assert told == [False, True, False], "what is not dead is not brought back"
    assert [row.id for row in stored() if row.dead_at is not None] == ["evt_other"]


def test_the_app_can_add_events_and_read_none_of_them(acme: UUID) -> None:
    received(event())
    for sql in (
        "SELECT payload FROM billing_event",
        "UPDATE billing_event SET customer = ''",
        "DELETE FROM billing_event",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
            cursor.execute(sql)


def test_events_are_forgotten_after_what_stripe_sends_again(acme: UUID) -> None:
    received(event())
    received(json.dumps(THIN).encode())
    assert inbox.forget_events(at=NOON + timedelta(days=34)) == 0
    assert inbox.forget_events(at=NOON + timedelta(days=36)) == 1
    assert [row.id for row in stored()] == [THIN["id"]], "but none that is still to be read"


def test_the_address_answers_stripe(acme: UUID, settings: Any) -> None:
    raw, seconds = event(), (clock.now() - NOON).total_seconds()
    post = Client(enforce_csrf_checks=True).post
    path, kind = "/billing/stripe/webhook", "application/json"
    assert post(path, raw, kind, headers={"Stripe-Signature": signed(raw, seconds=seconds)}).status_code == 200
    refused = post(path, raw, kind, headers={"Stripe-Signature": signed(raw, seconds=seconds - 400)})
    assert (refused.status_code, refused.json()["code"]) == (400, "signature_refused")
    assert Client().get(path).status_code == 405
    settings.STRIPE = StripeSettings()
    off = post(path, raw, kind, headers={"Stripe-Signature": signed(raw, seconds=seconds)})
    assert (off.status_code, off.json()["code"]) == (404, "billing_off")
    assert (len(stored()), marks()) == (1, 2)
