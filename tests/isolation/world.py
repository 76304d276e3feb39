"""Two tenants that hold something of everything, and whatever a thing of one could be mistaken for in the other.

Acme attacks, Globex is attacked. Everything of Globex has a name or id that occurs nowhere in Acme, and each has a
*ghost*: a name or id of the same shape of something that exists nowhere. Whatever Acme asks about a thing of Globex
must be answered as if it asked about its ghost.
"""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pyotp
from django.test import Client

from authlevels import api as authlevels
from authlevels.models import (
    Ceremony,
    Challenge,
    Elevation,
    Notice,
    ProofRow,
    RecoveryGrant,
    SessionRow,
    Token,
    Unready,
    UntoldEnd,
)
from billing import api as billing
from billing.models import Checkout, Quote
from billing.state import State, StripeSubscription
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from licensing.models.outbox import EventKind
from licensing.webhooks.handing_out import hand_out
from riskengine import api as risk
from riskengine.models import Erasure, Part, Policy, ProfileRow, Run, SessionRisk, TenantCutoffs, TenantPopulation
from riskengine.population import Counts
from riskengine.references import encode_counts
from riskengine.stored import Taught, encode_stored, teach
from sample.models import Deletion, Payment
from tests.decisions.asking import ask, export
from tests.decisions.conftest import PASSWORD, TOTP_SECRET, _catalogue
from tests.isolation.ghosts import name_everything
from tests.isolation.sides import Side, World
from tiergate import ActionSpec, FeatureKind, FeatureSpec, Level, Requirement, Term, Verb

# What the sample product asks for, without the proofs that it wants: they must not be what refuses.
SAMPLE_ACTIONS = (
    ("reports.share", "report"),
    ("exports.create_csv", "report"),
    ("exports.create_regulated", "report"),
    ("workspace.delete", "workspace"),
)
RETURN_TO = "https://reports.example/back"

# Every entry so far as the sealer would have it; what the hashes say is no matter here.
_LEAVES = """
    INSERT INTO audit_leaf (position, tenant_id, ordinal, previous_seq, entry_id, seq, kind, at, hash)
    SELECT row_number() OVER (ORDER BY seq) - 1, tenant_id, row_number() OVER own - 1, coalesce(lag(seq) OVER own, 0),
           id, seq, kind, at, sha256(id::text::bytea)
    FROM audit_entry WINDOW own AS (PARTITION BY tenant_id ORDER BY seq)
"""


def make_world(inside: psycopg.Connection) -> World:
    """Set both tenants up through the rooms' doors."""
    at = clock.now() - timedelta(minutes=1)
    _catalogue(at)
    with licensing.edit_catalogue(by="test", at=at) as edit:
        edit.put_plan(licensing.PlanSpec(key="extra", kind="add_on", terms=(Term(feature="reports", value=True),)))
        edit.put_feature(FeatureSpec(key="calls", kind=FeatureKind.LIMIT))
        for name, resource in SAMPLE_ACTIONS:
            edit.put_action(ActionSpec(name=name, resource_type=resource, privilege="reports.read", feature="reports"))
        edit.put_action(
            ActionSpec(
                name="reports.publish",
                resource_type="export",
                privilege="reports.read",
                requirement=Requirement(approvals=2),
            )
        )
    world = World(acme=_side("acme", at), globex=_side("globex", at))
    licensing.create_endpoint(url="https://hooks.northwind.example/tiergate", kinds=[*EventKind], by="test", at=at)
    hand_out(at=at)
    refresh(world)
    inside.execute(_LEAVES)
    name_everything(world, inside)
    return world


def refresh(world: World) -> None:
    """Give Acme's owner a proof of a moment ago by each factor, so that what asks for a fresh one is not what refuses.

    Acme's sessions were used a moment ago too: a use is written down once a minute, and not by each request then.
    """
    side, at = world.acme, clock.now()
    session = authlevels.resolve_session_secret(side.secret, at=at)
    assert session is not None
    with tenant_transaction(side.tenant_id):
        SessionRow.objects.update(last_seen_at=at)
        ProofRow.objects.filter(session_id=session.id, challenge_id=None).update(at=at)
        if not ProofRow.objects.filter(session_id=session.id, method="otp", challenge_id=None).exists():
            handle = next(one.id for one in authlevels.list_factors(user_id=session.user_id) if one.kind == "totp")
            ProofRow.objects.create(
                tenant_id=side.tenant_id,
                session_id=session.id,
                method="otp",
                at=at,
                issuer="tiergate",
                authenticator=f"totp:{handle}",
                factor_kind="possession",
            )


