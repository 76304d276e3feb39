"""Doors of a person's factors, password and standing, each gone through once."""

from contextlib import suppress

import pytest

from audit.api import Kind
from authlevels import api as authlevels
from licensing import api as licensing
from tests.audit.told import Told
from tests.authenticator import SoftKey
from tests.authlevels.acme import (
    ALICES_SECRET,
    NOON,
    PASSWORD,
    Acme,
    Asked,
    code,
    later,
    put_alice,
)
from tests.authlevels.with_passkeys import alice_with, step_up_with
from tiergate import Level, Requirement


def _dave(acme: Acme) -> authlevels.Session:
    authlevels.put_user(subject_id="dave", password=PASSWORD, by="account:olga", at=NOON)
    licensing.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=NOON
    )
    dave, _secret = authlevels.sign_in_with_password(
        tenant_id=acme.tenant_id, username="dave", password=PASSWORD, network="192.0.2.3", at=NOON
    )
    return dave


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


def _passkey_replacing(acme: Acme) -> tuple[authlevels.Session, object]:
    alice = _recovering(acme)
    options = authlevels.begin_passkey_replacement(session=alice, facts=acme.facts(alice, later(12)), at=later(12))
    return alice, SoftKey().create(options)


def _passkey_replaced(acme: Acme) -> None:
    alice, made = _passkey_replacing(acme)
    facts = acme.facts(alice, later(13))
    authlevels.confirm_passkey_replacement(session=alice, facts=facts, credential=made, at=later(13))


def _password(acme: Acme) -> None:
    alice, _app = _at_the_highest(acme)
    facts = acme.facts(alice, later(9))
    authlevels.change_password(session=alice, facts=facts, current=PASSWORD, new=PASSWORD[::-1], at=later(9))


def _unlocked(acme: Acme) -> None:
    authlevels.unlock_member(tenant_id=acme.tenant_id, subject=("user", "bob"), by="account:olga", at=later(1))


# Each door with what it does here, and what it tells.
TOLD: Told = {
    "begin_totp_enrolment": (_begun, {Kind.FACTOR_BEGUN}),
    "confirm_totp_enrolment": (_confirmed, {Kind.FACTOR_FAILED, Kind.FACTOR_ADDED}),
    "begin_passkey_enrolment": (_passkey_begun, {Kind.FACTOR_BEGUN}),
    "confirm_passkey_enrolment": (_passkey_confirmed, {Kind.FACTOR_FAILED, Kind.FACTOR_ADDED}),
    "verify, by a cloned passkey": (_passkey_cloned, {Kind.CHALLENGE_FAILED, Kind.FACTOR_CLONED}),
    "remove_factor": (_removed, {Kind.FACTOR_REMOVED}),
    "rename_factor": (_renamed, {Kind.FACTOR_RENAMED}),
    "create_recovery_codes": (_codes, {Kind.FACTOR_ADDED}),
    "use_recovery_code": (_recovering, {Kind.RECOVERY_USED}),
    "use_recovery_code, wrongly": (_recovered_in_vain, {Kind.FACTOR_FAILED}),
    "begin_replacement": (_replacing, {Kind.FACTOR_BEGUN}),
    "begin_passkey_replacement": (_passkey_replacing, {Kind.FACTOR_BEGUN}),
    "confirm_passkey_replacement": (_passkey_replaced, {Kind.FACTOR_ADDED}),
    "confirm_replacement": (_replaced, {Kind.FACTOR_REMOVED, Kind.FACTOR_ADDED}),
    "change_password": (_password, {Kind.PASSWORD_CHANGED}),
    "unlock_member": (_unlocked, {Kind.MEMBER_UNLOCKED}),
    "put_user": (lambda _acme: put_alice(), {Kind.PERSON_CHANGED, Kind.FACTOR_ADDED}),
}
