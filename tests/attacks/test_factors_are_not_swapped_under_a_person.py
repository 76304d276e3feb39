"""Pitfall 8; CVE-2026-3429, CVE-2026-94218, django-mfa2 CVE-2022-42731, ZITADEL CVE-2025-64103."""

from datetime import timedelta

import pyotp
import pytest
from django.db import IntegrityError, transaction

from authlevels import api
from authlevels.models import TotpDevice, User
from tests.authlevels.acme import ALICES_SECRET, NOON, PASSWORD, Acme, Asked, code, later
from tiergate import Level, Requirement

MANAGE = Asked(
    action="tiergate.factors.manage",
    resource=("tiergate", ""),
    requirement=Requirement(level=Level.AAL2, max_age=900),
)


@pytest.fixture
def dave(acme: Acme) -> api.Session:
    """Somebody with a password alone, just signed in, whose tenant counts new factors in full at once."""
    import licensing.api  # noqa: PLC0415 - only here

    api.put_policy(tenant_id=acme.tenant_id, new_factor_cooldown=0, by="test", at=NOON)
    api.put_user(subject_id="dave", password=PASSWORD, at=NOON)
    licensing.api.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=NOON
    )
    session, _ = api.sign_in_with_password(
        tenant_id=acme.tenant_id, username="dave", password=PASSWORD, network="192.0.2.1", at=NOON
    )
    return session


def test_a_first_app_is_enrolled_with_a_fresh_password_and_its_code_is_thereby_used(
    acme: Acme, dave: api.Session
) -> None:
    begun = api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), at=NOON)
    assert begun.otpauth_uri.startswith("otpauth://totp/Tiergate:dave?secret=")
    assert begun.qr_svg.startswith("<svg")
    shown = code(pyotp.parse_uri(begun.otpauth_uri).secret, later(10))
    factor = api.confirm_totp_enrolment(session=dave, facts=acme.facts(dave, later(10)), code=shown, at=later(10))
    assert factor.kind == "totp"
    with pytest.raises(api.CodeAlreadyUsed):
        acme.show(acme.challenge(dave, at=later(11)), shown, at=later(11))


def test_an_unconfirmed_app_satisfies_nothing(acme: Acme, dave: api.Session) -> None:
    begun = api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), at=NOON)
    assert begun.secret
    assert "otp" not in {one.method for one in acme.facts(dave, NOON).enrolled}
    assert not acme.is_met(dave, at=NOON)
    device = TotpDevice.objects.get(user__subject_id="dave")
    with transaction.atomic():
        assert not device.verify_token(code(begun.secret, NOON))


def test_a_wrong_code_confirms_nothing(acme: Acme, dave: api.Session) -> None:
    api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), at=NOON)
    for shown in ("", "000000", "0"):
        with pytest.raises(api.WrongCode):
            api.confirm_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), code=shown, at=NOON)
    assert not TotpDevice.objects.get(user__subject_id="dave").confirmed


def test_a_begun_enrolment_expires(acme: Acme, dave: api.Session) -> None:
    begun = api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), at=NOON)
    TotpDevice.objects.update(created_at=NOON - timedelta(minutes=16))
    with pytest.raises(api.FactorNotFound):
        api.confirm_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), code=code(begun.secret, NOON), at=NOON)


def test_beginning_again_kills_the_first_secret(acme: Acme, dave: api.Session) -> None:
    first = api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), at=NOON)
    second = api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), at=NOON)
    with pytest.raises(api.WrongCode):
        api.confirm_totp_enrolment(session=dave, facts=acme.facts(dave, NOON), code=code(first.secret, NOON), at=NOON)
    assert first.secret != second.secret


def test_a_sign_in_of_sixteen_minutes_ago_enrols_nothing(acme: Acme, dave: api.Session) -> None:
    at = NOON + timedelta(minutes=16)
    with pytest.raises(api.HeldLevelNeeded):
        api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, at), at=at)


def test_who_has_an_app_neither_adds_nor_removes_one_with_the_password_alone(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    facts = acme.facts(alice, NOON)
    totp = next(one for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    with pytest.raises(api.HeldLevelNeeded):
        api.begin_totp_enrolment(session=alice, facts=facts, at=NOON)
    with pytest.raises(api.HeldLevelNeeded):
        api.remove_factor(session=alice, facts=facts, factor_id=totp.id, at=NOON)


def test_a_step_up_for_another_action_changes_no_factor(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    acme.step_up(alice, ALICES_SECRET, at=NOON)
    totp = next(one for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    with pytest.raises(api.HeldLevelNeeded):
        api.remove_factor(session=alice, facts=acme.facts(alice, later(1)), factor_id=totp.id, at=later(1))


def test_a_step_up_for_changing_factors_removes_one(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=NOON)
    totp = next(one for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    api.remove_factor(session=alice, facts=acme.facts(alice, later(1)), factor_id=totp.id, at=later(1))
    assert [one.kind for one in api.list_factors(user_id=alice.user_id)] == ["password"]


def test_nobody_removes_another_persons_factor(acme: Acme, dave: api.Session) -> None:
    alices = User.objects.get(subject_id="alice")
    totp = next(one for one in api.list_factors(user_id=alices.id) if one.kind == "totp")
    for wanted in (totp.id, "password", "", "0", "'"):
        with pytest.raises(api.FactorNotFound):
            api.remove_factor(session=dave, facts=acme.facts(dave, NOON), factor_id=wanted, at=NOON)


@pytest.mark.usefixtures("acme")
def test_a_second_app_is_refused_by_the_database_too() -> None:
    alices = TotpDevice.objects.get(user__subject_id="alice")
    with pytest.raises(IntegrityError):
        TotpDevice.objects.create(
            user=alices.user, name="x", confirmed=True, confirmed_at=NOON, created_at=NOON, secret_sealed=b"x"
        )


def test_the_last_used_step_never_goes_back(acme: Acme) -> None:
    acme.step_up(acme.assert_bob(), "KRSXG5CTMVRXEZLUKN2XAZLSKRSXG5BR", at=NOON)
    with pytest.raises(IntegrityError):
        TotpDevice.objects.filter(user__subject_id="bob").update(last_step=-1)


@pytest.mark.usefixtures("acme")
def test_a_secret_is_stored_sealed_and_opens_in_no_other_row() -> None:
    from authlevels.totp import open_secret  # noqa: PLC0415
    from isolation.api import SecretUnreadable  # noqa: PLC0415 - beside its use

    alices = TotpDevice.objects.get(user__subject_id="alice")
    bobs = TotpDevice.objects.get(user__subject_id="bob")
    assert open_secret(alices) not in bytes(alices.secret_sealed)
    bobs.secret_sealed = alices.secret_sealed
    with pytest.raises(SecretUnreadable):
        open_secret(bobs)
    alices.secret_sealed = bytes(alices.secret_sealed)[:-1] + b"\x00"
    with pytest.raises(SecretUnreadable):
        open_secret(alices)
