"""A tenant with two people: Alice, who signs in here, and Bob, whom his company's product vouches for."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pyotp
from django.contrib.auth.hashers import ScryptPasswordHasher

import audit.api
import licensing.api
from authlevels import api
from isolation.api import tenant_transaction
from tests import rows
from tiergate import (
    ActionSpec,
    Contribution,
    Decision,
    Facts,
    Level,
    MemberFact,
    Outcome,
    Requirement,
    Scope,
    SessionFacts,
    Target,
    TenantFact,
    Verb,
    Versions,
    binding,
    decide,
    satisfied_until,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSWORD = "a long walk on the beach at low tide"
ALICES_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BOBS_SECRET = "KRSXG5CTMVRXEZLUKN2XAZLSKRSXG5BR"
AAL2 = Requirement(level=Level.AAL2, max_age=300, scope=Scope.ACTION)
ONCE = Requirement(level=Level.AAL2, max_age=300, scope=Scope.TRANSACTION)

ALL_VERBS = (Verb.SESSIONS_ASSERT, Verb.STEP_UP_CREATE, Verb.STEP_UP_RELAY, Verb.ACCESS_EVALUATE)


def code(secret: str, at: datetime) -> str:
    """What the person's phone shows: computed by another implementation than ours."""
    return pyotp.TOTP(secret).at(at)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class QuickScrypt(ScryptPasswordHasher):
    """The hasher of production at a fraction of its cost."""

    work_factor = 2**4


@dataclass
class Asked:
    """One thing that somebody wants to do."""

    action: str = "reports.export"
    resource: tuple[str, str] = ("report", "q3")
    fields: dict[str, Any] = field(default_factory=dict)
    requirement: Requirement = AAL2


EXPORT = Asked()


