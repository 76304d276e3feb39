"""The first page greets whoever is signed in, and shows anyone the way in."""

import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing

PASSWORD = "correct horse battery staple"


@pytest.mark.django_db
def test_a_visitor_is_shown_the_way_in() -> None:
    page = Client().get("/").content.decode()
    assert 'href="/sign-in"' in page
    assert "Signed in" not in page


@pytest.mark.django_db
def test_whoever_signs_in_lands_on_a_page_that_knows_them() -> None:
    at = clock.now()
    acme, _ = licensing.put_tenant(slug="acme", name="Acme", by="test", at=at)
    authlevels.put_user(subject_id="alice", password=PASSWORD, at=at)
    licensing.put_member(
        tenant_id=acme.id, subject_type="account", subject_id="alice", roles=["member"], by="test", at=at
    )
    browser = Client()
    answer = browser.post("/sign-in", {"tenant": "acme", "username": "alice", "password": PASSWORD}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain == [("/", 303)]
    assert "alice" in page
    assert "Acme" in page
    assert "/operator/" not in page
