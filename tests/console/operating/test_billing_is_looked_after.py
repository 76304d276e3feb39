"""The operator sees what came from Stripe, who waits, and what was given up, and has that tried again."""

from typing import Any
from uuid import UUID

from django.test import Client

from audit import api as audit
from billing import api as billing
from billing.inbox import receive_webhook
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.billing.conftest import NOON, bought, event
from tests.billing.test_webhooks_are_received import signed

PAGE = "/operator/billing/"


class _UnknownPrice:
    def subscriptions_of(self, customer: str) -> Any:
        assert customer
        return (bought("price_nobody_knows"),)


def _killed(acme: UUID) -> None:
    billing.sync_tenant(tenant_id=acme, gateway=_UnknownPrice(), clock=clock.now)


def _received(raw: bytes) -> None:
    receive_webhook(raw, header=signed(raw), at=NOON)


def test_a_dead_letter_is_shown_with_its_problem_and_lives_again_when_it_is_replayed(
    operator: Client, acme: UUID
) -> None:
    _killed(acme)
    page = operator.get(PAGE).content.decode()
    assert "unknown_price" in page
    assert "cus_acme" in page
    answer = operator.post(f"{PAGE}replay", {"ref": "cus_acme"}, follow=True)
    assert "It will be tried again within seconds: cus_acme" in answer.content.decode()
    assert billing.get_customer(tenant_id=acme).dirty_since is not None
    assert "cus_acme" in operator.get(f"{PAGE}?show=waiting").content.decode()
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        (told,) = audit.list_entries(
            tenant_id=licensing.VENDOR_TENANT_ID, kinds={audit.Kind.BILLING_REPLAYED}, limit=10
        )
    assert told.payload == {"by": "account:olga", "ref": "cus_acme"}


def test_what_is_dead_no_longer_is_told_so_and_changes_nothing(operator: Client, acme: UUID) -> None:
    dead = licensing.put_tenant(slug="dead", name="Dead", by="test", at=NOON)[0].id
    billing.link_customer(tenant_id=dead, stripe_id="cus_dead", by="test", at=NOON)
    _killed(dead)
    for ref in ("cus_acme", "evt_none", "evt_\x00", "cus_\x00", "no id", str(acme)):
        answer = operator.post(f"{PAGE}replay", {"ref": ref}, follow=True)
        assert "It is dead no longer" in answer.content.decode()
    assert [one.ref for one in billing.list_dead_letters()] == ["cus_dead"]


def test_a_letter_that_is_none_begins_with_the_first(operator: Client, acme: UUID) -> None:
    _killed(acme)
    for odd in ("2026-99-99T00:00:00Z|x", "2020-01-01T00:00:00Z|%00", "2020-01-01T00:00:00|x", "%00"):
        assert "unknown_price" in operator.get(f"{PAGE}?after={odd}").content.decode(), odd


def test_events_are_found_by_state_account_and_type_and_read_on_by_key(
    operator: Client, acme: UUID, monkeypatch: Any
) -> None:
    monkeypatch.setattr("console.operating.inbox.PAGE", 2)
    for number in range(3):
        _received(event(f"evt_{number}"))
    _received(event("evt_foreign", customer="cus_of_nobody", type="invoice.paid"))
    first = operator.get(f"{PAGE}?show=events&customer=cus_acme").content.decode()
    assert str(acme) in first
    shown = [f"evt_{number}" in first for number in range(3)]
    assert shown.count(True) == 2
    second = operator.get(f"{PAGE}?show=events&customer=cus_acme&after=evt_1").content.decode()
    assert ("evt_0" in second, "evt_2" in second) == (True, False)
    of_type = operator.get(f"{PAGE}?show=events&type=invoice.").content.decode()
    assert ("evt_foreign" in of_type, "evt_0" in of_type) == (True, False)
    assert "evt_0" not in operator.get(f"{PAGE}?show=events&state=done&customer=cus_acme").content.decode()
    assert "evt_2" in operator.get(f"{PAGE}?show=events&state=waiting&customer=cus_acme").content.decode()
    for odd in ("state=lost", "after=evt_unknown", "after=%00"):
        assert operator.get(f"{PAGE}?show=events&{odd}").status_code == 400


def test_calls_that_failed_are_shown(operator: Client, acme: UUID) -> None:
    at = clock.now()
    billing.call_later(
        tenant_id=acme, operation=billing.Operation.UPDATE_CUSTOMER, parameters={}, purpose="name", at=at
    )
    assert "update_customer" not in operator.get(f"{PAGE}?show=calls").content.decode()
    assert "update_customer" in operator.get(f"{PAGE}?show=calls&state=waiting").content.decode()


def test_who_does_not_operate_neither_sees_nor_replays(acme: UUID) -> None:
    _killed(acme)
    stranger = Client()
    assert stranger.get(PAGE).status_code == 302
    assert stranger.post(f"{PAGE}replay", {"ref": "cus_acme"}).status_code == 303
    assert billing.get_customer(tenant_id=acme).dead_since is not None
