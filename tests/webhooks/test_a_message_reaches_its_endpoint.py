"""What happened reaches whoever wants it: signed, at least once, and tried again for three days."""

import base64
import hashlib
import hmac
import json
from collections import Counter
from datetime import datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

import psycopg
import pytest

import audit.api
from isolation.api import tenant_transaction
from licensing import api
from licensing.errors import EndpointDisabled
from licensing.models import WebhookDelivery, WebhookEndpoint
from licensing.outbox import emit
from licensing.webhooks import delivering, handing_out, signing
from licensing.webhooks.endpoints import (
    Endpoint,
    change_endpoint,
    create_endpoint,
    get_endpoint,
    list_endpoints,
    remove_endpoint,
    roll_secret,
)
from licensing.webhooks.handing_out import forget_events, hand_out
from licensing.webhooks.replaying import list_deliveries, replay_delivery, replay_since
from licensing.webhooks.sending import Sent
from tests.licensing.conftest import NOON, later
from tests.webhooks.receiver import Received, Receiver, receiving

ALL = ["entitlements.changed", "subscription.changed", "limit.reached", "assurance.changed"]


def endpoint(receiver: Receiver, *, kinds: list[str] | None = None, tenant: str | None = None) -> tuple[Endpoint, str]:
    return create_endpoint(
        url=receiver.url, kinds=kinds or ["limit.reached"], tenant=tenant, by="account:olga", at=NOON
    )


def reach(tenant_id: UUID, *, at: datetime = NOON) -> None:
    with tenant_transaction(tenant_id):
        emit(tenant_id=tenant_id, kind="limit.reached", payload={"feature": "seats"}, at=at)


def work(at: datetime = NOON) -> int:
    hand_out(at=at)
    return delivering.deliver_due(clock=lambda: at, until=at + timedelta(seconds=1))