def _side(slug: str, at: datetime) -> Side:
    tenant_id = licensing.put_tenant(slug=slug, name=f"The {slug} company", by="test", at=at)[0].id
    side = Side(
        slug=slug,
        tenant_id=tenant_id,
        key="",
        owner=f"olga-of-{slug}",
        person=f"paul-of-{slug}",
        role=f"night-shift-of-{slug}",
    )
    _hold(side, at)
    _employ(side, at)
    _credential, side.key = authlevels.create_credential(
        tenant_id=tenant_id,
        name=f"vault-of-{slug}",
        verbs=list(Verb),
        return_to_origins=["https://reports.example", f"https://{slug}.example"],
        by="test",
        at=at,
    )
    _session, side.secret = authlevels.sign_in_with_password(
        tenant_id=tenant_id, username=side.owner, password=PASSWORD, network=f"net-of-{slug}", at=clock.now()
    )
    _step_up(side)
    side.suspended = (
        authlevels.suspend_request(
            session=_session,
            browser="tgb_of-both",
            decision_id=side.decision,
            original=authlevels.Original(method="POST", path=f"/northwind/payments?of={slug}", body=b"{}"),
            at=clock.now(),
        )
        or ""
    )
    person = {"tenant_id": tenant_id, "subject_type": "user", "subject_id": side.person}
    _agree(side)
    _risk(side, at)
    with tenant_transaction(tenant_id):
        asked = Challenge.objects.filter(tenant_id=tenant_id, closed_at=None).earliest("created_at")
        Ceremony.objects.create(
            tenant_id=tenant_id,
            session_id=asked.session_id,
            challenge_id=asked.id,
            purpose="step_up",
            nonce=f"nonce-of-{slug}".encode(),
            created_at=at,
            expires_at=at + timedelta(minutes=5),
        )
        held = Elevation.objects.filter(tenant_id=tenant_id, awaits_digest=None).earliest("created_at")
        Token.objects.create(
            tenant_id=tenant_id,
            session_id=held.session_id,
            elevation_id=held.id,
            audience=f"https://ledger.{slug}.example",
            scopes=["exports"],
            kid=f"key-of-{slug}",
            issued_to=f"credential:vault-of-{slug}",
            issued_at=held.created_at,
            expires_at=held.created_at + timedelta(minutes=2),
        )
        Unready.objects.create(**person, level="aal3", since=clock.now())
        Notice.objects.create(
            **person,
            kind="factor_added",
            address=f"{side.person}@{slug}.example",
            told={},
            created_at=at,
            next_try_at=at,
        )
        UntoldEnd.objects.create(
            tenant_id=tenant_id, session_id=_session.id, why="support_session_ended", ended_at=clock.now()
        )
        RecoveryGrant.objects.create(
            tenant_id=tenant_id, session_id=_session.id, created_at=at, expires_at=at + timedelta(minutes=15)
        )
        Deletion.objects.create(tenant_id=tenant_id, asked_by=side.owner, asked_at=at, due_at=at + timedelta(days=30))
        Payment.objects.create(
            tenant_id=tenant_id,
            reference=f"invoice-of-{slug}",
            amount=100,
            currency="EUR",
            payee=f"baker-of-{slug}",
            approved_by=side.owner,
            approved_at=at,
        )
    return side


