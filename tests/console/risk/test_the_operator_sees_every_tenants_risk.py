"""The vendor's operator sees how sessions look in all tenants, and of each what its own admins see."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.console.operating import conftest as operating
from tests.console.risk.conftest import HOSTILE, bands_begin, looked
from tests.console.test_the_operators_pages import PASSWORD, SECRET, _signed_in

ALL = "/operator/risk/"
acme, olga, operator = operating.acme, operating.olga, operating.operator


def shown(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def globex(acme: UUID) -> UUID:
    at = clock.now()
    found, _ = licensing.put_tenant(slug="globex", name="Globex", by="test", at=at)
    for slug in ("acme", "globex"):
        bands_begin(slug)
    looked("acme", "medium")
    looked("acme", "low")
    looked("acme", "high", days_ago=8)
    looked("globex", "critical", subject_id=HOSTILE)
    return found.id


def test_all_tenants_are_told_side_by_side(operator: Client, globex: UUID) -> None:
    page = shown(operator, ALL)
    assert "Acme acme 2 1 0 0 50 %" in page
    assert "Globex globex 1 0 0 1 100 %" in page
    assert "All tenants 3 1 0 1 66.7 %" in page
    assert "Globex" not in shown(operator, f"{ALL}?text=acm")
    assert "No tenant fits." in shown(operator, f"{ALL}?text=nobody")


@pytest.mark.usefixtures("globex")
def test_more_tenants_ask_no_more_of_the_database(operator: Client) -> None:
    def statements() -> int:
        with (
            CaptureQueriesContext(connections["default"]) as ours,
            CaptureQueriesContext(connections["sweep"]) as swept,
        ):
            assert operator.get(ALL).status_code == 200
        return len(ours) + len(swept)

    operator.get(ALL)  # what is asked once in a process
    few = statements()
    for number in range(5):
        licensing.put_tenant(slug=f"more-{number}", name="More", by="test", at=clock.now())
    assert statements() == few


def test_a_tenants_own_page_is_shown_of_that_tenant_alone(operator: Client, acme: UUID, globex: UUID) -> None:
    page = shown(operator, f"{ALL}{globex}?days=7")
    assert "Sessions, each once a day 1 " in page
    assert "user:mia" not in page
    assert HOSTILE not in page
    assert "Sessions, each once a day 3 " in shown(operator, f"{ALL}{acme}?days=30")
    assert "At these bands, 1 prompt a day instead of 1 " in shown(operator, f"{ALL}{globex}/what-if?critical=5.5")
    for path in (f"{ALL}{uuid4()}", f"{ALL}{uuid4()}/what-if"):
        assert operator.get(path).status_code == 404


def test_a_tenants_owner_sees_nothing_there(operator: Client, acme: UUID) -> None:
    at = clock.now() - timedelta(seconds=1)
    authlevels.put_user(subject_id="alice", password=PASSWORD, totp_secret=SECRET, at=at)
    licensing.put_member(tenant_id=acme, subject_type="account", subject_id="alice", roles=["owner"], by="t", at=at)
    alice = _signed_in("alice", "acme")
    for path in (ALL, f"{ALL}{acme}", f"{ALL}{acme}/what-if"):
        assert alice.get(path, follow=True).status_code == 403
        assert Client().get(path).status_code == 302
    assert operator.get(ALL).status_code == 200
