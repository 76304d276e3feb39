"""The operator sees what was sent to the vendor's own systems, and sends it again."""

import pyotp
from django.test import Client

from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from licensing.outbox import emit
from licensing.webhooks.handing_out import hand_out
from tests.console.test_the_operators_pages import SECRET, olga

__all__ = ["olga"]

_URL = "https://hooks.northwind.example/tiergate"


def test_what_was_sent_is_shown_and_sent_again_by_whoever_operates(olga: Client) -> None:
    path = olga.get("/operator/webhooks/", follow=True).redirect_chain[-1][0]
    assert path.startswith("/step-up/")
    olga.post(path.split("?")[0], {"method": "totp", "code": pyotp.TOTP(SECRET).now()})
    assert b"Nothing is sent anywhere" in olga.get("/operator/webhooks/").content

    at, acme = clock.now(), licensing.get_tenant("acme").id
    licensing.create_endpoint(url=_URL, kinds=["limit.reached"], by="test", at=at)
    with tenant_transaction(acme):
        emit(tenant_id=acme, kind="limit.reached", payload={"feature": "seats"}, at=at)
    hand_out(at=at)
    (delivery,) = licensing.list_deliveries()
    page = olga.get("/operator/webhooks/").content.decode()
    assert all(told in page for told in (delivery.message, _URL, "acme", "waiting"))
    assert delivery.message not in olga.get("/operator/webhooks/?state=given_up").content.decode()
    assert olga.get("/operator/webhooks/?state=lost").status_code == 400

    answer = olga.post(f"/operator/webhooks/{delivery.id}/replay", follow=True)
    assert f"{delivery.message} is sent again" in answer.content.decode()


def test_a_stranger_neither_sees_nor_sends_anything(db: None) -> None:
    for method in ("get", "post"):
        path = "/operator/webhooks/00000000-0000-0000-0000-000000000001/replay"
        assert getattr(Client(), method)(path).status_code == 302
    assert Client().get("/operator/webhooks/").status_code == 302