def is_signed(one: Received, secret: str) -> bool:
    """Check as a receiver does, by the text of the standard."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{one.headers['webhook-id']}.{one.headers['webhook-timestamp']}.".encode() + one.body
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in one.headers["webhook-signature"].split()


def told(kind: audit.api.Kind) -> list[dict[str, Any]]:
    with tenant_transaction(api.VENDOR_TENANT_ID):
        return [dict(one.payload) for one in audit.api.list_entries(tenant_id=api.VENDOR_TENANT_ID, kinds=[kind])]


@pytest.mark.parametrize(
    ("message", "timestamp", "body", "signature"),
    [
        # By the reference implementation in Python, with the secret below.
        (
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            '{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "evt_00000000000040008000000000000001",
            1795348800,
            '{"type":"limit.reached","name":"Müller"}',
            "v1,Xi2Xct3Irykl8lqB/eakwg5mEOdnD7NrvKPg1zu1Qzo=",
        ),
    ],
)
def test_a_message_is_signed_as_the_standards_own_library_signs_it(
    message: str, timestamp: int, body: str, signature: str
) -> None:
    headers = signing.signed_headers(
        message=message,
        body=body.encode(),
        secrets=[base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        at=datetime.fromtimestamp(timestamp, tz=NOON.tzinfo),
    )
    assert headers == {"webhook-id": message, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def test_an_upgrade_reaches_the_vendor_with_what_changed_and_since_which_snapshot(
    acme: UUID, receiver: Receiver
) -> None:
    _made, secret = endpoint(receiver, kinds=ALL)
    api.put_subscription(tenant_id=acme, plan="business", by="test", at=NOON)
    assert work() == 3
    bodies = {json.loads(one.body)["type"]: json.loads(one.body) for one in receiver.received}
    assert set(bodies) == {"subscription.changed", "entitlements.changed", "assurance.changed"}
    assert all(is_signed(one, secret) for one in receiver.received)
    body = bodies["entitlements.changed"]
    assert body["timestamp"] == "2026-11-22T12:00:00Z"
    assert body["data"]["tenant"] == {"id": str(acme), "slug": "acme"}
    assert body["data"]["snapshot"] == api.snapshot_version(tenant_id=acme)
    assert body["data"]["features"]["seats"]["new"]["limit"] == 40
    assert bodies["subscription.changed"]["data"]["new"]["plan"] == "business"


def test_an_endpoint_gets_the_kinds_and_the_tenant_that_it_is_for(acme: UUID, receiver: Receiver) -> None:
    globex = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    endpoint(receiver, tenant="globex")
    endpoint(receiver, kinds=["assurance.changed"])
    reach(acme)
    reach(globex)
    assert work() == 1
    assert json.loads(receiver.received[0].body)["data"]["tenant"]["slug"] == "globex"


def test_what_fails_comes_again_later_with_the_same_id_and_body_and_a_new_time(acme: UUID, receiver: Receiver) -> None:
    _made, secret = endpoint(receiver)
    receiver.statuses = [500, 302]
    reach(acme)
    assert (work(), work(), work(later(1)), work(later(2)), work(later(3))) == (1, 0, 1, 1, 0)
    assert len({(one.headers["webhook-id"], one.body) for one in receiver.received}) == 1
    assert len({one.headers["webhook-timestamp"] for one in receiver.received}) == 3
    assert all(is_signed(one, secret) for one in receiver.received)
    (delivery,) = list_deliveries()
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 3, 204)


@pytest.mark.parametrize(
    ("status", "said", "waits"),
    [
        (503, "1800", timedelta(minutes=30)),
        (429, "999999999", delivering.LONGEST_PAUSE),
        (500, "1800", None),
        (503, "1", None),
        (503, "Sun, 22 Nov 2099 12:00:00 GMT", None),
        (429, "-1", None),
    ],
)
def test_who_asks_to_be_left_alone_for_a_time_is_but_not_for_ever(
    acme: UUID, receiver: Receiver, status: int, said: str, waits: timedelta | None
) -> None:
    endpoint(receiver)
    reach(acme)
    receiver.statuses, receiver.retry_after = [status], said
    work()
    (delivery,) = list_deliveries()
    assert delivery.next_try_at is not None
    pause = delivery.next_try_at - NOON
    assert pause == waits if waits else pause < timedelta(seconds=13)


@pytest.mark.usefixtures("acme")
def test_a_ping_is_signed_tried_once_and_told(receiver: Receiver) -> None:
    made, secret = endpoint(receiver)
    assert api.ping_endpoint(endpoint_id=made.id, by="account:olga", at=NOON).is_delivered
    (one,) = receiver.received
    assert (json.loads(one.body)["type"], is_signed(one, secret)) == ("ping", True)
    receiver.statuses = [500]
    refused = api.ping_endpoint(endpoint_id=made.id, by="account:olga", at=NOON)
    assert (refused.is_delivered, refused.status, list_deliveries()) == (False, 500, [])


def test_tries_spread_over_three_days_and_then_end(acme: UUID, receiver: Receiver) -> None:
    endpoint(receiver)
    reach(acme)
    hand_out(at=NOON)
    pauses = [delivering.pause_after(attempt) for attempt in range(1, delivering.TRIES)]
    assert timedelta(days=2) < sum(pauses, timedelta()) < timedelta(days=5)
    assert pauses[0] < timedelta(seconds=13)
    WebhookDelivery.objects.using("sweep").update(attempts=delivering.TRIES - 1)
    receiver.statuses = [503]
    work()
    (delivery,) = list_deliveries()
    assert (delivery.state, delivery.next_try_at, delivery.last_error) == ("given_up", None, "refused")


def test_an_endpoint_that_took_nothing_for_days_is_disabled_and_the_trail_says_so(
    acme: UUID, receiver: Receiver
) -> None:
    made, _secret = endpoint(receiver)
    receiver.statuses = [500, 500, 500]
    reach(acme)
    work()
    work(later(2))
    assert get_endpoint(endpoint_id=made.id).is_enabled
    work(later(4))
    found = get_endpoint(endpoint_id=made.id)
    assert (found.disabled_because, found.failing_since) == ("failing", NOON)
    assert [(one["because"], one["url"]) for one in told(audit.api.Kind.WEBHOOK_DISABLED)] == [
        ("failing", receiver.url)
    ]
    # Nothing is sent meanwhile; enabled, what waited goes on.
    assert work(later(8)) == 0
    change_endpoint(endpoint_id=made.id, url=receiver.url, kinds=["limit.reached"], by="account:olga", at=later(9))
    assert work(later(9)) == 1
    assert list_deliveries()[0].state == "delivered"


def test_a_success_between_failures_begins_the_patience_anew(acme: UUID, receiver: Receiver) -> None:
    made, _secret = endpoint(receiver)
    receiver.statuses = [500, 204, 500]
    for days in (0, 2, 4):
        reach(acme, at=later(days))
        work(later(days))
    found = get_endpoint(endpoint_id=made.id)
    assert found.is_enabled
    assert found.failing_since is None or found.failing_since >= later(2)


def test_an_endpoint_that_is_gone_is_disabled_at_once(acme: UUID, receiver: Receiver) -> None:
    made, _secret = endpoint(receiver)
    receiver.statuses = [410]
    reach(acme)
    work()
    assert get_endpoint(endpoint_id=made.id).disabled_because == "gone"


def test_while_a_secret_rolls_both_sign_and_then_the_new_one_alone(acme: UUID, receiver: Receiver) -> None:
    made, old = endpoint(receiver)
    _made, new = roll_secret(endpoint_id=made.id, overlap=timedelta(days=2), by="account:olga", at=NOON)
    for days in (1, 3):
        reach(acme, at=later(days))
        work(later(days))
    rolling, rolled = receiver.received
    assert [is_signed(rolling, old), is_signed(rolling, new)] == [True, True]
    assert [is_signed(rolled, old), is_signed(rolled, new)] == [False, True]


def test_a_secret_is_kept_sealed_and_told_to_nobody(acme: UUID, receiver: Receiver) -> None:
    made, secret = endpoint(receiver)
    row = WebhookEndpoint.objects.using("sweep").get(id=made.id)
    assert base64.b64decode(secret.removeprefix("whsec_")) not in bytes(row.secret_sealed or b"")
    assert secret.removeprefix("whsec_") not in str([*told(audit.api.Kind.WEBHOOK_CHANGED), made])


def test_a_worker_that_died_while_it_sent_holds_a_delivery_up_for_its_lease_alone(
    acme: UUID, receiver: Receiver
) -> None:
    endpoint(receiver)
    reach(acme)
    hand_out(at=NOON)
    assert len(delivering._leased(NOON)) == 1
    assert work() == 0
    assert work(NOON + delivering.LEASE + timedelta(seconds=1)) == 1


def test_who_lost_a_lease_does_not_note_how_it_ended(acme: UUID, receiver: Receiver) -> None:
    endpoint(receiver)
    reach(acme)
    hand_out(at=NOON)
    (lost,) = delivering._leased(NOON)
    (taken,) = delivering._leased(NOON + delivering.LEASE + timedelta(seconds=1))
    delivering._end(lost, Sent(status=204, error="", milliseconds=1), at=NOON)
    row = WebhookDelivery.objects.using("sweep").get(id=taken.id)
    assert (row.state, row.lease) == ("waiting", taken.lease)


def test_what_was_sent_can_be_sent_again_and_the_trail_says_who_asked(acme: UUID, receiver: Receiver) -> None:
    made, _secret = endpoint(receiver)
    reach(acme)
    work()
    (delivery,) = list_deliveries(endpoint_id=made.id)
    replay_delivery(delivery_id=delivery.id, by="account:olga", at=later(1))
    assert work(later(1)) == 1
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert [one["by"] for one in told(audit.api.Kind.WEBHOOK_REPLAYED)] == ["account:olga"]


def test_what_happened_before_an_endpoint_was_made_can_be_sent_to_it(acme: UUID, receiver: Receiver) -> None:
    reach(acme)
    hand_out(at=NOON)
    made, _secret = endpoint(receiver)
    assert work(later(1)) == 0
    assert replay_since(endpoint_id=made.id, since=NOON, by="account:olga", at=later(1)) == 1
    assert work(later(1)) == 1
    assert replay_since(endpoint_id=made.id, since=NOON, only_failed=True, by="account:olga", at=later(1)) == 0


def test_nothing_is_sent_again_to_an_endpoint_that_is_disabled(acme: UUID, receiver: Receiver) -> None:
    made, _secret = endpoint(receiver)
    reach(acme)
    work()
    (delivery,) = list_deliveries()
    change_endpoint(
        endpoint_id=made.id, url=receiver.url, kinds=["limit.reached"], is_enabled=False, by="account:olga", at=NOON
    )
    with pytest.raises(EndpointDisabled):
        replay_delivery(delivery_id=delivery.id, by="account:olga", at=later(1))
    with pytest.raises(EndpointDisabled):
        replay_since(endpoint_id=made.id, since=NOON, by="account:olga", at=later(1))
    assert told(audit.api.Kind.WEBHOOK_REPLAYED) == []


def test_a_removed_endpoint_has_no_secret_and_gets_nothing(acme: UUID, receiver: Receiver) -> None:
    made, _secret = endpoint(receiver)
    reach(acme)
    hand_out(at=NOON)
    remove_endpoint(endpoint_id=made.id, by="account:olga", at=NOON)
    assert (work(), list_endpoints()) == (0, [])
    row = WebhookEndpoint.objects.using("sweep").get(id=made.id)
    assert (row.secret_sealed, row.previous_sealed) == (None, None)


def test_events_are_forgotten_after_a_month_with_what_was_sent_of_them_however_many(
    acme: UUID, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_out, "_FORGOTTEN_AT_ONCE", 1)
    endpoint(receiver)
    reach(acme)
    reach(acme)
    work()
    assert [forget_events(at=later(29)), forget_events(at=later(31))] == [0, 2]
    assert list_deliveries() == []


def test_who_answers_slowly_holds_up_nobody_else(acme: UUID, receiver: Receiver) -> None:
    with receiving() as slow:
        made, _secret = endpoint(slow)
        endpoint(receiver)
        slow.waits_for = Event()
        receiver.tells = (12, slow.waits_for)
        for _ in range(12):
            reach(acme)
        assert work() == 24
        assert (len(receiver.received), slow.waited) == (12, [True] * 12)
        assert get_endpoint(endpoint_id=made.id).failing_since is None


def test_what_happens_while_somebody_answers_slowly_is_sent_meanwhile(acme: UUID, receiver: Receiver) -> None:
    """The worker that sends is the one that looks for what has happened, too."""
    with receiving() as slow:
        slow.waits_for = Event()
        receiver.tells = (1, slow.waits_for)
        endpoint(slow, kinds=["limit.reached"])
        endpoint(receiver, kinds=["subscription.changed"])
        reach(acme)

        def clock() -> datetime:
            if slow.received and not receiver.received:
                api.put_subscription(tenant_id=acme, plan="starter", by="test", at=NOON)
            return NOON

        assert delivering.deliver_due(clock=clock, until=later(1)) == 2
        assert slow.waited == [True]


def test_one_worker_sends_at_a_time_and_the_others_are_free(
    acme: UUID, receiver: Receiver, superuser: psycopg.Connection
) -> None:
    endpoint(receiver)
    reach(acme)
    superuser.execute("SELECT pg_advisory_lock(%s)", [delivering._LOCK])
    assert work() == 0
    superuser.execute("SELECT pg_advisory_unlock(%s)", [delivering._LOCK])
    assert work() == 1


def test_endpoints_that_fail_are_tried_one_message_at_a_time_and_leave_half_to_the_others(
    acme: UUID, receiver: Receiver
) -> None:
    for _ in range(6):
        endpoint(receiver)
    WebhookEndpoint.objects.using("sweep").update(failing_since=NOON)
    for _ in range(2):
        reach(acme)
    hand_out(at=NOON)
    assert [len({one.endpoint_id for one in delivering._leased(NOON)}), len(delivering._leased(NOON))] == [4, 4]
    endpoint(receiver)
    for _ in range(6):
        reach(acme)
    hand_out(at=NOON)
    assert max(Counter(one.endpoint_id for one in delivering._leased(NOON)).values()) == 4
