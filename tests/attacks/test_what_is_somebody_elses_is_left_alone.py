"""Each door of a person's own things finds theirs, beside somebody who has the same things and had them first."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

import licensing.api
from authlevels import api
from authlevels.errors import SuspendedNotFound
from authlevels.models import PasskeyDevice, TotpDevice
from authlevels.suspended import MOST_WAITING, claim_suspended, get_suspended
from tests.authenticator import Maker, SoftKey, b64
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, NOON, PASSWORD, Acme, Asked, code, found_acme, later
from tests.authlevels.with_passkeys import MANAGE, STRONG, alice_with, ask, enrol, show
from tiergate import Level, Requirement

RECENT = Asked(requirement=Requirement(level=Level.AAL1, max_age=60))


@pytest.fixture
def alice(acme: Acme) -> api.Session:
    """Alice, who has an app, a passkey and recovery codes: of each, the first that there is."""
    session = alice_with(acme, SoftKey())
    api.create_recovery_codes(session=session, facts=acme.facts(session, later(1)), at=later(1))
    return session


def joined(acme: Acme, *, secret: str = "") -> api.Session:
    """Dave, who came later: with a password, and with an app if ``secret`` is given."""
    api.put_user(subject_id="dave", password=PASSWORD, totp_secret=secret or None, at=NOON - timedelta(hours=1))
    licensing.api.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=NOON
    )
    return signed_in(acme, "dave", later(2))


def signed_in(acme: Acme, name: str, at: Any) -> api.Session:
    session, _secret = api.sign_in_with_password(
        tenant_id=acme.tenant_id, username=name, password=PASSWORD, network="192.0.2.1", at=at
    )
    return session


def kinds(person: api.Session) -> list[str]:
    return [one.kind for one in api.list_factors(user_id=person.user_id)]


def test_only_ones_own_passkeys_are_told_to_the_browser_and_counted(acme: Acme, alice: api.Session) -> None:
    (hers,) = PasskeyDevice.objects.all()
    for number in range(19):
        hers.pk, hers.handle, hers.credential_id = None, UUID(int=number), bytes([number]) * 32
        hers.save(force_insert=True)
    dave, first = joined(acme), SoftKey()
    facts = acme.facts(dave, later(3))
    options = api.begin_passkey_enrolment(session=dave, facts=facts, at=later(3))
    assert options.get("excludeCredentials", []) == []
    api.confirm_passkey_enrolment(session=dave, facts=facts, credential=first.create(options), at=later(4))
    assert kinds(dave) == ["password", "passkey"]
    assert kinds(alice).count("passkey") == 20


def test_a_challenge_names_the_passkeys_that_would_do_and_no_others(acme: Acme, settings: Any) -> None:
    maker = Maker()
    settings.ATTESTATION_ROOTS = [maker.root_der]
    lesser, better = SoftKey(), SoftKey(maker=maker)
    person = alice_with(acme, lesser)
    enrol(acme, person, better)
    asked = ask(acme, acme.challenge(person, STRONG, at=later(60)), at=later(60))
    assert [one["id"] for one in asked["allowCredentials"]] == [b64(better.id)]


def test_what_somebody_else_asks_of_their_key_ends_no_question(acme: Acme, alice: api.Session) -> None:
    dave, hers = joined(acme), SoftKey()
    facts = acme.facts(alice, later(3))
    options = api.begin_passkey_enrolment(session=alice, facts=facts, at=later(3))
    for number in range(9):
        api.begin_passkey_enrolment(session=dave, facts=acme.facts(dave, later(3)), at=later(4 + number))
    api.confirm_passkey_enrolment(session=alice, facts=facts, credential=hers.create(options), at=later(20))


def test_nor_does_another_question_of_ones_own(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    challenge = acme.challenge(alice, at=later(60))
    asked = ask(acme, challenge, at=later(60))
    for number in range(9):
        api.begin_passkey_enrolment(session=alice, facts=acme.facts(alice, later(60)), at=later(61 + number))
    assert isinstance(show(acme, challenge, key.get(asked), at=later(80)), api.Passed)


def test_recovery_codes_are_of_ones_own_list(acme: Acme, alice: api.Session) -> None:
    dave = joined(acme, secret=BOBS_SECRET)
    acme.step_up(dave, BOBS_SECRET, MANAGE, at=later(3))
    codes = api.create_recovery_codes(session=dave, facts=acme.facts(dave, later(4)), at=later(4))
    assert "recovery_codes" in kinds(alice)
    assert kinds(dave).count("recovery_codes") == 1
    facts = acme.facts(dave, later(5))
    granted = api.use_recovery_code(session=dave, facts=facts, code=codes[0], at=later(5))
    found = api.find_recovery_grant(session=dave, at=later(6))
    assert (granted.codes_left, found and found.codes_left) == (9, 9)
    left = {one.kind: one.codes_left for one in api.list_factors(user_id=alice.user_id)}
    assert left["recovery_codes"] == 10
    begun = api.begin_replacement(session=dave, facts=facts, at=later(6))
    api.confirm_replacement(session=dave, facts=facts, code=code(begun.secret, later(7)), at=later(7))
    assert kinds(dave).count("totp") == kinds(alice).count("totp") == 1


def test_an_app_is_begun_and_confirmed_beside_anothers(acme: Acme, alice: api.Session) -> None:
    facts = acme.facts(alice, later(3))
    (app,) = (one.id for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    hers = api.begin_totp_enrolment(session=alice, facts=facts, replaces=app, at=later(3))
    dave = joined(acme)
    mine = api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, later(4)), at=later(4))
    for person, begun in ((dave, mine), (alice, hers)):
        shown = code(begun.secret, later(5))
        api.confirm_totp_enrolment(session=person, facts=acme.facts(person, later(5)), code=shown, at=later(5))
    assert kinds(dave) == ["password", "totp"]
    assert TotpDevice.objects.filter(user_id=alice.user_id).count() == 1


def test_nobody_replaces_anothers_app(acme: Acme, alice: api.Session) -> None:
    (app,) = (one.id for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    dave = joined(acme)
    with pytest.raises(api.FactorNotFound):
        api.begin_totp_enrolment(session=dave, facts=acme.facts(dave, later(3)), replaces=app, at=later(3))
    for factor in api.list_factors(user_id=alice.user_id):
        with pytest.raises(api.FactorNotFound):
            api.remove_factor(session=dave, facts=acme.facts(dave, later(3)), factor_id=factor.id, at=later(3))


def test_anothers_disabled_factor_asks_nothing_of_one(acme: Acme, alice: api.Session) -> None:
    for table in (TotpDevice, PasskeyDevice):
        table.objects.filter(user_id=alice.user_id).update(disabled_at=NOON)
    dave = joined(acme)
    enrol(acme, dave, SoftKey(), at=later(3))
    assert kinds(dave) == ["password", "passkey"]


def test_a_password_without_a_factor_of_ones_own_is_long(acme: Acme, alice: api.Session) -> None:
    assert "totp" in kinds(alice)
    dave = joined(acme)
    facts = acme.facts(dave, later(3))
    with pytest.raises(api.PasswordRefused):
        api.change_password(session=dave, facts=facts, current=PASSWORD, new="ox4-bell-tide", at=later(3))


def test_a_changed_password_ends_ones_own_sessions_and_brings_none_back(acme: Acme) -> None:
    globex = found_acme("globex")
    licensing.api.put_member(
        tenant_id=globex.tenant_id, subject_type="account", subject_id="alice", roles=["member"], by="test", at=NOON
    )
    dead, elsewhere = signed_in(acme, "alice", later(1)), signed_in(globex, "alice", later(1))
    globex.step_up(elsewhere, ALICES_SECRET, MANAGE, at=later(2))
    facts = globex.facts(elsewhere, later(3))
    api.change_password(session=elsewhere, facts=facts, current=PASSWORD, new=PASSWORD[::-1], at=later(3))
    api.put_user(subject_id="alice", password=PASSWORD, at=later(4))
    alive = signed_in(acme, "alice", later(5))
    dave = joined(acme)
    facts = acme.facts(dave, later(6))
    api.change_password(session=dave, facts=facts, current=PASSWORD, new=PASSWORD[::-1], at=later(6))
    found = api.get_session(tenant_id=acme.tenant_id, session_id=alive.id, at=later(7))
    assert found.handle == alive.handle
    with pytest.raises(api.SessionNotFound):
        api.get_session(tenant_id=acme.tenant_id, session_id=dead.id, at=later(7))


def test_an_unlocked_person_is_no_other(acme: Acme, alice: api.Session) -> None:
    dave = joined(acme, secret=BOBS_SECRET)
    until = NOON + timedelta(minutes=30)
    for table in (TotpDevice, PasskeyDevice):
        table.objects.update(locked_until=until)
    api.unlock_member(tenant_id=acme.tenant_id, subject=("account", "dave"), by="account:olga", at=later(3))
    locked = {one.user_id for table in (TotpDevice, PasskeyDevice) for one in table.objects.filter(locked_until=until)}
    assert alice.user_id in locked
    assert dave.user_id not in locked


def test_what_somebody_else_confirmed_by_last_is_not_offered_first(acme: Acme, alice: api.Session) -> None:
    dave = joined(acme, secret=BOBS_SECRET)
    acme.show(acme.challenge(alice, RECENT, at=later(100)), PASSWORD, method="password", at=later(101))
    challenge = acme.challenge(dave, RECENT, at=later(300))
    acme.show(challenge, code(BOBS_SECRET, later(301)), at=later(301))
    acme.show(acme.challenge(alice, RECENT, at=later(400)), PASSWORD, method="password", at=later(401))
    again = acme.challenge(dave, RECENT, at=later(600))
    shown = api.show_challenge(ref=again.id, presenter=api.Presenter(session=dave), at=later(600))
    assert shown.methods[0] == api.ChallengeMethod.TOTP


def test_a_session_lists_what_was_confirmed_in_it_alone(acme: Acme, alice: api.Session) -> None:
    held = [one.id for one in api.list_elevations(session=alice, at=later(3))]
    assert len(held) == 1
    dave = joined(acme, secret=BOBS_SECRET)
    for other in (dave, signed_in(acme, "alice", later(3))):
        assert api.list_elevations(session=other, at=later(4)) == []
    acme.step_up(dave, BOBS_SECRET, at=later(5))
    assert [one.id for one in api.list_elevations(session=alice, at=later(6))] == held


def test_what_waits_for_a_confirmation_is_its_sessions_own(acme: Acme) -> None:
    """Though another session of the same person asks in the same browser, and for more than may wait."""
    alice, other = (signed_in(acme, "alice", later(second)) for second in (1, 2))

    def waiting(session: api.Session) -> str:
        decision, _refusal = acme.decide(session, at=later(3))
        original = api.Original(method="POST", path="/reports/7/export")
        ref = api.suspend_request(session=session, browser="hers", decision_id=decision, original=original, at=later(3))
        assert ref is not None
        return ref

    hers = waiting(alice)
    for _ in range(MOST_WAITING):
        waiting(other)
    for ask_for in (get_suspended, claim_suspended):
        with pytest.raises(SuspendedNotFound):
            ask_for(ref=hers, session=other, browser="hers", at=later(4))
    assert claim_suspended(ref=hers, session=alice, browser="hers", at=later(4)).path == "/reports/7/export"
