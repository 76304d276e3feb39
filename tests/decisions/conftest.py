"""A small vendor: plans Starter and Regulated, the tenants acme and globex, and the people in them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyotp
import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests import rows
from tests.asked_before import remember_tenants
from tiergate import (
    ActionSpec,
    FeatureKind,
    FeatureSpec,
    Level,
    Requirement,
    Scope,
    ScopeSpec,
    Sensitivity,
    Term,
    Verb,
)

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class World:
    """Ids and secrets of what the tests begin with; secrets are shown once, so they are kept here."""

    acme: UUID
    globex: UUID
    acme_key: str
    globex_key: str
    vendor_key: str
    bare_key: str
    at: datetime

    def asserted(self, subject: str = "alice", *, tenant: UUID | None = None) -> str:
        """Vouch for a signed-in person and give the session's handle."""
        tenant = tenant or self.acme
        key = {self.acme: self.acme_key, self.globex: self.globex_key}[tenant]
        credential = authlevels.resolve_credential(key, at=clock.now())
        assert credential is not None
        return authlevels.assert_session(
            tenant_id=tenant,
            credential=credential,
            subject_type="user",
            subject_id=subject,
            amr=["pwd"],
            auth_time=clock.now(),
            idp="https://login.example",
            at=clock.now(),
        ).handle


def code_at(at: datetime) -> str:
    """Give the one-time code of an instant, by an implementation that is not ours."""
    return pyotp.TOTP(TOTP_SECRET).at(at)


@pytest.fixture
def world(db: None, worlds: rows.Worlds) -> World:
    """Give each test the vendor as its operator would set it up: made once, then put back row by row."""
    authlevels.forget_credentials()
    made = worlds.put_back("northwind", _made)
    remember_tenants("northwind", at=made.at)
    return made


def _made() -> World:
    """Set up the vendor through the rooms' doors, as its operator would."""
    at = datetime.now(UTC) - timedelta(minutes=1)  # noqa: TID251 - a test's edge: real doors read the real clock
    _catalogue(at)
    acme, globex = (
        licensing.put_tenant(slug=slug, name=slug.title(), by="test", at=at)[0].id for slug in ("acme", "globex")
    )
    for tenant_id, plan in ((acme, "starter"), (globex, "regulated")):
        licensing.put_subscription(tenant_id=tenant_id, plan=plan, by="test", at=at)
        licensing.put_member(
            tenant_id=tenant_id, subject_type="user", subject_id="alice", roles=["member"], by="test", at=at
        )
        authlevels.put_user(subject_id="alice", subject_type="user", realm=tenant_id, totp_secret=TOTP_SECRET, at=at)
    licensing.put_member(tenant_id=acme, subject_type="user", subject_id="bob", roles=["auditor"], by="test", at=at)
    licensing.put_member(tenant_id=acme, subject_type="user", subject_id="carol", roles=["member"], by="test", at=at)
    verbs = [Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT, Verb.STEP_UP_CREATE, Verb.STEP_UP_RELAY]
    return World(
        acme=acme,
        globex=globex,
        acme_key=_key(acme, "acme-api", verbs, at=at),
        globex_key=_key(globex, "globex-api", verbs, at=at),
        vendor_key=_key(licensing.VENDOR_TENANT_ID, "northwind-api", [*verbs, Verb.SUBSCRIPTION_WRITE], at=at),
        bare_key=_key(acme, "acme-bare", verbs, at=at, answer_style="bare"),
        at=at,
    )


@pytest.fixture
def client() -> Client:
    """Ask over HTTP, with errors as responses, not as exceptions."""
    return Client(raise_request_exception=False)


def _key(tenant_id: UUID, name: str, verbs: list[Verb], *, at: datetime, answer_style: str = "full") -> str:
    _credential, secret = authlevels.create_credential(
        tenant_id=tenant_id, name=name, verbs=verbs, by="test", at=at, answer_style=answer_style
    )
    return secret


def _catalogue(at: datetime) -> None:
    aal2 = Requirement(level=Level.AAL2, max_age=300, scope=Scope.ACTION)
    once = Requirement(level=Level.AAL2, max_age=120, scope=Scope.TRANSACTION)
    with licensing.edit_catalogue(by="test", at=at) as edit:
        edit.put_feature(FeatureSpec(key="reports", kind=FeatureKind.SWITCH, title="Reports"))
        edit.put_feature(
            FeatureSpec(
                key="exports", kind=FeatureKind.SWITCH, sensitivity=Sensitivity.REGULATED, title="Regulated exports"
            )
        )
        edit.put_action(
            ActionSpec(name="reports.read", resource_type="report", privilege="reports.read", feature="reports")
        )
        edit.put_action(
            ActionSpec(
                name="exports.create",
                title="Export customers",
                resource_type="export",
                privilege="exports.create",
                feature="exports",
            )
        )
        edit.put_action(
            ActionSpec(
                name="payments.approve",
                title="Approve a payment",
                resource_type="payment",
                privilege="payments.approve",
                binds=("resource.properties.amount", "resource.properties.payee"),
                requirement=once,
            )
        )
        edit.put_scope(ScopeSpec(name="exports", title="Export customers", actions=("exports.create",)))
        edit.put_scope(ScopeSpec(name="payments", title="Approve a payment", actions=("payments.approve",)))
        edit.put_scope(ScopeSpec(name="everything", actions=("exports.create", "reports.read")))
        edit.put_role("member", ["reports.read", "exports.create", "payments.approve"])
        edit.put_plan(
            licensing.PlanSpec(key="starter", title="Starter", rank=1, terms=(Term(feature="reports", value=True),))
        )
        edit.put_plan(
            licensing.PlanSpec(
                key="regulated",
                title="Regulated",
                rank=2,
                price=licensing.Price(amount=49900, currency="eur", interval="month"),
                terms=(
                    Term(feature="reports", value=True),
                    Term(feature="exports", value=True, requirement=aal2),
                ),
            )
        )