def _hold(side: Side, at: datetime) -> None:
    tenant_id, aal2 = side.tenant_id, Requirement(level=Level.AAL2)
    authlevels.put_policy(tenant_id=tenant_id, new_factor_cooldown=0, by="test", at=at)
    licensing.put_role(tenant_id=tenant_id, key=side.role, privileges=["reports.read"], by="test", at=at)
    # The vendor's own word for its staff, which a tenant may give to a role of its own: it must mean nothing.
    licensing.put_role(tenant_id=tenant_id, key="operator", privileges=["reports.read"], by="test", at=at)
    licensing.put_subscription(tenant_id=tenant_id, plan="regulated", add_ons=["extra"], by="test", at=at)
    environments = {f"live-of-{side.slug}": "production"}
    licensing.put_environments(tenant_id=tenant_id, environments=environments, by="test", at=at)
    reason = f"agreed-with-{side.slug}"
    licensing.put_override(
        tenant_id=tenant_id, feature="exports", effect="inherit", requirement=aal2, reason=reason, by="test", at=at
    )
    licensing.remove_override(tenant_id=tenant_id, feature="exports", by="test", at=at)
    licensing.put_override(
        tenant_id=tenant_id, feature="reports", effect="value", value=True, reason=reason, by="test", at=at
    )
    licensing.put_override(
        tenant_id=tenant_id, feature="calls", effect="value", limit=9, reason=reason, by="test", at=at
    )
    licensing.reserve(
        tenant_id=tenant_id,
        items=[("calls", 1)],
        key=f"use-of-{side.slug}",
        subject=("user", side.person),
        ttl=timedelta(days=7),
        at=clock.now(),
    )
    licensing.invite(
        tenant_id=tenant_id, address=f"guest@{side.slug}.example", roles=[side.role], by="test", at=clock.now()
    )
    _pay(side, at)
    licensing.schedule_change(
        tenant_id=tenant_id, plan="regulated", effective_at=at + timedelta(days=30), by=f"test-of-{side.slug}", at=at
    )


class _Ended:
    """A Stripe where everybody once had something."""

    def subscriptions_of(self, customer: str) -> State:
        return (StripeSubscription(id=f"sub_of_{customer}", status="canceled", created=clock.now(), items=()),)


def _pay(side: Side, at: datetime) -> None:
    """Leave an account at Stripe, what was read of it, and a call that waits."""
    tenant_id, customer = side.tenant_id, f"cus_{side.slug}"
    billing.link_customer(tenant_id=tenant_id, stripe_id=customer, by="test", at=at)
    billing.sync_tenant(tenant_id=tenant_id, gateway=_Ended(), clock=clock.now)
    billing.call_later(
        tenant_id=tenant_id,
        operation=billing.Operation.UPDATE_CUSTOMER,
        parameters={"customer": customer, "tenant": str(tenant_id), "name": f"Bills of {side.slug}"},
        purpose=f"name-of-{side.slug}",
        at=at,
    )
    with tenant_transaction(tenant_id):
        Checkout.objects.create(
            tenant_id=tenant_id,
            key=f"checkout-of-{side.slug}",
            prices=[f"price_of_{side.slug}"],
            by=f"account:{side.owner}",
            session_id=f"cs_test_{side.slug}",
            url=f"https://pay.example/{side.slug}",
            created_at=at,
            expires_at=at + timedelta(hours=1),
        )
        Quote.objects.create(
            tenant_id=tenant_id,
            by=f"account:{side.owner}",
            subscription=f"sub_of_{side.slug}",
            state=f"state-of-{side.slug}",
            when="now",
            wanted={"prices": [f"price_of_{side.slug}"]},
            items=[{"id": f"si_of_{side.slug}"}],
            proration_date=int(at.timestamp()),
            cost={"amount_due": 1},
            created_at=at,
            expires_at=at + timedelta(minutes=15),
        )


def _risk(side: Side, at: datetime) -> None:
    """Leave a signal of each kind's shape, and all that is made of signals."""
    seen = risk.Seen(network="203.0.113.0/24", asn=f"provider-of-{side.slug}", family=f"browser-of-{side.slug}", hour=9)
    person: dict[str, Any] = {"tenant_id": side.tenant_id, "subject_type": "user", "subject_id": side.person}
    signal: dict[str, Any] = {
        "tenant_id": side.tenant_id,
        "subject": ("user", side.person),
        "session_id": None,
        "seen": seen,
    }
    risk.record_signal(**signal, kind="sign_in", trust=1.0, ip="203.0.113.7", at=at)
    risk.record_signal(**signal, kind="sign_in_failed", at=at)
    stored = teach(None, Taught(id=uuid4(), at=at, trust=1.0, seen=seen))
    run = Run.objects.using("sweep").create(begun_at=at, ended_at=at)
    with tenant_transaction(side.tenant_id):
        Part.objects.create(tenant_id=side.tenant_id, run_id=run.id)
        ProfileRow.objects.create(**person, state=encode_stored(stored), epoch=at, updated_at=at)
        Policy.objects.create(tenant_id=side.tenant_id, updated_at=at, updated_by=f"test-of-{side.slug}")
        TenantCutoffs.objects.create(
            tenant_id=side.tenant_id, medium=1, high=2, critical=3, samples=100, calibrated_at=at
        )
        counts = Counts.of([("asn", "", f"provider-of-{side.slug}", 1.0)])
        TenantPopulation.objects.create(tenant_id=side.tenant_id, state=encode_counts(counts), people=1, counted_at=at)
        Erasure.objects.create(
            tenant_id=side.tenant_id, digest=f"somebody-of-{side.slug}".encode(), erased_at=at - timedelta(hours=1)
        )
        SessionRisk.objects.create(
            **person, session_id=uuid4(), band="high", raised_at=at, looks={f"looks-of-{side.slug}": "high"}
        )


