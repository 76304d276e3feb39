"""Doors of what a passed challenge leaves: elevations, tokens and approvals, each gone through once."""

from typing import Any

from audit.api import Kind
from authlevels import api as authlevels
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.audit.doors_step_up import passed
from tests.audit.told import Told
from tests.authlevels.acme import (
    ALICES_SECRET,
    BOBS_SECRET,
    EXPORT,
    NOON,
    Acme,
    Asked,
    later,
)
from tiergate import Level, Requirement, Scope

ONCE = Asked(fields={"amount": 1}, requirement=Requirement(level=Level.AAL2, max_age=60, scope=Scope.TRANSACTION))


def _claimed(acme: Acme) -> None:
    bob = acme.assert_bob()
    acme.step_up(bob, BOBS_SECRET, ONCE, at=later(8))
    assert authlevels.claim_transaction(
        tenant_id=acme.tenant_id,
        session=bob.handle,
        binding=acme.binding(bob, ONCE),
        request_id="r1",
        at=later(9),
    )


def _ids(passed: authlevels.Passed) -> Any:
    found = authlevels.parse_elevation_ref(passed.elevation_id)
    assert found is not None
    return found[1]


def _used(acme: Acme) -> None:
    assert authlevels.claim_use(tenant_id=acme.tenant_id, elevation_id=_ids(passed(acme)), request_id="r1", at=later(9))


def _consumed(acme: Acme) -> None:
    with authlevels.elevation_consumed(tenant_id=acme.tenant_id, elevation_id=_ids(passed(acme)), at=later(9)):
        pass


def _ended(acme: Acme) -> None:
    presenter = authlevels.Presenter(credential=acme.credential)
    authlevels.end_elevation(ref=passed(acme).elevation_id, presenter=presenter, at=later(9))


def _all_ended(acme: Acme) -> None:
    bob = acme.assert_bob()
    acme.step_up(bob, BOBS_SECRET, at=later(8))
    authlevels.end_all_elevations(
        tenant_id=acme.tenant_id,
        session=bob.handle,
        presenter=authlevels.Presenter(credential=acme.credential),
        at=later(9),
    )


def _signer(_acme: Acme) -> authlevels.Signer:
    return authlevels.get_signer(at=NOON)


def _signing_key_revoked(acme: Acme) -> None:
    authlevels.revoke_signing_key(kid=_signer(acme).kid, by="account:olga", at=later(1))


def _ground(acme: Acme, asked: Asked = ONCE) -> tuple[authlevels.Ground, authlevels.Presenter]:
    presenter = authlevels.Presenter(credential=acme.credential)
    ref = passed(acme, asked).elevation_id
    with tenant_transaction(acme.tenant_id):
        return authlevels.get_ground(ref=ref, presenter=presenter, at=later(9)), presenter


def _token(acme: Acme) -> authlevels.IssuedToken:
    ground, presenter = _ground(acme, EXPORT)
    spec = authlevels.TokenSpec(
        issuer="https://access.example",
        audience="https://exports.example",
        tenant="acme",
        scopes=("exports",),
        shown={"acr": "aal2", "amr": ["otp"], "auth_time": 1},
        because={},
    )
    signer = _signer(acme)
    with tenant_transaction(acme.tenant_id):
        return authlevels.issue_token(ground=ground, spec=spec, signer=signer, presenter=presenter, at=later(9))


def _token_dropped(acme: Acme) -> None:
    ids = authlevels.parse_token_ref(_token(acme).id)
    assert ids is not None
    authlevels.drop_token(tenant_id=ids[0], token_id=ids[1], why="revoked", by="account:olga", at=later(10))


def _used_from_afar(acme: Acme, request_id: str = "r1") -> authlevels.HeldElevation:
    bob = acme.assert_bob()
    held = authlevels.get_elevation(ref=acme.step_up(bob, BOBS_SECRET, at=later(8)).elevation_id)
    with tenant_transaction(acme.tenant_id):
        authlevels.lock_elevation(held, request_id=request_id, at=later(9))
        authlevels.use_elevation(held, target=acme.target(bob, EXPORT), request_id=request_id, at=later(9))
    return held


def _used_in_vain(acme: Acme) -> None:
    held = _used_from_afar(acme)
    authlevels.record_refused_use(held=held, why="used", credential=acme.credential, at=later(10))


TOGETHER = Asked(fields={"amount": 1}, requirement=Requirement(level=Level.AAL2, scope=Scope.TRANSACTION, approvals=1))


def _asked_others(acme: Acme) -> tuple[str, authlevels.Session]:
    licensing.put_role(
        tenant_id=acme.tenant_id, key="member", privileges=["reports.export"], by="account:olga", at=NOON
    )
    bob = acme.assert_bob()
    approval = authlevels.open_approval(
        tenant_id=acme.tenant_id, decision_id=acme.refused(bob, TOGETHER, at=NOON), credential=acme.credential, at=NOON
    )
    return approval.id, bob


def _agreed(acme: Acme) -> authlevels.Session:
    approval, bob = _asked_others(acme)
    alice, _secret = acme.sign_in_alice()
    grant = Asked(action="tiergate.approval.grant", resource=("tiergate", approval), requirement=ONCE.requirement)
    acme.step_up(alice, ALICES_SECRET, grant, at=later(8))
    authlevels.grant_approval(ref=approval, session=alice, binding=acme.binding(alice, grant), at=later(9))
    return bob


def _disagreed(acme: Acme) -> None:
    approval, _bob = _asked_others(acme)
    authlevels.refuse_approval(ref=approval, session=acme.sign_in_alice()[0], at=later(9))


def _did_together(acme: Acme) -> None:
    bob = _agreed(acme)
    assert authlevels.claim_approval(
        tenant_id=acme.tenant_id,
        subject=bob.subject,
        binding=acme.binding(bob, TOGETHER),
        requirement=TOGETHER.requirement,
        request_id="r1",
        at=later(10),
    )


# Each door with what it does here, and what it tells.
TOLD: Told = {
    "claim_transaction": (_claimed, {Kind.ELEVATION_USED}),
    "claim_use": (_used, {Kind.ELEVATION_USED}),
    "elevation_consumed": (_consumed, {Kind.ELEVATION_USED}),
    "use_elevation": (_used_from_afar, {Kind.ELEVATION_USED}),
    "record_refused_use": (_used_in_vain, {Kind.ELEVATION_REFUSED}),
    "end_elevation": (_ended, {Kind.ELEVATION_ENDED}),
    "end_all_elevations": (_all_ended, {Kind.ELEVATION_ENDED}),
    "get_ground": (_ground, {Kind.ELEVATION_USED}),
    "get_signer": (_signer, {Kind.SIGNING_KEY_CREATED}),
    "revoke_signing_key": (_signing_key_revoked, {Kind.SIGNING_KEY_REVOKED}),
    "issue_token": (_token, {Kind.SCOPE_RAISED}),
    "drop_token": (_token_dropped, {Kind.SCOPE_DROPPED}),
    "open_approval": (_asked_others, {Kind.APPROVAL_OPENED}),
    "grant_approval": (_agreed, {Kind.APPROVAL_GRANTED}),
    "refuse_approval": (_disagreed, {Kind.APPROVAL_REFUSED}),
    "claim_approval": (_did_together, {Kind.APPROVAL_USED}),
}
