"""Whoever has a password makes no place usual by it, by what they enrolled with it, or by their own word."""

from datetime import datetime, timedelta
from typing import Any

import pytest

import licensing.api
from authlevels import api
from authlevels.risk_signals import say_whose
from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine.draining import drain_sights
from riskengine.models import SessionRisk
from riskengine.sights import flush_sights
from tests.attacks.test_a_new_factor_leads_no_higher_than_who_enrolled_it import MANAGE
from tests.authlevels.acme import NOON, PASSWORD, Acme, Asked, code, later
from tests.looking import FAR, HOME, at_home, far_is, seen, signals, told
from tiergate import Level, Requirement, Verb

DAVE = ("account", "dave")
REAUTHENTICATED = Asked(requirement=Requirement(level=Level.AAL1, max_age=60))


@pytest.fixture
def thief(acme: Acme) -> api.Session:
    """Whoever has Dave's password, and comes from elsewhere. Dave himself never enrolled anything."""
    api.put_user(subject_id="dave", password=PASSWORD, at=NOON)
    licensing.api.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=NOON
    )
    at_home(acme.tenant_id, DAVE, at=NOON)
    far_is(acme.tenant_id, "high")
    return signed_in(acme, FAR)


def signed_in(acme: Acme, looks: dict[str, Any], *, at: datetime = NOON) -> api.Session:
    session, _secret = api.sign_in_with_password(
        tenant_id=acme.tenant_id, username="dave", password=PASSWORD, network="192.0.2.66", at=at, **looks
    )
    return session


def enrolled(acme: Acme, session: api.Session) -> str:
    begun = api.begin_totp_enrolment(session=session, facts=acme.facts(session, NOON), at=NOON)
    api.confirm_totp_enrolment(session=session, facts=acme.facts(session, NOON), code=code(begun.secret, NOON), at=NOON)
    return begun.secret


def answers(acme: Acme, session: api.Session, secret: str, asked: Asked, *, seconds: int) -> None:
    at = later(seconds)
    challenge = acme.challenge(session, asked, at=at)
    passed = api.verify(
        ref=challenge.id,
        method=api.ChallengeMethod.TOTP,
        code=code(secret, at),
        presenter=api.Presenter(session=session),
        told=told(FAR),
        at=at,
    )
    assert isinstance(passed, api.Passed)


def band(acme: Acme, session: api.Session) -> str:
    with tenant_transaction(acme.tenant_id):
        return SessionRisk.objects.get(session_id=session.id).band


@pytest.mark.parametrize("asked", [MANAGE, REAUTHENTICATED])
def test_a_factor_that_a_password_enrolled_settles_and_teaches_nothing_while_it_is_new(
    acme: Acme, thief: api.Session, asked: Asked
) -> None:
    secret = enrolled(acme, thief)
    answers(acme, thief, secret, asked, seconds=90)
    assert band(acme, thief) == "high", "nobody has confirmed who was not sure before"
    assert [one.trust for one in signals(acme.tenant_id, kind="step_up_passed")] == [0.0]


def test_a_factor_that_is_the_persons_own_by_now_settles_and_teaches(acme: Acme, thief: api.Session) -> None:
    secret = enrolled(acme, thief)
    cooled = int(timedelta(days=1, minutes=1).total_seconds())
    session = signed_in(acme, FAR, at=later(cooled))
    answers(acme, session, secret, Asked(), seconds=cooled + 40)
    assert [one.trust for one in signals(acme.tenant_id, kind="step_up_passed")] == [0.5]


@pytest.mark.parametrize(
    ("amr", "cap", "trust"),
    [(["otp"], Level.AAL1, 0.0), (["pwd", "otp"], Level.AAL1, 0.0), (["pwd", "otp"], Level.AAL2, 0.5)],
)
def test_a_products_word_teaches_no_more_than_it_proves(acme: Acme, amr: list[str], cap: Level, trust: float) -> None:
    at_home(acme.tenant_id, ("user", "bob"), at=NOON)
    far_is(acme.tenant_id, "high")
    credential, _secret = api.create_credential(
        tenant_id=acme.tenant_id, name="sso", verbs=[Verb.SESSIONS_ASSERT], max_level=cap, by="test", at=NOON
    )
    session = acme.assert_bob(credential=credential, amr=amr, origin=api.Origin(**FAR))
    assert [one.trust for one in signals(acme.tenant_id, session_id=session.id)] == [trust]


@pytest.mark.parametrize(("looks", "trust"), [(FAR, 0.0), (HOME, 0.25)])
def test_who_looks_risky_themselves_vouches_for_no_session(
    acme: Acme, thief: api.Session, looks: dict[str, Any], trust: float
) -> None:
    speaker = signed_in(acme, looks)
    for spoken_of in (thief, speaker):
        say_whose(tenant_id=acme.tenant_id, handle=spoken_of.handle, is_mine=True, session=speaker, at=later(1))
    assert [one.trust for one in signals(acme.tenant_id, kind="confirmed_mine")] == [trust, trust]


@pytest.mark.parametrize(("looks", "trust"), [(FAR, 0.0), (HOME, 0.25)])
def test_a_session_that_looks_risky_is_learned_from_in_no_disguise_until_its_person_confirms(
    acme: Acme, thief: api.Session, looks: dict[str, Any], trust: float
) -> None:
    session = thief if looks == FAR else signed_in(acme, looks)
    later_on = later(30)
    found = risk.assess(
        tenant_id=acme.tenant_id, subject=DAVE, session_id=session.id, seen=seen(HOME, later_on), at=later_on
    )
    assert found.band == "low"
    assert flush_sights()
    drain_sights(at=later_on)
    assert [one.trust for one in signals(acme.tenant_id, kind="seen")] == [trust]


@pytest.mark.parametrize(("looks", "left"), [(FAR, 0.25), (HOME, 0.0)])
def test_who_looks_risky_themselves_has_nothing_taken_back(
    acme: Acme, thief: api.Session, looks: dict[str, Any], left: float
) -> None:
    spoken_of, speaker = signed_in(acme, HOME), signed_in(acme, looks)
    say_whose(tenant_id=acme.tenant_id, handle=spoken_of.handle, is_mine=False, session=speaker, at=later(1))
    assert acme.facts(spoken_of, later(2)).state == "revoked"
    assert [one.trust for one in signals(acme.tenant_id, kind="sign_in", session_id=spoken_of.id)] == [left]
