"""Each door through which something changes, gone through once at Acme, with what it tells."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from audit.api import Kind
from authlevels import api as authlevels
from authlevels.suspended import claim_suspended
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.authenticator import SoftKey
from tests.authlevels.acme import (
    ALICES_SECRET,
    BOBS_SECRET,
    EXPORT,
    NOON,
    PASSWORD,
    Acme,
    Asked,
    code,
    later,
    put_alice,
)
from tests.authlevels.with_passkeys import alice_with, step_up_with
from tiergate import FeatureKind, FeatureSpec, Level, Requirement, Scope, Term

type Do = Callable[[Acme], object]


def _catalogue(_acme: Acme) -> None:
    with licensing.edit_catalogue(by="account:olga", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH, title="Exports"))
        edit.put_plan(
            licensing.PlanSpec(key="gold", title="Gold", rank=1, terms=(Term(feature="exports", value=True),))
        )


def _subscription(acme: Acme) -> None:
    _catalogue(acme)
    licensing.put_subscription(tenant_id=acme.tenant_id, plan="gold", by="account:olga", at=NOON)


def _override(acme: Acme) -> None:
    _catalogue(acme)
    licensing.put_override(
        tenant_id=acme.tenant_id, feature="exports", effect="removed", reason="late", by="account:olga", at=NOON
    )


def _no_override(acme: Acme) -> None:
    _override(acme)
    licensing.remove_override(tenant_id=acme.tenant_id, feature="exports", by="account:olga", at=later(1))


def _member(acme: Acme) -> None:
    licensing.put_member(
        tenant_id=acme.tenant_id, subject_type="user", subject_id="carol", roles=["owner"], by="account:olga", at=NOON
    )


def _no_member(acme: Acme) -> None:
    licensing.remove_member(tenant_id=acme.tenant_id, subject_type="user", subject_id="bob", by="account:olga", at=NOON)


def _role(acme: Acme) -> None:
    licensing.put_role(tenant_id=acme.tenant_id, key="boss", privileges=["x.y"], by="account:olga", at=NOON)


def _environments(acme: Acme) -> None:
    licensing.put_environments(
        tenant_id=acme.tenant_id, environments={"live": "production"}, by="account:olga", at=NOON
    )


def _tenant(_acme: Acme) -> None:
    licensing.put_tenant(slug="acme", name="Acme", settings={"acr": "x"}, by="account:olga", at=NOON)


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


def _handed_off(acme: Acme) -> tuple[str, str]:
    opened = acme.challenge(acme.assert_bob(), return_to="https://reports.example/back")
    browser = authlevels.hand_off(ref=opened.id, handoff=opened.path.partition("=")[2], browser="", at=NOON)
    return opened.id, browser


def _redeemed(acme: Acme) -> None:
    ref, browser = _handed_off(acme)
    passed = authlevels.verify(
        ref=ref,
        method=authlevels.ChallengeMethod.TOTP,
        code=code(BOBS_SECRET, later(8)),
        presenter=authlevels.Presenter(browser=browser),
        at=later(8),
    )
    assert isinstance(passed, authlevels.Passed)
    authlevels.redeem(ref=ref, code=passed.code, credential=acme.credential, at=later(9))


def _passed(acme: Acme, asked: Asked = EXPORT) -> authlevels.Passed:
    return acme.step_up(acme.assert_bob(), BOBS_SECRET, asked, at=later(8))


def _failed(acme: Acme) -> None:
    with pytest.raises(authlevels.WrongCode):
        acme.show(acme.challenge(acme.assert_bob()), "000000", at=later(8))


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
    assert authlevels.claim_use(
        tenant_id=acme.tenant_id, elevation_id=_ids(_passed(acme)), request_id="r1", at=later(9)
    )


def _consumed(acme: Acme) -> None:
    with authlevels.elevation_consumed(tenant_id=acme.tenant_id, elevation_id=_ids(_passed(acme)), at=later(9)):
        pass


def _ended(acme: Acme) -> None:
    presenter = authlevels.Presenter(credential=acme.credential)
    authlevels.end_elevation(ref=_passed(acme).elevation_id, presenter=presenter, at=later(9))


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
    ref = _passed(acme, asked).elevation_id
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


def _session_ended(acme: Acme) -> None:
    authlevels.end_session(
        tenant_id=acme.tenant_id, session_id=acme.assert_bob().id, by="credential:reports-api", at=later(1)
    )


def _dave(acme: Acme) -> authlevels.Session:
    authlevels.put_user(subject_id="dave", password=PASSWORD, by="account:olga", at=NOON)
    licensing.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=NOON
    )
    dave, _secret = authlevels.sign_in_with_password(
        tenant_id=acme.tenant_id, username="dave", password=PASSWORD, network="192.0.2.3", at=NOON
    )
    return dave


def _own_session_ended(acme: Acme) -> None:
    (first, _), (second, _) = acme.sign_in_alice(), acme.sign_in_alice()
    authlevels.end_own_session(session=first, handle=second.handle, at=later(1))


def _other_sessions_ended(acme: Acme) -> None:
    first, _secret = acme.sign_in_alice()
    acme.sign_in_alice()
    assert authlevels.end_other_sessions(session=first, at=later(1)) == 1


def _begun(acme: Acme) -> tuple[authlevels.Session, authlevels.Enrolment]:
    dave = _dave(acme)
    return dave, authlevels.begin_totp_enrolment(session=dave, facts=acme.facts(dave, later(1)), at=later(1))


def _confirmed(acme: Acme) -> authlevels.Session:
    dave, begun = _begun(acme)
    facts = acme.facts(dave, later(2))
    with pytest.raises(authlevels.WrongCode):
        authlevels.confirm_totp_enrolment(session=dave, facts=facts, code="000000", at=later(2))
    authlevels.confirm_totp_enrolment(session=dave, facts=facts, code=code(begun.secret, later(2)), at=later(2))
    return dave


def _passkey_begun(acme: Acme) -> None:
    dave = _dave(acme)
    authlevels.begin_passkey_enrolment(session=dave, facts=acme.facts(dave, later(1)), at=later(1))


def _passkey_confirmed(acme: Acme) -> None:
    dave = _dave(acme)
    facts = acme.facts(dave, later(1))
    options = authlevels.begin_passkey_enrolment(session=dave, facts=facts, at=later(1))
    made = SoftKey().create(options)
    authlevels.confirm_passkey_enrolment(session=dave, facts=facts, credential=made, at=later(2))
    with pytest.raises(authlevels.PasskeyRefused):
        authlevels.confirm_passkey_enrolment(session=dave, facts=facts, credential=made, at=later(3))


def _passkey_cloned(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    key.count = 0
    with pytest.raises(authlevels.PasskeyCloned):
        step_up_with(acme, alice, key, at=later(9))


def _at_the_highest(acme: Acme) -> tuple[authlevels.Session, str]:
    """Lift Alice for changing her factors, and return the id of her app."""
    alice, _secret = acme.sign_in_alice()
    asked = Asked(
        action="tiergate.factors.manage", resource=("tiergate", ""), requirement=Requirement(level=Level.AAL2)
    )
    acme.step_up(alice, ALICES_SECRET, asked, at=later(8))
    (factor,) = [one for one in authlevels.list_factors(user_id=alice.user_id) if one.kind == "totp"]
    return alice, factor.id


def _removed(acme: Acme) -> None:
    alice, app = _at_the_highest(acme)
    authlevels.remove_factor(session=alice, facts=acme.facts(alice, later(9)), factor_id=app, at=later(9))


def _renamed(acme: Acme) -> None:
    alice, app = _at_the_highest(acme)
    authlevels.rename_factor(session=alice, facts=acme.facts(alice, later(9)), factor_id=app, name="Old", at=later(9))


def _codes(acme: Acme) -> tuple[str, ...]:
    alice, _app = _at_the_highest(acme)
    return authlevels.create_recovery_codes(session=alice, facts=acme.facts(alice, later(9)), at=later(9))


def _recovering(acme: Acme) -> authlevels.Session:
    code = _codes(acme)[0]
    alice, _secret = acme.sign_in_alice(later(10))
    authlevels.use_recovery_code(session=alice, facts=acme.facts(alice, later(11)), code=code, at=later(11))
    return alice


def _recovered_in_vain(acme: Acme) -> None:
    alice, _secret = acme.sign_in_alice()
    with suppress(authlevels.WrongCode):
        authlevels.use_recovery_code(session=alice, facts=acme.facts(alice, later(1)), code="none", at=later(1))


def _replacing(acme: Acme) -> tuple[authlevels.Session, authlevels.Enrolment]:
    alice = _recovering(acme)
    begun = authlevels.begin_replacement(session=alice, facts=acme.facts(alice, later(12)), at=later(12))
    return alice, begun


def _replaced(acme: Acme) -> None:
    alice, begun = _replacing(acme)
    shown = code(begun.secret, later(13))
    authlevels.confirm_replacement(session=alice, facts=acme.facts(alice, later(13)), code=shown, at=later(13))


def _password(acme: Acme) -> None:
    alice, _app = _at_the_highest(acme)
    facts = acme.facts(alice, later(9))
    authlevels.change_password(session=alice, facts=facts, current=PASSWORD, new=PASSWORD[::-1], at=later(9))


def _unlocked(acme: Acme) -> None:
    authlevels.unlock_member(tenant_id=acme.tenant_id, subject=("user", "bob"), by="account:olga", at=later(1))


def _suspended_and_resumed(acme: Acme) -> None:
    alice, _secret = acme.sign_in_alice()
    ref = authlevels.suspend_request(
        session=alice,
        decision_id=acme.refused(alice, at=NOON),
        original=authlevels.Original(method="POST", path="/reports/7/export?as=csv", body=b"{}"),
        at=later(1),
    )
    assert ref is not None
    claim_suspended(ref=ref, session=alice, at=later(2))


def _refused(acme: Acme) -> None:
    opened = acme.challenge(acme.assert_bob())
    authlevels.refuse_challenge(ref=opened.id, presenter=authlevels.Presenter(credential=acme.credential), at=later(3))


def _erased(acme: Acme) -> None:
    acme.assert_bob()
    _no_member(acme)
    authlevels.erase_person(tenant_id=acme.tenant_id, subject=("user", "bob"), by="account:olga", at=later(1))


def _wrong_password(acme: Acme) -> None:
    with suppress(authlevels.SignInFailed):
        authlevels.sign_in_with_password(
            tenant_id=acme.tenant_id, username="alice", password="wrong", network="192.0.2.1", at=NOON
        )


def _vouched_in_vain(acme: Acme) -> None:
    with suppress(authlevels.AssertionRefused):
        acme.assert_bob(amr=[])


def _redeemed_in_vain(acme: Acme) -> None:
    ref, _browser = _handed_off(acme)
    with suppress(authlevels.RedemptionRefused):
        authlevels.redeem(ref=ref, code="cmp_wrong", credential=acme.credential, at=later(9))


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


def _typed(acme: Acme, *, is_right: bool) -> None:
    waiting, _secret = acme.sign_in_alice()
    challenge = acme.challenge(waiting)
    issued = authlevels.issue_code(ref=challenge.id, at=NOON)
    assert issued is not None
    elsewhere, _secret = acme.sign_in_alice()
    by: Any = {"session": elsewhere, "code": issued.user_code, "network": "192.0.2.1", "at": later(3)}
    if is_right:
        authlevels.choose_number(number=issued.number, **by)
    else:
        with pytest.raises(authlevels.CodeUnknown):
            authlevels.choose_number(number=issued.number + 1, **by)


def _typed_nothing(acme: Acme) -> None:
    alice, _secret = acme.sign_in_alice()
    with pytest.raises(authlevels.CodeUnknown):
        authlevels.find_activation(session=alice, code="BCDFGHJK", network="192.0.2.1", at=later(3))


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


# Each door with what it does here, and what it tells.
TOLD: dict[str, tuple[Do, set[Kind]]] = {
    "edit_catalogue": (_catalogue, {Kind.CATALOG_APPLIED}),
    "put_tenant": (_tenant, {Kind.TENANT_CHANGED}),
    "put_member": (_member, {Kind.MEMBER_CHANGED}),
    "remove_member": (_no_member, {Kind.MEMBER_CHANGED}),
    "put_role": (_role, {Kind.ROLE_CHANGED}),
    "put_environments": (_environments, {Kind.ENVIRONMENTS_CHANGED}),
    "put_subscription": (_subscription, {Kind.SUBSCRIPTION_CHANGED}),
    "put_override": (_override, {Kind.OVERRIDE_CHANGED}),
    "remove_override": (_no_override, {Kind.OVERRIDE_CHANGED}),
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
    "open_challenge": (lambda acme: acme.challenge(acme.assert_bob()), {Kind.CHALLENGE_OPENED}),
    "hand_off": (_handed_off, {Kind.CHALLENGE_HANDED_OFF}),
    "verify": (_passed, {Kind.CHALLENGE_PASSED, Kind.ELEVATION_CREATED}),
    "verify, wrongly": (_failed, {Kind.CHALLENGE_FAILED}),
    "redeem": (_redeemed, {Kind.ELEVATION_CREATED}),
    "redeem, in vain": (_redeemed_in_vain, {Kind.REDEMPTION_REFUSED}),
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
    "choose_number": (lambda acme: _typed(acme, is_right=True), {Kind.CODE_ACTIVATED}),
    "choose_number, wrongly": (lambda acme: _typed(acme, is_right=False), {Kind.CODE_DENIED, Kind.CHALLENGE_REFUSED}),
    "find_activation, in vain": (_typed_nothing, {Kind.CODE_FAILED}),
    "claim_approval": (_did_together, {Kind.APPROVAL_USED}),
    "begin_totp_enrolment": (_begun, {Kind.FACTOR_BEGUN}),
    "confirm_totp_enrolment": (_confirmed, {Kind.FACTOR_FAILED, Kind.FACTOR_ADDED}),
    "begin_passkey_enrolment": (_passkey_begun, {Kind.FACTOR_BEGUN}),
    "confirm_passkey_enrolment": (_passkey_confirmed, {Kind.FACTOR_FAILED, Kind.FACTOR_ADDED}),
    "verify, by a cloned passkey": (_passkey_cloned, {Kind.CHALLENGE_FAILED, Kind.FACTOR_CLONED}),
    "remove_factor": (_removed, {Kind.FACTOR_REMOVED}),
    "refuse_challenge": (_refused, {Kind.CHALLENGE_REFUSED}),
    "suspend_request": (_suspended_and_resumed, {Kind.REQUEST_SUSPENDED, Kind.REQUEST_RESUMED}),
    "rename_factor": (_renamed, {Kind.FACTOR_RENAMED}),
    "create_recovery_codes": (_codes, {Kind.FACTOR_ADDED}),
    "use_recovery_code": (_recovering, {Kind.RECOVERY_USED}),
    "use_recovery_code, wrongly": (_recovered_in_vain, {Kind.FACTOR_FAILED}),
    "begin_replacement": (_replacing, {Kind.FACTOR_BEGUN}),
    "confirm_replacement": (_replaced, {Kind.FACTOR_REMOVED, Kind.FACTOR_ADDED}),
    "change_password": (_password, {Kind.PASSWORD_CHANGED}),
    "unlock_member": (_unlocked, {Kind.MEMBER_UNLOCKED}),
    "put_user": (lambda _acme: put_alice(), {Kind.PERSON_CHANGED, Kind.FACTOR_ADDED}),
    "create_credential": (_created, {Kind.CREDENTIAL_CREATED}),
    "rotate_credential": (_rotated, {Kind.CREDENTIAL_ROTATED}),
    "revoke_credential": (_revoked, {Kind.CREDENTIAL_REVOKED}),
    "erase_person": (_erased, {Kind.PERSON_ERASED}),
}
