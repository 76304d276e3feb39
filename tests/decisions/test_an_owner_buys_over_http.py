"""From a 402 to the feature: preview, step-up, checkout, change; and whoever may not buy gets nowhere."""

import json
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest
from django.test import Client

from authlevels import api as authlevels
from billing import api as billing
from billing.returning import arrive
from isolation import clock
from licensing import api as licensing
from tests.billing.account import Shop, open_shop
from tests.decisions.asking import ask, export
from tests.decisions.conftest import PASSWORD, TOTP_SECRET, World

PATH = "/v1/tenants/acme/billing"
JOURNEYS = ("checkout", "trial", "portal", "preview", "changes", "cancel", "resume")


@pytest.fixture(scope="module")
def opened() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(opened: Shop, world: World, settings: Any) -> Shop:
    """An account at Stripe whose prices pay for the plans of the world."""
    settings.STRIPE = opened.settings
    with licensing.edit_catalogue(by="test", at=world.at) as edit:
        price = licensing.Price(amount=1000, currency="eur", interval="month")
        edit.put_plan(licensing.PlanSpec(key="small", title="Small", rank=0, price=price, terms=()))
    versions = {one.plan: one.id for one in licensing.list_priced_versions()}
    for plan, priced in (("small", "starter"), ("regulated", "business")):
        billing.map_price(price=opened.prices[priced], plan_version=versions[plan], by="test", at=world.at)
    return opened


class Caller:
    """A person with a session of their own, signed in with a password."""

    def __init__(self, client: Client, world: World, name: str, role: str) -> None:
        self.client = client
        at = clock.now()
        authlevels.put_user(subject_id=name, password=PASSWORD, totp_secret=TOTP_SECRET, at=at)
        licensing.put_member(
            tenant_id=world.acme, subject_type="account", subject_id=name, roles=[role], by="test", at=at
        )
        body = {"tenant": "acme", "username": name, "password": PASSWORD}
        self.secret = client.post("/v1/sign-in", body, content_type="application/json").json()["secret"]

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.client.generic(
            method,
            path,
            json.dumps(body or {}).encode(),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.secret}"},
        )
        return answer.status_code, answer.json() if answer.content else None

    def post(self, step: str, body: Any = None) -> tuple[int, Any]:
        return self.send("POST", f"{PATH}/{step}", body)

    def step_up(self, refused: Any) -> None:
        _, opened = self.send("POST", "/step-up/challenges", {"decision_id": refused["decision_id"]})
        code = pyotp.TOTP(TOTP_SECRET).at(clock.now())
        path = f"/step-up/challenges/{opened['challenge_id']}/verify"
        assert self.send("POST", path, {"method": "totp", "code": code})[0] == 200


def test_an_owner_steps_up_sees_what_it_asks_of_whom_pays_and_has_it(client: Client, world: World, shop: Shop) -> None:
    olga = Caller(client, world, "olga", "owner")
    status, refused = olga.post("preview", {"plan": "regulated"})
    assert (status, refused["needs"][0]["kind"]) == (401, "step_up"), "moving up is itself protected"
    olga.step_up(refused)
    status, shown = olga.post("preview", {"plan": "regulated"})
    assert (status, shown["quote"]) == (200, None)
    assert shown["action"]["href"].endswith(f"{PATH}/checkout")
    delta = shown["security_delta"]
    assert (delta["requires"]["level"], delta["members"], delta["ready"]) == ("aal2", 4, 2)
    assert [one["id"] for one in delta["not_ready"]] == ["bob", "carol"]
    assert delta["sentences"] == ["Regulated needs a second factor: 2 of 4 members have none."]

    status, opened = olga.post("checkout", {"plan": "regulated", "key": "first"})
    assert status == 200
    session = opened["url"].rsplit("/", 1)[1]
    shop.stripe.pay(session)
    assert arrive(session=session, clock=clock.now) == "settled"
    assert ask(client, world.acme_key, export(session=world.asserted()))["context"]["outcome"] == "step_up"
    _, state = olga.send("GET", PATH)
    assert (state["status"], state["versions"]) == ("active", [{"kind": "plan", "key": "regulated", "version": 1}])

    status, shown = olga.post("preview", {"plan": "small"})
    assert (status, shown["quote"]["when"], shown["security_delta"]["sentences"]) == (200, "period_end", [])
    status, changed = olga.post("changes", {"quote": shown["quote"]["id"], "key": "less"})
    assert (status, changed["charged"], changed["is_settled"]) == (200, None, True)
    assert olga.post("resume")[0] == 200
    status, ended = olga.post("cancel")
    assert (status, ended["effective_at"]) == (200, state["period_end"])
    assert olga.post("portal")[1]["url"].startswith(shop.stripe.url)
    assert [one["status"] for one in olga.send("GET", f"{PATH}/invoices")[1]["items"]] == ["paid"]


@pytest.mark.usefixtures("shop")
def test_an_admin_sees_what_is_paid_for_and_changes_nothing(client: Client, world: World) -> None:
    ada = Caller(client, world, "ada", "admin")
    assert ada.send("GET", PATH)[0] == 200
    for step in JOURNEYS:
        status, refused = ada.post(step, {"plan": "regulated", "key": "k"})
        assert (status, refused["code"]) == (403, "no_privilege"), step


@pytest.mark.usefixtures("shop")
def test_an_owner_of_one_tenant_is_nobody_in_another(client: Client, world: World) -> None:
    olga = Caller(client, world, "olga", "owner")
    olga.step_up(olga.post("portal")[1])
    for step in JOURNEYS:
        status, refused = olga.send("POST", f"/v1/tenants/globex/billing/{step}", {"plan": "regulated", "key": "k"})
        assert (status, refused["code"]) == (403, "unknown_tenant"), step


@pytest.mark.usefixtures("shop")
def test_a_refusal_leads_a_buyer_to_the_preview_and_begins_nothing(client: Client, world: World, shop: Shop) -> None:
    licensing.put_member(
        tenant_id=world.acme,
        subject_type="user",
        subject_id="alice",
        roles=["owner", "member"],
        by="test",
        at=clock.now(),
    )
    # Its clock goes on by itself.
    before = {**shop.stripe.state(), "now": None}
    context = ask(client, world.acme_key, export(session=world.asserted()))["context"]
    assert context["can_purchase"] is True
    assert context["action"]["method"] == "POST"
    assert context["action"]["href"].endswith(f"{PATH}/preview")
    assert {**shop.stripe.state(), "now": None} == before


def test_without_billing_nobody_is_sent_to_a_checkout(client: Client, world: World) -> None:
    olga = Caller(client, world, "olga", "owner")
    olga.step_up(olga.post("portal")[1])
    assert [olga.post(step, {"plan": "regulated", "key": "k"})[0] for step in ("checkout", "portal")] == [404, 404]
    assert olga.send("GET", PATH)[1]["is_on"] is False