@dataclass
class Acme:
    """The tenant, with what a test does in it over and over."""

    tenant_id: UUID
    credential: api.Credential
    secret: str
    own: dict[str, api.Session] = field(default_factory=dict)

    def sign_in_alice(self, at: datetime = NOON) -> tuple[api.Session, str]:
        return api.sign_in_with_password(
            tenant_id=self.tenant_id, username="alice", password=PASSWORD, network="192.0.2.1", at=at
        )

    def assert_bob(self, at: datetime = NOON, **more: Any) -> api.Session:
        said = {"amr": ["pwd"], "auth_time": at, "idp": "okta", **more}
        return api.assert_session(
            tenant_id=self.tenant_id,
            credential=said.pop("credential", self.credential),
            subject_type="user",
            subject_id="bob",
            at=at,
            **said,
        )

    def facts(self, session: api.Session, at: datetime, request_id: str = "") -> SessionFacts:
        return api.session_facts(
            tenant_id=self.tenant_id, session=session.handle, subject=session.subject, at=at, request_id=request_id
        )

    def target(self, session: api.Session, asked: Asked) -> Target:
        return Target(action=asked.action, resource="/".join(asked.resource), binding=self.binding(session, asked))

    def binding(self, session: api.Session, asked: Asked) -> str:
        return binding(
            tenant=str(self.tenant_id),
            subject=session.subject,
            session=session.handle,
            action=asked.action,
            resource=asked.resource,
            fields=asked.fields,
        )

    def is_met(self, session: api.Session, asked: Asked = EXPORT, *, at: datetime, request_id: str = "") -> bool:
        """Whether the session's proofs meet what is asked, by the kernel."""
        facts = self.facts(session, at, request_id)
        met = satisfied_until(
            asked.requirement, facts.proofs, target=self.target(session, asked), activity=facts.activity, at=at
        )
        return met is not None

    def decide(self, session: api.Session, asked: Asked = EXPORT, *, at: datetime) -> tuple[str, Decision]:
        """Decide by the kernel and record it as the room above does; return the public id and the decision."""
        facts = Facts(
            at=at,
            subject=session.subject,
            action_name=asked.action,
            resource=asked.resource,
            binding=self.binding(session, asked),
            tenant=TenantFact(id=str(self.tenant_id), slug="acme", is_active=True),
            member=MemberFact(roles=("member",), is_active=True),
            privileges=("reports.export",),
            action=ActionSpec(
                name=asked.action,
                resource_type=asked.resource[0],
                privilege="reports.export",
                title="Export a report",
            ),
            session=self.facts(session, at),
            contributions=(Contribution(source="test", requirement=asked.requirement),),
            versions=Versions(snapshot="g1.t1", policy="p1"),
        )
        decision = decide(facts)
        payload = msgspec.json.encode({"facts": facts, "decision": decision, "fields": asked.fields})
        with tenant_transaction(self.tenant_id):
            entry = audit.api.append(
                tenant_id=self.tenant_id, kind=audit.api.Kind.DECISION, at=at, payload=payload, subject=session.subject
            )
        return api.decision_ref(entry), decision

    def refused(self, session: api.Session, asked: Asked = EXPORT, *, at: datetime) -> str:
        """The id of a recorded step-up refusal."""
        ref, decision = self.decide(session, asked, at=at)
        assert decision.outcome == Outcome.STEP_UP, decision
        return ref

    def challenge(
        self, session: api.Session, asked: Asked = EXPORT, *, at: datetime = NOON, **more: Any
    ) -> api.OpenedChallenge:
        """A challenge that the product opened for a refusal."""
        opened = api.open_challenge(
            tenant_id=self.tenant_id,
            decision_id=self.refused(session, asked, at=at),
            credential=self.credential,
            at=at,
            **more,
        )
        if session.is_own:
            self.own[opened.id] = session
        return opened

    def show(
        self, challenge: api.OpenedChallenge, shown: str, *, at: datetime, method: str = "totp", **by: Any
    ) -> api.Passed | api.StillOpen:
        """Show a code or password to a challenge: in its own session, or else relayed by the product."""
        own = self.own.get(challenge.id)
        presenter = api.Presenter(**(by or ({"session": own} if own else {"credential": self.credential})))
        return api.verify(ref=challenge.id, method=api.ChallengeMethod(method), code=shown, presenter=presenter, at=at)

    def step_up(self, session: api.Session, secret: str, asked: Asked = EXPORT, *, at: datetime) -> api.Passed:
        """A whole step-up, from the refusal to the elevation."""
        passed = self.show(self.challenge(session, asked, at=at), code(secret, at), at=at)
        assert isinstance(passed, api.Passed)
        return passed


def found_acme(slug: str = "acme") -> Acme:
    tenant, _ = licensing.api.put_tenant(slug=slug, name=slug.title(), by="test", at=NOON)
    for subject in (("account", "alice"), ("user", "bob")):
        licensing.api.put_member(
            tenant_id=tenant.id, subject_type=subject[0], subject_id=subject[1], roles=["member"], by="test", at=NOON
        )
    api.put_user(
        realm=tenant.id, subject_type="user", subject_id="bob", totp_secret=BOBS_SECRET, at=NOON - timedelta(days=1)
    )
    credential, secret = api.create_credential(
        tenant_id=tenant.id,
        name="reports-api",
        verbs=ALL_VERBS,
        return_to_origins=["https://reports.example"],
        by="test",
        at=NOON - timedelta(days=1),
    )
    return Acme(tenant_id=tenant.id, credential=credential, secret=secret)


def restored_acme(worlds: rows.Worlds) -> Acme:
    """The tenant and its people as they were made: once in this process, then put back row by row."""
    licensing.api.forget_snapshots()
    api.forget_credentials()
    return replace(worlds.put_back("acme", _made), own={})


def _made() -> Acme:
    put_alice()
    return found_acme()


def put_alice() -> None:
    api.put_user(
        subject_id="alice",
        email="alice@acme.example",
        password=PASSWORD,
        totp_secret=ALICES_SECRET,
        at=NOON - timedelta(days=1),
    )
