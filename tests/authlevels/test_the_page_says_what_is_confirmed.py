"""What a person reads on the step-up page, what they are offered, and that they may say it was not them."""

from typing import Any

import pytest
from django.test import Client

from audit import api as audit
from authlevels import api
from authlevels.challenge_fields import readable_fields
from authlevels.models import SuspendedRequest
from isolation.api import tenant_transaction
from isolation.clock import now
from tests.authlevels.acme import ALICES_SECRET, NOON, PASSWORD, Acme, Asked, code, later
from tiergate import Level, Requirement

RECENT = Asked(requirement=Requirement(level=Level.AAL1, max_age=60))


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ({"a.amount": 120_000, "a.currency": "EUR"}, [("Amount", "1,200.00 EUR")]),
        ({"a.amount": 5, "a.currency": "eur"}, [("Amount", "0.05 EUR")]),
        ({"a.amount": -1_234_567, "a.currency": "KWD"}, [("Amount", "-1,234.567 KWD")]),
        ({"a.amount": 1_200_000, "a.currency": "JPY"}, [("Amount", "1,200,000 JPY")]),
        ({"a.amount": 120_000}, [("Amount", "120,000")]),
        ({"a.amount": 1200.5, "a.currency": "EUR"}, [("Amount", "1,200.5"), ("Currency", "EUR")]),
        ({"a.amount": "1200", "a.currency": "EUR"}, [("Amount", "1200"), ("Currency", "EUR")]),
        ({"a.amount": True, "a.currency": "EUR"}, [("Amount", "yes"), ("Currency", "EUR")]),
        ({"a.amount": 1, "b.currency": "EUR"}, [("Amount", "1"), ("Currency", "EUR")]),
        ({"resource.properties.amount": 120_000, "context.currency": "EUR"}, [("Amount", "1,200.00 EUR")]),
        (
            {"context.amount": 5, "context.currency": "EUR", "resource.properties.currency": "JPY"},
            [("Amount", "5"), ("Currency", "EUR"), ("Currency", "JPY")],
        ),
        ({"resource.properties.to.amount": 1, "context.currency": "EUR"}, [("Amount", "1"), ("Currency", "EUR")]),
        ({"a.amount": 1, "a.currency": "€"}, [("Amount", "1"), ("Currency", "€")]),
        ({"to.cost_center": None, "to.tags": ["x", 1000]}, [("Cost center", "nothing"), ("Tags", "x, 1,000")]),
        ({"to": {"iban": "DE1", "name": "Bob"}}, [("To", "Iban: DE1, Name: Bob")]),
    ],
)
def test_bound_fields_are_written_for_people(given: dict[str, Any], want: list[tuple[str, str]]) -> None:
    shown = readable_fields({"fields": [{"name": name, "value": value} for name, value in given.items()]})
    assert [(one.label, one.value) for one in shown] == want


def test_of_a_batch_the_most_that_each_may_be_is_read_as_a_sum_too() -> None:
    fields = [{"name": "a.amount", "value": "at most 50,000 each"}, {"name": "a.currency", "value": "EUR"}]
    (shown,) = readable_fields({"fields": fields, "batch": {"items": 20, "per_item": {"a.amount": 50_000}}})
    assert (shown.label, shown.value) == ("Amount", "at most 500.00 EUR each")


def test_what_was_confirmed_with_last_is_offered_first(acme: Acme) -> None:
    alice, _secret = acme.sign_in_alice()
    shown = acme.show(acme.challenge(alice, RECENT, at=later(100)), PASSWORD, method="password", at=later(101))
    assert isinstance(shown, api.Passed)
    assert offered(acme, alice, later(300)) == ["password", "totp"]
    acme.show(acme.challenge(alice, RECENT, at=later(301)), code(ALICES_SECRET, later(301)), at=later(301))
    assert offered(acme, alice, later(500)) == ["totp", "password"]


def offered(acme: Acme, session: api.Session, at: Any) -> list[str]:
    challenge = acme.challenge(session, RECENT, at=at)
    shown = api.show_challenge(ref=challenge.id, presenter=api.Presenter(session=session), at=at)
    return [method.value for method in shown.methods]


def test_this_was_not_me_closes_it_for_good_and_is_told(acme: Acme) -> None:
    browser = Client()
    browser.post("/sign-in", {"tenant": "acme", "username": "alice", "password": PASSWORD})
    at = now()
    alice = api.resolve_session_secret(browser.cookies["tiergate"].value, at=at)
    assert alice is not None
    challenge = acme.challenge(alice, at=at)
    with tenant_transaction(acme.tenant_id):
        decision = audit.list_entries(tenant_id=acme.tenant_id, kinds={audit.Kind.DECISION})[-1].id
    original = api.Original(method="POST", path="/reports/7/export")
    waiting = api.suspend_request(
        session=alice, browser="hers", decision_id=api.decision_ref(decision), original=original, at=at
    )
    assert waiting is not None
    page = browser.get(f"{challenge.path}?resume={waiting}").content.decode()
    assert "This was not me" in page
    refused = browser.post(f"{challenge.path}?resume={waiting}", {"refuse": "1"})
    assert refused.status_code == 200
    assert "Refused" in refused.content.decode()
    assert "/account/security" in refused.content.decode()
    late = browser.post(challenge.path, {"method": "totp", "code": code(ALICES_SECRET, now())})
    assert late.status_code == 409
    assert browser.post(challenge.path, {"refuse": "1"}).status_code == 409
    assert not acme.is_met(alice, at=now())
    with tenant_transaction(acme.tenant_id):
        (told,) = audit.list_entries(tenant_id=acme.tenant_id, kinds={audit.Kind.CHALLENGE_REFUSED})
        assert (told.payload["challenge"], told.payload["by"]) == (challenge.id, "account:alice")
        assert not SuspendedRequest.objects.exists()


def test_nobody_else_refuses_it(acme: Acme) -> None:
    alice, secret = acme.sign_in_alice(at=now())
    other, others = acme.sign_in_alice(at=now())
    assert other.id != alice.id
    challenge = acme.challenge(alice, at=now())
    path = f"/step-up/challenges/{challenge.id}/refuse"
    assert Client().post(path).status_code == 404
    for bearer in (others, acme.secret):
        assert Client().post(path, headers={"Authorization": f"Bearer {bearer}"}).status_code == 404
    assert Client().post(path, headers={"Authorization": f"Bearer {secret}"}).status_code == 204
    state = api.show_challenge(ref=challenge.id, presenter=api.Presenter(session=alice), at=now()).state
    assert state == "refused"


def test_a_product_is_told_that_the_person_refused(acme: Acme) -> None:
    at = now()
    opened = acme.challenge(acme.assert_bob(at=at), at=at, return_to="https://reports.example/back", state="s1")
    browser = Client()
    browser.get(opened.path)
    page = browser.post(f"/step-up/{opened.id}", {"refuse": "1"}).content.decode()
    assert "https://reports.example/back?challenge=" in page
    assert "error=access_denied" in page
    assert at > NOON
