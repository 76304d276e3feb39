"""Pitfalls 1 and 18: each form of the operator's asks for what its API asks, and what was typed waits for the confirmation."""

import re
from uuid import UUID

import pyotp
from django.test import Client
from django.urls import URLPattern

from console.operating.cells import ASKED, FIELDS
from console.operator import operator_site
from isolation import clock
from licensing import api as licensing
from tests.console.operating.conftest import fill_catalogue
from tests.console.test_the_operators_pages import SECRET
from tiergate import Action, FeatureKind, FeatureSpec

HTML = {"Accept": "text/html"}
FORMS = {
    str(one.pattern): getattr(one.callback, "required_action", "")
    for one in operator_site.get_urls()
    if isinstance(one, URLPattern) and (one.callback.__module__ or "").startswith("console.operating.")
}


def _path(form: str) -> str:
    return "/operator/" + form.replace("<str:ref>", "business@2").replace("<uuid:tenant>", str(UUID(int=7)))


def test_each_form_asks_for_the_action_that_its_api_asks_for() -> None:
    assert FORMS == {
        "billing/replay": Action.OPERATOR_ADMIN,
        "plans/drafts": Action.PLAN_WRITE,
        "plans/<str:ref>/save": Action.PLAN_WRITE,
        "plans/<str:ref>/discard": Action.PLAN_WRITE,
        "plans/<str:ref>/published": Action.PLAN_WRITE,
        "plans/<str:ref>/retired": Action.PLAN_WRITE,
        "policy/plans": Action.BUNDLE_WRITE,
        "policy/changed": Action.BUNDLE_APPLY,
        "tenants/<uuid:tenant>/overrides": Action.OVERRIDE_WRITE,
        "tenants/<uuid:tenant>/overrides/end": Action.OVERRIDE_WRITE,
    }


def test_a_password_alone_a_stranger_and_another_site_change_nothing(olga: Client) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.cookies["tiergate"] = olga.cookies["tiergate"].value
    for form in FORMS:
        assert olga.post(_path(form), {}, headers=HTML)["Location"].startswith("/step-up/resume/rsm_"), form
        assert Client().post(_path(form), {}, headers=HTML)["Location"].startswith("/sign-in?next="), form
        assert forged.post(_path(form), {}, headers=HTML).status_code == 403, form


def test_who_operates_and_may_not_write_plans_writes_none(operator: Client, acme: UUID) -> None:
    at, vendor = clock.now(), licensing.VENDOR_TENANT_ID
    assert str(acme)
    draft = licensing.begin_draft(plan="business", by="test", at=at)
    licensing.put_role(tenant_id=vendor, key="watcher", privileges=["operator.admin"], by="test", at=at)
    licensing.put_member(
        tenant_id=vendor, subject_type="account", subject_id="olga", roles=["watcher"], by="test", at=at
    )
    assert operator.get("/operator/plans/").status_code == 200
    answer = operator.post(f"/operator/plans/{draft.ref}/discard", {"state": draft.state}, headers=HTML)
    assert answer.status_code == 403
    assert licensing.get_version(ref=str(draft.ref)) == draft


def test_what_was_typed_into_a_grid_goes_on_after_the_confirmation(olga: Client) -> None:
    fill_catalogue()
    draft = licensing.begin_draft(plan="business", by="test", at=clock.now())
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', olga.get("/sign-out").content.decode())
    typed = {"projects.said": "limit", "projects.limit": "25", "grace_days": "7", "state": draft.state}
    typed["csrfmiddlewaretoken"] = token
    waits = olga.post(f"/operator/plans/{draft.ref}/save", typed, headers=HTML)["Location"]
    assert licensing.get_version(ref=str(draft.ref)) == draft
    asked = olga.get(waits, headers=HTML)["Location"]
    passed = olga.post(asked, {"method": "totp", "code": pyotp.TOTP(SECRET).now()}, headers=HTML)
    done = olga.post(passed["Location"], {"csrfmiddlewaretoken": token}, headers=HTML, follow=True)
    assert "The draft was saved" in done.content.decode()
    saved = {term.feature: term.limit for term in licensing.get_version(ref=str(draft.ref)).terms}
    assert saved["projects"] == 25


def test_the_grid_of_a_large_catalogue_is_saved(operator: Client) -> None:
    """Django reads a thousand fields unless it is told otherwise: that many are a hundred features."""
    fill_catalogue()
    with licensing.edit_catalogue(by="test", at=clock.now()) as edit:
        for number in range(90):
            edit.put_feature(FeatureSpec(key=f"many-{number}", kind=FeatureKind.LIMIT))
    draft = licensing.begin_draft(plan="business", by="test", at=clock.now())
    form = {f"many-{number}.{name}": "" for number in range(90) for name in (*FIELDS, *ASKED)}
    assert len(form) > 1000
    typed = form | {"many-89.said": "limit", "many-89.limit": "7", "grace_days": "7", "state": draft.state}
    assert operator.post(f"/operator/plans/{draft.ref}/save", typed, headers=HTML).status_code == 303
    saved = {term.feature: term.limit for term in licensing.get_version(ref=str(draft.ref)).terms}
    assert saved == {"exports": None, "projects": 10, "theme": None, "many-89": 7}
