"""The operator finds tenants by name, plan and state, sees what each is on and why, and agrees on exceptions."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.console.test_the_operators_pages import PASSWORD, SECRET, _signed_in
from tiergate import OverrideEffect

LIST = "/operator/tenants/"


def _more_tenants(count: int) -> None:
    at = clock.now()
    for number in range(count):
        tenant, _ = licensing.put_tenant(slug=f"more-{number:02}", name=f"More {number}", by="test", at=at)
        licensing.put_subscription(tenant_id=tenant.id, plan="starter", by="test", at=at)


def _statements(browser: Client) -> int:
    with CaptureQueriesContext(connections["default"]) as ours, CaptureQueriesContext(connections["sweep"]) as swept:
        assert browser.get(LIST).status_code == 200
    return len(ours) + len(swept)


def test_tenants_are_found_by_name_id_plan_and_state(operator: Client, acme: UUID) -> None:
    _more_tenants(2)
    licensing.put_tenant(slug="idle", name="Idle", status="suspended", by="test", at=clock.now())
    for query, found in (
        ("", {"Acme", "More 0", "More 1", "Idle"}),
        ("text=cme", {"Acme"}),
        (f"text={acme}", {"Acme"}),
        ("plan=starter", {"More 0", "More 1"}),
        ("state=suspended", {"Idle"}),
        ("state=none", {"Idle"}),
        ("state=active&plan=business", {"Acme"}),
        ("after=idle", {"More 0", "More 1"}),
        ("text=%00%25", set()),
    ):
        page = operator.get(f"{LIST}?{query}").content.decode()
        assert {name for name in ("Acme", "More 0", "More 1", "Idle") if f">{name}</a>" in page} == found, query
    assert operator.get(f"{LIST}?state=odd").status_code == 400


@pytest.mark.usefixtures("acme")
def test_the_list_asks_no_more_of_the_database_for_more_tenants(operator: Client) -> None:
    operator.get(LIST)  # what is asked once in a process
    few = _statements(operator)
    _more_tenants(5)
    assert _statements(operator) == few


def test_a_tenants_page_says_what_it_is_on_uses_and_pays_and_why(operator: Client, acme: UUID) -> None:
    page = operator.get(f"{LIST}{acme}/").content.decode()
    for told in ("business@1", "cus_acme", "to be read", "0 of 10", "put there by account:olga", "a limit of 10"):
        assert told in page, told
    then = operator.get(f"{LIST}{acme}/?on=2020-03-03").content.decode()
    assert "It had no subscription." in then
    assert "That is no instant" in operator.get(f"{LIST}{acme}/?on=2020-99-99").content.decode()
    for far in ("0001-01-01T00:00%2B14:00", "9999-12-31T23:59-14:00"):
        answer = operator.get(f"{LIST}{acme}/?on={far}")
        assert (answer.status_code, "That is too far away" in answer.content.decode()) == (200, True)
    assert operator.get(f"{LIST}{UUID(int=7)}/").status_code == 404


def test_an_override_is_agreed_on_and_ended(operator: Client, acme: UUID) -> None:
    until = (clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    typed = {"feature": "projects", "effect": "value", "limit": "25", "reason": "a big month", "expires_at": until}
    assert operator.post(f"{LIST}{acme}/overrides", typed).status_code == 303
    agreed = licensing.get_override(tenant_id=acme, feature="projects")
    assert (agreed.effect, agreed.limit, agreed.by) == (OverrideEffect.VALUE, 25, "account:olga")
    assert agreed.expires_at is not None
    assert "a big month" in operator.get(f"{LIST}{acme}/").content.decode()
    ended = operator.post(f"{LIST}{acme}/overrides/end", {"feature": "projects"}, follow=True)
    assert "has ended" in ended.content.decode()
    assert licensing.list_overrides(tenant_id=acme) == []


def test_an_override_that_is_wrong_changes_nothing_and_shows_what_was_typed(operator: Client, acme: UUID) -> None:
    for typed, mistake in (
        ({"feature": "projects", "effect": "value", "limit": "many"}, "whole number"),
        ({"feature": "projects", "effect": "value", "limit": "25", "unlimited": "1"}, "not both"),
        ({"feature": "projects", "effect": "value", "limit": ""}, "or choose unlimited"),
        ({"feature": "theme", "effect": "value", "value": "dark"}, "Write JSON"),
        ({"feature": "nothing", "effect": "value"}, "Choose a feature"),
        ({"feature": "exports", "effect": "value", "expires_at": "2020-01-01T00:00"}, "must lie in the future"),
        ({"feature": "exports", "effect": "value", "level": "aal9"}, "aal9"),
    ):
        answer = operator.post(f"{LIST}{acme}/overrides", {**typed, "reason": "because of <us>"})
        assert answer.status_code == 400
        page = answer.content.decode()
        assert mistake in page
        assert 'value="because of &lt;us&gt;"' in page
    assert licensing.list_overrides(tenant_id=acme) == []


def test_a_tenants_owner_sees_and_changes_nothing_there(operator: Client, acme: UUID) -> None:
    at = clock.now()
    authlevels.put_user(subject_id="alice", password=PASSWORD, totp_secret=SECRET, at=at)
    licensing.put_member(tenant_id=acme, subject_type="account", subject_id="alice", roles=["owner"], by="t", at=at)
    alice = _signed_in("alice", "acme")
    assert alice.get(f"{LIST}{acme}/", follow=True).status_code == 403
    body = {"feature": "exports", "effect": "removed", "reason": "mine"}
    assert alice.post(f"{LIST}{acme}/overrides", body).status_code == 403
    assert alice.post(f"{LIST}{acme}/overrides/end", {"feature": "exports"}).status_code == 403
    assert licensing.list_overrides(tenant_id=acme) == []
    assert operator.get(LIST).status_code == 200