def _employ(side: Side, at: datetime) -> None:
    authlevels.put_user(subject_id=side.owner, password=PASSWORD, totp_secret=TOTP_SECRET, at=at)
    authlevels.put_user(
        subject_id=side.person, subject_type="user", realm=side.tenant_id, totp_secret=TOTP_SECRET, at=at
    )
    for kind, name, roles in (
        ("account", side.owner, ["owner", "operator"]),
        ("user", side.person, ["member", side.role]),
    ):
        licensing.put_member(
            tenant_id=side.tenant_id,
            subject_type=kind,
            subject_id=name,
            roles=roles,
            display_name=f"Known as {name}",
            by="test",
            at=at,
        )


def _step_up(side: Side) -> None:
    """Leave an open challenge, one handed to a browser, one passed with its elevation, and one to be redeemed."""
    client, code = Client(), pyotp.TOTP(TOTP_SECRET)
    credential = authlevels.resolve_credential(side.key, at=clock.now())
    assert credential is not None

    def vouched() -> str:
        return authlevels.assert_session(
            tenant_id=side.tenant_id,
            credential=credential,
            subject_type="user",
            subject_id=side.person,
            amr=["pwd"],
            auth_time=clock.now(),
            idp=f"https://login.{side.slug}.example",
            at=clock.now(),
        ).handle

    def refused(session: str) -> str:
        document = export(session=session)
        document["subject"]["id"] = side.person
        found: str = ask(client, side.key, document)["context"]["challenge"]["decision_id"]
        return found

    def opened(decision: str, **more: Any) -> Any:
        return ask(client, side.key, {"decision_id": decision, **more}, path="/step-up/challenges", status=201)

    side.session = vouched()
    side.decision = refused(side.session)
    side.challenge = opened(side.decision)["challenge_id"]
    link = opened(refused(vouched()), return_to=RETURN_TO, state=f"state-of-{side.slug}")
    side.handed_off, side.handoff = link["challenge_id"], urlsplit(link["url"]).query.removeprefix("handoff=")
    shown = {"method": "totp", "code": code.at(clock.now())}
    side.passed = opened(refused(vouched()))["challenge_id"]
    passed = ask(client, side.key, shown, path=f"/step-up/challenges/{side.passed}/verify")
    side.elevation = passed["elevation_id"]
    waiting = opened(refused(vouched()), return_to=RETURN_TO, state=f"state-of-{side.slug}")
    side.redeemable = waiting["challenge_id"]
    browser = Client()
    browser.get(waiting["url"])
    shown = {"method": "totp", "code": code.at(clock.now(), counter_offset=1)}
    answer = browser.post(f"/step-up/{side.redeemable}", shown)
    assert answer.status_code == 303, answer.content
    side.code = re.findall(r"code=([^&]+)", answer["Location"])[0]


def _agree(side: Side) -> None:
    """Leave an approval that waits for one more, with the owner's yes."""
    client, document = Client(), export(session=side.session)
    document["subject"]["id"], document["action"]["name"] = side.person, "reports.publish"
    asked = ask(client, side.key, document)["context"]["approval"]
    body = {"decision_id": asked["decision_id"]}
    side.approval = ask(client, side.key, body, path="/step-up/approvals", status=201)["approval_id"]
    path = f"/step-up/approvals/{side.approval}/grant"
    refused = ask(client, side.secret, {}, path=path, status=401)
    body = {"decision_id": refused["challenge"]["decision_id"]}
    opened = ask(client, side.secret, body, path="/step-up/challenges", status=201)
    shown = {"method": "totp", "code": pyotp.TOTP(TOTP_SECRET).at(clock.now())}
    ask(client, side.secret, shown, path=f"/step-up/challenges/{opened['challenge_id']}/verify")
    assert ask(client, side.secret, {}, path=path)["granted"] == 1
