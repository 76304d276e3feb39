"""Northwind Reports, whose files the demo applies: three tiers, two tenants, an operator."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.core.management import call_command

import licensing.api
from authlevels.models import TotpDevice, User
from config.embedded import paths
from isolation.clock import now
from licensing.models import Action
from tiergate import Entitlement, Level, Requirement, Scope

NORTHWIND = paths.CHECKOUT / "sample" / "northwind"


@pytest.fixture
def catalogue(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("catalog", "apply", str(NORTHWIND / "catalog.yaml"))
    capsys.readouterr()


@pytest.fixture
def northwind(catalogue: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("tenants", "apply", str(NORTHWIND / "tenants.yaml"))
    capsys.readouterr()


@pytest.fixture
def zenith(catalogue: None) -> UUID:
    tenant, _created = licensing.api.put_tenant(slug="zenith", name="Zenith", by="a test", at=now())
    return tenant.id


def entitlements(tenant: UUID, plan: str) -> dict[str, Entitlement]:
    licensing.api.put_subscription(tenant_id=tenant, plan=plan, by="a test", at=now())
    return dict(licensing.api.entitlements_at(tenant_id=tenant, at=now()))


@pytest.mark.usefixtures("northwind")
def test_the_files_applied_again_change_nothing(
    capsys: pytest.CaptureFixture[str], footprint: Callable[[], list[object]]
) -> None:
    before = footprint()
    call_command("catalog", "apply", str(NORTHWIND / "catalog.yaml"), "--prune")
    call_command("tenants", "apply", str(NORTHWIND / "tenants.yaml"), "--prune")
    assert capsys.readouterr().out.splitlines() == ["= nothing to change"] * 2
    assert footprint() == before


def test_each_tier_includes_what_the_one_below_it_does(zenith: UUID) -> None:
    starter, business, regulated = (
        {key for key, one in entitlements(zenith, plan).items() if one.is_granted}
        for plan in ("starter", "business", "regulated")
    )
    assert starter == {"workspace", "reports.view", "api.calls", "audit.retention_days"}
    assert business - starter == {"reports.share", "exports.csv", "sso"}
    assert regulated - business == {"exports.regulated", "payments"}


def test_a_regulated_export_asks_for_a_second_factor_of_five_minutes_for_this_action(zenith: UUID) -> None:
    asked = [one.requirement for one in entitlements(zenith, "regulated")["exports.regulated"].contributions]
    assert asked == [Requirement(level=Level.AAL2, max_age=300, scope=Scope.ACTION)]
    action = Action.objects.get(name="exports.create_regulated")
    assert Requirement.from_json(action.environments["production"]).is_at_least(
        Requirement.from_json(action.environments["staging"])
    )


@pytest.mark.usefixtures("catalogue")
def test_a_payment_is_bound_to_its_amount_and_payee() -> None:
    action = Action.objects.get(name="payments.approve")
    assert action.binds == [f"resource.properties.{name}" for name in ("amount", "currency", "payee")]
    assert action.requirement is not None
    assert action.requirement["scope"] == "transaction"


@pytest.mark.usefixtures("northwind")
def test_its_people_can_sign_in_all_but_bob_have_a_second_factor_and_olga_alone_operates() -> None:
    own = User.objects.filter(realm__isnull=True)
    assert {person.subject_id for person in own if person.has_usable_password()} == {
        "alice",
        "bob",
        "carol",
        "dora",
        "olga",
    }
    holders = {device.user.subject_id for device in TotpDevice.objects.select_related("user").filter(confirmed=True)}
    assert holders == {"alice", "carol", "dora", "olga", "7781", "7802"}
    assert User.objects.get(subject_id="7781").realm == licensing.api.get_tenant("globex").id
    members = licensing.api.list_members(tenant_id=licensing.api.VENDOR_TENANT_ID)
    assert [(one.subject_type, one.subject_id, one.roles) for one in members] == [("account", "olga", ("operator",))]


def test_it_says_that_its_secrets_are_for_the_demo_alone() -> None:
    assert "DEMO ONLY" in (NORTHWIND / "tenants.yaml").read_text().split("users:")[0]
