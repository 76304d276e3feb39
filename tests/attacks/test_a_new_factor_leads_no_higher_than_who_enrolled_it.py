"""Pitfall 8: a new factor has a cool-down and a capped level meanwhile, and nobody sheds one by that cap."""

from datetime import timedelta

import pytest

import licensing.api
from authlevels import api
from authlevels.models import TotpDevice
from tests.authlevels.acme import ALICES_SECRET, NOON, PASSWORD, Acme, Asked, code, later
from tiergate import Level, Requirement, held_level

MANAGE = Asked(action="tiergate.factors.manage", resource=("tiergate", ""), requirement=Requirement(level=Level.AAL2))
DAY = timedelta(days=1)


def _sign_in(acme: Acme, name: str, at: timedelta = timedelta(0)) -> api.Session:
    return api.sign_in_with_password(
        tenant_id=acme.tenant_id, username=name, password=PASSWORD, network="192.0.2.66", at=NOON + at
    )[0]


def _enrol(acme: Acme, name: str = "dave") -> str:
    """Enrol an app with a password alone, as who stole one would, and return its secret."""
    api.put_user(subject_id=name, password=PASSWORD, at=NOON)
    for tenant in {acme.tenant_id}:
        licensing.api.put_member(
            tenant_id=tenant, subject_type="account", subject_id=name, roles=["member"], by="test", at=NOON
        )
    session = _sign_in(acme, name)
    begun = api.begin_totp_enrolment(session=session, facts=acme.facts(session, NOON), at=NOON)
    api.confirm_totp_enrolment(session=session, facts=acme.facts(session, NOON), code=code(begun.secret, NOON), at=NOON)
    return begun.secret


def test_an_app_that_a_password_enrolled_lifts_nobody_for_a_day_and_then_does(acme: Acme) -> None:
    secret = _enrol(acme)
    for at in (timedelta(seconds=40), DAY - timedelta(seconds=1)):
        session = _sign_in(acme, "dave", at)
        ref, decision = acme.decide(session, at=NOON + at)
        assert [need.kind for need in decision.needs] == ["enrol"]
        with pytest.raises(api.DecisionNotChallengeable):
            api.open_challenge(tenant_id=acme.tenant_id, decision_id=ref, credential=acme.credential, at=NOON + at)
    assert isinstance(acme.step_up(_sign_in(acme, "dave", DAY), secret, at=NOON + DAY), api.Passed)


def test_the_tenant_says_for_how_long_also_of_an_app_that_is_there_already(acme: Acme, globex: Acme) -> None:
    """Of a person whom two tenants know, each counts its own cool-down: the lenient one opens nothing at the other."""
    api.put_policy(tenant_id=globex.tenant_id, new_factor_cooldown=0, by="test", at=NOON)
    licensing.api.put_member(
        tenant_id=globex.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=NOON
    )
    api.put_user(subject_id="dave", password=PASSWORD, at=NOON)
    secret = _enrol(globex)
    licensing.api.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=NOON
    )
    assert isinstance(globex.step_up(_sign_in(globex, "dave"), secret, at=later(40)), api.Passed)
    _ref, decision = acme.decide(_sign_in(acme, "dave"), at=later(80))
    assert [need.kind for need in decision.needs] == ["enrol"]
    api.put_policy(tenant_id=acme.tenant_id, new_factor_cooldown=60, by="test", at=NOON)
    assert isinstance(acme.step_up(_sign_in(acme, "dave"), secret, at=later(90)), api.Passed)


def test_who_has_only_the_password_does_not_shed_the_new_app(acme: Acme) -> None:
    _enrol(acme)
    thief = _sign_in(acme, "dave")
    facts = acme.facts(thief, later(5))
    app = next(one for one in api.list_factors(user_id=thief.user_id) if one.kind == "totp")
    with pytest.raises(api.HeldLevelNeeded):
        api.remove_factor(session=thief, facts=facts, factor_id=app.id, at=later(5))


def test_its_owner_removes_it_by_showing_it_and_is_lifted_by_that_nowhere_else(acme: Acme) -> None:
    secret = _enrol(acme)
    owner = _sign_in(acme, "dave")
    _ref, decision = acme.decide(owner, MANAGE, at=later(40))
    assert [need.kind for need in decision.needs] == ["step_up"]
    acme.step_up(owner, secret, MANAGE, at=later(40))
    facts = acme.facts(owner, later(41))
    assert not acme.is_met(owner, at=later(41))
    assert held_level(facts.proofs, activity=facts.activity, at=later(41)) == Level.AAL1
    app = next(one for one in api.list_factors(user_id=owner.user_id) if one.kind == "totp")
    api.remove_factor(session=owner, facts=facts, factor_id=app.id, at=later(41))
    assert [one.kind for one in api.list_factors(user_id=owner.user_id)] == ["password"]


def test_an_app_of_an_app_leads_no_higher_than_the_first_one_did(acme: Acme) -> None:
    """What is shown for changing factors counts there in full; what it enrols is capped as if it did not."""
    first = _enrol(acme)
    owner = _sign_in(acme, "dave")
    acme.step_up(owner, first, MANAGE, at=later(40))
    app = next(one for one in api.list_factors(user_id=owner.user_id) if one.kind == "totp")
    facts = acme.facts(owner, later(41))
    begun = api.begin_totp_enrolment(session=owner, facts=facts, replaces=app.id, at=later(41))
    api.confirm_totp_enrolment(session=owner, facts=facts, code=code(begun.secret, later(42)), at=later(42))
    assert TotpDevice.objects.get(user_id=owner.user_id).ceiling == "aal1"


def test_an_app_that_the_highest_level_enrolled_counts_in_full_at_once(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=NOON)
    facts = acme.facts(alice, later(1))
    app = next(one for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    begun = api.begin_totp_enrolment(session=alice, facts=facts, replaces=app.id, algorithm="SHA256", at=later(1))
    code_256 = _code_sha256(begun.otpauth_uri, later(1))
    api.confirm_totp_enrolment(session=alice, facts=facts, code=code_256, at=later(1))
    again, _ = acme.sign_in_alice(later(40))
    shown = _code_sha256(begun.otpauth_uri, later(40))
    assert isinstance(acme.show(acme.challenge(again, at=later(40)), shown, at=later(40)), api.Passed)
    assert [one.kind for one in api.list_factors(user_id=alice.user_id)] == ["password", "totp"]


def _code_sha256(uri: str, at: object) -> str:
    import pyotp  # noqa: PLC0415 - beside its use

    totp = pyotp.parse_uri(uri)
    assert isinstance(totp, pyotp.TOTP)
    return totp.at(at)  # type: ignore[arg-type]  # an instant


def test_an_app_of_the_operator_counts_in_full_at_once(acme: Acme) -> None:
    api.put_user(subject_id="alice", totp_secret=ALICES_SECRET[::-1], at=NOON)
    alice, _ = acme.sign_in_alice()
    assert isinstance(acme.step_up(alice, ALICES_SECRET[::-1], at=later(1)), api.Passed)
