"""Acme in March 2026: Alice, who may export customers with a second factor, and what happened there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pyotp
import pytest
from django.core.management import call_command

from authlevels import api as authlevels
from decisions import api as decisions
from licensing import api as licensing
from tests import rows
from tests.asked_before import remember_tenants
from tests.decisions.conftest import TOTP_SECRET
from tiergate import (
    ActionSpec,
    FeatureKind,
    FeatureSpec,
    Level,
    Requirement,
    Scope,
    Sensitivity,
    Term,
    Verb,
)

MARCH_1 = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 10, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Office:
    """A tenant whose trail has something to tell."""

    tenant_id: UUID
    credential: authlevels.Credential

    def assert_session(self, subject: str = "alice", *, at: datetime = MORNING) -> authlevels.Session:
        return authlevels.assert_session(
            tenant_id=self.tenant_id,
            credential=self.credential,
            subject_type="user",
            subject_id=subject,
            amr=["pwd"],
            auth_time=at,
            idp="okta",
            at=at,
            origin=authlevels.Origin(ip="192.0.2.7", user_agent="Firefox", device="laptop"),
        )

    def ask(
        self,
        session: authlevels.Session,
        action: str = "customers.export",
        *,
        at: datetime,
        resource: tuple[str, str] = ("export", "customers"),
        **properties: Any,
    ) -> decisions.Answer:
        return decisions.evaluate(
            decisions.Question(
                tenant_id=self.tenant_id,
                home=self.tenant_id,
                asked_by="credential:reports-api",
                subject=decisions.Entity(type=session.subject_type, id=session.subject_id),
                action=action,
                resource=decisions.Entity(type=resource[0], id=resource[1], properties=properties),
                context=decisions.Context(session=session.handle, environment="production"),
                is_claiming=True,
            ),
            at=at,
        )

    def challenge(self, answer: decisions.Answer, *, at: datetime) -> str:
        return authlevels.open_challenge(
            tenant_id=self.tenant_id, decision_id=answer.public_id, credential=self.credential, at=at
        ).id

    def show(self, challenge: str, code: str, *, at: datetime) -> authlevels.Passed | authlevels.StillOpen:
        return authlevels.verify(
            ref=challenge,
            method=authlevels.ChallengeMethod.TOTP,
            code=code,
            presenter=authlevels.Presenter(credential=self.credential),
            at=at,
        )

    def export(self, *, at: datetime = MORNING, seconds: float = 8) -> authlevels.Passed:
        """A whole story: refused, asked, answered, and gone ahead with."""
        session = self.assert_session(at=at - timedelta(minutes=1))
        challenge = self.challenge(self.ask(session, at=at), at=at)
        answered = at + timedelta(seconds=seconds)
        passed = self.show(challenge, code_at(answered), at=answered)
        assert isinstance(passed, authlevels.Passed)
        assert self.ask(session, at=answered + timedelta(seconds=60)).decision.is_allowed
        return passed


def code_at(at: datetime) -> str:
    return pyotp.TOTP(TOTP_SECRET).at(at)


@pytest.fixture
def office(db: None, worlds: rows.Worlds) -> Office:
    """Give each test the office as it was on the first of March: made once, then put back row by row."""
    authlevels.forget_credentials()
    made = worlds.put_back("office", _made)
    remember_tenants("office", at=MARCH_1)
    return made


def _made() -> Office:
    aal2 = Requirement(level=Level.AAL2, max_age=300, scope=Scope.ACTION)
    with licensing.edit_catalogue(by="account:olga", at=MARCH_1) as edit:
        edit.put_feature(
            FeatureSpec(key="exports", kind=FeatureKind.SWITCH, sensitivity=Sensitivity.REGULATED, title="Exports")
        )
        edit.put_action(
            ActionSpec(
                name="customers.export",
                title="Export customers",
                resource_type="export",
                privilege="customers.export",
                feature="exports",
                environment_aware=True,
                environments={"production": aal2},
            )
        )
        edit.put_action(
            ActionSpec(
                name="payments.approve",
                title="Approve a payment",
                resource_type="payment",
                privilege="payments.approve",
                binds=("resource.properties.amount", "resource.properties.payee"),
                requirement=Requirement(level=Level.AAL2, max_age=120, scope=Scope.TRANSACTION),
            )
        )
        edit.put_role("member", ["customers.export", "payments.approve"])
        edit.put_plan(
            licensing.PlanSpec(key="regulated", title="Regulated", rank=2, terms=(Term(feature="exports", value=True),))
        )
    tenant, _ = licensing.put_tenant(slug="acme", name="Acme", by="account:olga", at=MARCH_1)
    licensing.put_subscription(tenant_id=tenant.id, plan="regulated", by="account:olga", at=MARCH_1)
    for subject, name, roles in (("alice", "Alice", ["member"]), ("bob", "Bob Builder", ["auditor"])):
        licensing.put_member(
            tenant_id=tenant.id,
            subject_type="user",
            subject_id=subject,
            roles=roles,
            display_name=name,
            by="account:olga",
            at=MARCH_1,
        )
    authlevels.put_user(
        subject_id="alice", subject_type="user", realm=tenant.id, totp_secret=TOTP_SECRET, by="manage.py", at=MARCH_1
    )
    verbs = [Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT, Verb.STEP_UP_CREATE, Verb.STEP_UP_RELAY]
    credential, _secret = authlevels.create_credential(
        tenant_id=tenant.id, name="reports-api", verbs=verbs, by="manage.py", at=MARCH_1
    )
    return Office(tenant.id, credential)


@pytest.fixture
def show() -> Callable[..., str]:
    """Run `audit show` and return what it prints."""

    def run(*more: str, tenant: str = "acme") -> str:
        out = StringIO()
        call_command("audit", "show", "--tenant", tenant, *more, stdout=out)
        return out.getvalue()

    return run
