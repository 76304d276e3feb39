"""The operator's pages are entered by the vendor's staff at aal2, and change nothing."""

import pyotp
import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests import rows
from tiergate import FeatureKind, FeatureSpec, Level, Requirement, Term

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def olga(db: None, worlds: rows.Worlds) -> Client:
    """Olga operates Tiergate; she is signed in with her password in a browser."""
    worlds.put_back("operated", _made)
    return _signed_in("olga", "vendor")


def _made() -> None:
    at = clock.now()
    authlevels.put_user(subject_id="olga", email="olga@northwind.example", password=PASSWORD, totp_secret=SECRET, at=at)
    licensing.put_member(
        tenant_id=licensing.VENDOR_TENANT_ID,
        subject_type="account",
        subject_id="olga",
        roles=["operator"],
        by="test",
        at=at,
    )
    licensing.put_tenant(slug="acme", name="Acme", by="test", at=at)


def _signed_in(username: str, tenant: str) -> Client:
    browser = Client()
    answer = browser.post("/sign-in", {"tenant": tenant, "username": username, "password": PASSWORD})
    assert answer.status_code in {302, 303}, answer.content
    return browser


def test_a_stranger_is_sent_to_sign_in(db: None) -> None:
    answer = Client().get("/operator/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/sign-in?next=%2Foperator%2F")


def test_a_password_alone_does_not_open_them_and_a_code_does(olga: Client) -> None:
    answer = olga.get("/operator/", follow=True)
    path = answer.redirect_chain[-1][0]
    assert path.startswith("/step-up/")
    assert "Operate Tiergate" in answer.content.decode()

    passed = olga.post(path.split("?")[0], {"method": "totp", "code": pyotp.TOTP(SECRET).now()})
    assert passed.status_code in {302, 303}, passed.content
    page = olga.get("/operator/")
    assert page.status_code == 200
    listed = olga.get("/operator/licensing/tenant/")
    assert "Acme" in listed.content.decode()


def test_nothing_can_be_added_changed_or_deleted_there(olga: Client) -> None:
    path = olga.get("/operator/", follow=True).redirect_chain[-1][0]
    olga.post(path.split("?")[0], {"method": "totp", "code": pyotp.TOTP(SECRET).now()})
    tenant = licensing.get_tenant("acme")
    assert olga.get("/operator/licensing/tenant/add/").status_code == 403
    assert olga.post(f"/operator/licensing/tenant/{tenant.id}/delete/", {"post": "yes"}).status_code == 403
    olga.post(f"/operator/licensing/tenant/{tenant.id}/change/", {"name": "Taken"})
    assert licensing.get_tenant("acme").name == "Acme"


def test_whose_a_row_is_is_told_by_name(olga: Client) -> None:
    at = clock.now()
    with licensing.edit_catalogue(by="test", at=at) as edit:
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH))
        edit.put_plan(licensing.PlanSpec(key="business", terms=(Term(feature="exports", value=True),)))
    tenant_id = licensing.get_tenant("acme").id
    licensing.put_subscription(tenant_id=tenant_id, plan="business", by="test", at=at)
    licensing.put_member(
        tenant_id=tenant_id,
        subject_type="user",
        subject_id="7781",
        display_name="Ines",
        roles=["member"],
        by="test",
        at=at,
    )
    path = olga.get("/operator/", follow=True).redirect_chain[-1][0]
    olga.post(path.split("?")[0], {"method": "totp", "code": pyotp.TOTP(SECRET).now()})
    for table, told in (
        ("subscription", ("acme", "business@1")),
        ("member", ("acme", "Ines")),
        ("planversion", ("business",)),
    ):
        page = olga.get(f"/operator/licensing/{table}/").content.decode()
        assert all(one in page.split("<tbody>")[1] for one in told), (table, page)


def test_a_tenants_owner_is_not_an_operator(olga: Client) -> None:
    at = clock.now()
    acme = licensing.get_tenant("acme")
    authlevels.put_user(subject_id="alice", password=PASSWORD, totp_secret=SECRET, at=at)
    licensing.put_member(
        tenant_id=acme.id, subject_type="account", subject_id="alice", roles=["owner"], by="test", at=at
    )
    answer = _signed_in("alice", "acme").get("/operator/", follow=True)
    assert answer.status_code == 403


def test_no_password_is_changed_there_past_the_trail(olga: Client) -> None:
    path = olga.get("/operator/", follow=True).redirect_chain[-1][0]
    olga.post(path.split("?")[0], {"method": "totp", "code": pyotp.TOTP(SECRET).now()})
    new = "another horse battery staple"
    body = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert olga.post("/operator/password_change/", body).status_code == 404
    assert olga.get("/operator/password_change/").status_code == 404
    assert _signed_in("olga", "vendor").get("/v1/me").status_code == 200


def test_signing_out_there_leads_to_the_page_that_ends_the_session(olga: Client) -> None:
    path = olga.get("/operator/", follow=True).redirect_chain[-1][0]
    olga.post(path.split("?")[0], {"method": "totp", "code": pyotp.TOTP(SECRET).now()})
    answer = olga.post("/operator/logout/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-out")


def test_the_grid_shows_what_each_plan_says_and_asks_with_drafts_and_changes_nothing(olga: Client) -> None:
    at = clock.now()
    with licensing.edit_catalogue(by="test", at=at) as edit:
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH, title="Exports"))
        terms = (Term(feature="exports", value=True, requirement=Requirement(level=Level.AAL2, max_age=300)),)
        edit.put_plan(licensing.PlanSpec(key="business", title="Business", terms=terms))
    licensing.begin_draft(plan="business", by="test", at=at)
    assert olga.get("/operator/plans/").status_code == 302
    path = olga.get("/operator/plans/", follow=True).redirect_chain[-1][0]
    olga.post(path.split("?")[0], {"method": "totp", "code": pyotp.TOTP(SECRET).now()})
    assert "/operator/plans/" in olga.get("/operator/").content.decode()
    page = olga.get("/operator/plans/").content.decode()
    assert page.count("asks a second factor, shown in the last 5 minutes") == 2
    assert "business@1, published, on sale" in page
    assert "business@2, draft" in page
