"""The product inside Django that docs/integrate.md shows, run as it is written there."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyotp
import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import include, path

from authlevels import api as authlevels
from config.demo.people import people
from decisions.checks import complaints
from isolation.clock import now
from licensing import api as licensing

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "integrate.md"
NORTHWIND = Path(__file__).resolve().parents[2] / "sample" / "northwind"
PAYMENT = {"currency": "EUR", "reference": "r-1", "amount": 1200, "payee": "Lisbon Office"}


@pytest.fixture
def product(settings: Any) -> Iterator[ModuleType]:
    """Make a module of the example, and give it addresses beside ours."""
    example = next(one for one in re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL) if "Payments" in one)
    views = ModuleType("product_of_the_guide")
    exec(compile(example, str(GUIDE), "exec"), views.__dict__)  # noqa: S102 - our own page
    routes = ModuleType("urls_of_the_guide")
    routes.__dict__["urlpatterns"] = [
        path("", include("config.urls")),
        path("product/reports", views.ReportsView.as_view()),
        path("product/payments", views.PaymentsView.as_view()),
        path("product/health", views.HealthView.as_view()),
    ]
    sys.modules[routes.__name__] = routes
    settings.ROOT_URLCONF = routes.__name__
    yield views
    del sys.modules[routes.__name__]


@pytest.fixture
def carol(db: None) -> Client:
    """Sign Carol, an owner at Globex, in with her password."""
    licensing.forget_snapshots()
    call_command("catalog", "apply", str(NORTHWIND / "catalog.yaml"))
    call_command("tenants", "apply", str(NORTHWIND / "tenants.yaml"))
    _session, secret = authlevels.sign_in_with_password(
        tenant_id=licensing.get_tenant("globex").id,
        username="carol",
        password=people()["carol"].password,
        network="a test",
        at=now(),
    )
    return Client(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)


def _pay(client: Client) -> Any:
    return client.post("/product/payments", PAYMENT, content_type="application/json")


def test_each_view_says_who_may_enter(product: ModuleType) -> None:
    for view in (product.ReportsView, product.PaymentsView, product.HealthView):
        assert list(complaints(view.as_view())) == []


def test_nobody_known_sees_the_open_view_alone(product: ModuleType, db: None) -> None:
    assert Client().get("/product/health").status_code == 200
    assert Client().get("/product/reports").status_code == 401


def test_one_confirmation_pays_once(product: ModuleType, carol: Client) -> None:
    assert carol.get("/product/reports").json() == {"items": ["q1", "q2"]}
    refused = _pay(carol)
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith('Bearer error="insufficient_user_authentication"')
    opened = carol.post(
        "/step-up/challenges", {"decision_id": refused.json()["decision_id"]}, content_type="application/json"
    ).json()
    fields = {one["value"] for one in opened["display"]["fields"]}
    assert fields == {PAYMENT["amount"], PAYMENT["currency"], PAYMENT["payee"]}
    code = pyotp.TOTP(people()["carol"].totp_secret).at(now())
    passed = carol.post(
        f"/step-up/challenges/{opened['challenge_id']}/verify",
        {"method": "totp", "code": code},
        content_type="application/json",
    )
    assert passed.json()["state"] == "passed"
    assert _pay(carol).status_code == 201
    assert _pay(carol).status_code == 401
