"""Doors of the vendor's webhooks, each gone through once."""

from datetime import timedelta
from uuid import UUID

from audit.api import Kind
from isolation.api import tenant_transaction
from licensing import api as licensing
from licensing.outbox import emit
from licensing.webhooks.handing_out import hand_out
from tests.audit.told import Told
from tests.authlevels.acme import NOON, Acme, later

_URL = "https://hooks.northwind.example/tiergate"


def _made(_acme: Acme) -> None:
    licensing.create_endpoint(url=_URL, kinds=["limit.reached"], by="account:olga", at=NOON)


def _changed(acme: Acme) -> None:
    _made(acme)
    licensing.change_endpoint(
        endpoint_id=_id(), url=_URL, kinds=["limit.reached"], title="Sales", by="account:olga", at=later(1)
    )


def _rolled(acme: Acme) -> None:
    _made(acme)
    licensing.roll_secret(endpoint_id=_id(), overlap=timedelta(hours=1), by="account:olga", at=later(1))


def _removed(acme: Acme) -> None:
    _made(acme)
    licensing.remove_endpoint(endpoint_id=_id(), by="account:olga", at=later(1))


def _again(acme: Acme) -> None:
    _sent(acme)
    (delivery,) = licensing.list_deliveries()
    licensing.replay_delivery(delivery_id=delivery.id, by="account:olga", at=later(1))


def _all_again(acme: Acme) -> None:
    _sent(acme)
    licensing.replay_since(endpoint_id=_id(), since=NOON, by="account:olga", at=later(1))


def _sent(acme: Acme) -> None:
    _made(acme)
    with tenant_transaction(acme.tenant_id):
        emit(tenant_id=acme.tenant_id, kind="limit.reached", payload={"feature": "seats"}, at=NOON)
    hand_out(at=NOON)


def _id() -> UUID:
    return licensing.list_endpoints()[0].id


TOLD: Told = {
    "create_endpoint": (_made, {Kind.WEBHOOK_CHANGED}),
    "change_endpoint": (_changed, {Kind.WEBHOOK_CHANGED}),
    "roll_secret": (_rolled, {Kind.WEBHOOK_CHANGED}),
    "remove_endpoint": (_removed, {Kind.WEBHOOK_CHANGED}),
    "replay_delivery": (_again, {Kind.WEBHOOK_REPLAYED}),
    "replay_since": (_all_again, {Kind.WEBHOOK_REPLAYED}),
}
