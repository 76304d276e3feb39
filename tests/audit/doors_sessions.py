"""Doors of who asks: sessions, impersonation and credentials, each gone through once."""

from contextlib import suppress
from datetime import timedelta

from audit.api import Kind
from authlevels import api as authlevels
from licensing import api as licensing
from riskengine import api as riskengine
from tests.audit.told import Told
from tests.authlevels.acme import (
    NOON,
    PASSWORD,
    Acme,
    later,
)


def _policy(acme: Acme) -> None:
    authlevels.put_policy(tenant_id=acme.tenant_id, max_failures=5, by="account:olga", at=NOON)


def _rotated(acme: Acme) -> None:
    authlevels.rotate_credential(
        tenant_id=acme.tenant_id,
        credential_id=acme.credential.id,
        overlap=timedelta(hours=1),
        by="account:olga",
        at=NOON,
    )


def _revoked(acme: Acme) -> None:
    authlevels.revoke_credential(tenant_id=acme.tenant_id, credential_id=acme.credential.id, by="account:olga", at=NOON)


def _created(acme: Acme) -> None:
    authlevels.create_credential(
        tenant_id=acme.tenant_id, name="second", verbs=["access.evaluate"], by="account:olga", at=NOON
    )


def _session_ended(acme: Acme) -> None:
    authlevels.end_session(
        tenant_id=acme.tenant_id, session_id=acme.assert_bob().id, by="credential:reports-api", at=later(1)
    )


def _own_session_ended(acme: Acme) -> None:
    (first, _), (second, _) = acme.sign_in_alice(), acme.sign_in_alice()
    authlevels.end_own_session(session=first, handle=second.handle, at=later(1))


def _other_sessions_ended(acme: Acme) -> None:
    first, _secret = acme.sign_in_alice()
    acme.sign_in_alice()
    assert authlevels.end_other_sessions(session=first, at=later(1)) == 1


def _wrong_password(acme: Acme) -> None:
    with suppress(authlevels.SignInFailed):
        authlevels.sign_in_with_password(
            tenant_id=acme.tenant_id, username="alice", password="wrong", network="192.0.2.1", at=NOON
        )


def _vouched_in_vain(acme: Acme) -> None:
    with suppress(authlevels.AssertionRefused):
        acme.assert_bob(amr=[])


def _impersonated(acme: Acme) -> authlevels.Session:
    authlevels.put_user(subject_id="olga", password=PASSWORD, by="test", at=NOON)
    licensing.put_member(
        tenant_id=licensing.VENDOR_TENANT_ID,
        subject_type="account",
        subject_id="olga",
        roles=["support"],
        by="test",
        at=NOON,
    )
    olga, _secret = authlevels.sign_in_with_password(
        tenant_id=licensing.VENDOR_TENANT_ID, username="olga", password=PASSWORD, network="192.0.2.9", at=NOON
    )
    return authlevels.begin_impersonation(
        support=olga,
        tenant_id=acme.tenant_id,
        subject_type="user",
        subject_id="bob",
        reason="Case 7",
        minutes=15,
        at=NOON,
    )


def _impersonation_ended(acme: Acme) -> None:
    session = _impersonated(acme)
    authlevels.end_impersonation(tenant_id=acme.tenant_id, session_id=session.id, by="account:olga", at=later(1))


def _looked_at(acme: Acme) -> None:
    riskengine.record_signal(
        tenant_id=acme.tenant_id,
        subject=("user", "bob"),
        session_id=None,
        kind="sign_in",
        seen=riskengine.Seen(network="203.0.113.0/24"),
        trust=1.0,
        at=NOON,
    )


def _looks_written_out(acme: Acme) -> None:
    _looked_at(acme)
    authlevels.export_risk(
        tenant_id=acme.tenant_id, subject=("user", "bob"), write=lambda _: None, by="account:olga", at=NOON
    )


def _looks_erased(acme: Acme) -> None:
    _looked_at(acme)
    authlevels.erase_risk(
        tenant_id=acme.tenant_id, subject=("user", "bob"), because="Case 7", by="account:olga", at=NOON
    )


# Each door with what it does here, and what it tells.
TOLD: Told = {
    "put_policy": (_policy, {Kind.STEP_UP_POLICY_CHANGED}),
    "assert_session": (Acme.assert_bob, {Kind.SESSION_STARTED}),
    "assert_session, in vain": (_vouched_in_vain, {Kind.SESSION_REFUSED}),
    "sign_in_with_password": (Acme.sign_in_alice, {Kind.SESSION_STARTED}),
    "sign_in_with_password, wrongly": (_wrong_password, {Kind.SIGN_IN_FAILED}),
    "begin_impersonation": (_impersonated, {Kind.SESSION_STARTED, Kind.IMPERSONATION_STARTED}),
    "end_impersonation": (_impersonation_ended, {Kind.SESSION_REVOKED}),
    "end_session": (_session_ended, {Kind.SESSION_REVOKED}),
    "end_own_session": (_own_session_ended, {Kind.SESSION_REVOKED}),
    "end_other_sessions": (_other_sessions_ended, {Kind.SESSION_REVOKED}),
    "export_risk": (_looks_written_out, {Kind.RISK_EXPORTED}),
    "erase_risk": (_looks_erased, {Kind.RISK_ERASED}),
    "create_credential": (_created, {Kind.CREDENTIAL_CREATED}),
    "rotate_credential": (_rotated, {Kind.CREDENTIAL_ROTATED}),
    "revoke_credential": (_revoked, {Kind.CREDENTIAL_REVOKED}),
}
