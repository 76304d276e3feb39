"""Northwind as the demo has it; in Acme, a week of people who looked as they do, and of some who did not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.test import Client

from config.demo.people import people
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine
from riskengine.models import Signal, TenantCutoffs
from tests.console.plan import conftest as console

northwind, browsers = console.northwind, console.browser_of

SCORES: Final = {"low": -3.0, "unknown": None, "medium": 0.5, "high": 2.0, "critical": 5.0}
HOSTILE: Final = "<script>alert(1)</script>\u202egnp"


def looked(slug: str, band: str, *kinds: str, days_ago: int = 0, **more: Any) -> UUID:
    """Let a session have looked so some days before, and these things have followed."""
    tenant_id, session, at = licensing.get_tenant(slug).id, uuid4(), now() - timedelta(days=days_ago)
    row = {"session_id": session, "subject_type": "user", "subject_id": "mia", "seen": {}, **more}
    with tenant_transaction(tenant_id):
        Signal.objects.create(tenant_id=tenant_id, kind="seen", band=band, score=SCORES[band], at=at, **row)
        for kind in kinds:
            Signal.objects.create(tenant_id=tenant_id, kind=kind, at=at, **row | {"reasons": []})
    return session


def bands_begin(slug: str) -> None:
    """Let bands begin where the scores above have them, whatever is built in."""
    tenant_id, begins = licensing.get_tenant(slug).id, {"medium": 0.0, "high": 1.0, "critical": 4.0}
    with tenant_transaction(tenant_id):
        defaults = {**begins, "samples": 1_000, "calibrated_at": now()}
        TenantCutoffs.objects.update_or_create(tenant_id=tenant_id, defaults=defaults)
    riskengine.forget_usual()


@pytest.fixture
def browser_of(browsers: Callable[[str], Client]) -> Callable[[str], Client]:
    """Sign one of the demo's people in, and forget that their own sign-in was looked at."""

    def sign_in(name: str) -> Client:
        browser, tenant_id = browsers(name), licensing.get_tenant(people()[name].tenant).id
        with tenant_transaction(tenant_id):
            assert Signal.objects.filter(tenant_id=tenant_id, subject_type="account").delete()[0] > 0
        return browser

    return sign_in


@pytest.fixture
def week(northwind: None) -> None:
    """Seven quiet days in Acme, and four sessions that were not."""
    bands_begin("acme")
    for day in range(7):
        looked("acme", "low", days_ago=day)
    network = [{"code": "new_network", "weight": 2.0, "because": "first time from this network; usual country"}]
    looked("acme", "medium", "step_up_passed", days_ago=1, reasons=network, subject_id="mia")
    looked("acme", "medium", "confirmed_mine", days_ago=2, reasons=network, subject_id="jonas")
    looked("acme", "high", "confirmed_not_mine", days_ago=3, reasons=network, subject_id="lena")
    looked(
        "acme",
        "critical",
        days_ago=3,
        reasons=[{"code": HOSTILE, "weight": 3.0, "because": HOSTILE}],
        subject_id=HOSTILE,
    )
