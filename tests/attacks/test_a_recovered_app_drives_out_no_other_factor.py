"""Pitfalls 8 and 9: what a recovery code enrolled changes no factor that leads higher, until its cool-down is over."""

from datetime import timedelta

import pytest

from authlevels import api
from tests.attacks.test_a_recovery_code_lifts_nobody import _use
from tests.authenticator import SoftKey
from tests.authlevels.acme import ALICES_SECRET, NOON, PASSWORD, Acme, code, later
from tests.authlevels.with_passkeys import MANAGE, PHISHLESS, alice_with, ask, show

DAYS = 3 * 86400


def _recovered(acme: Acme, key: SoftKey) -> tuple[api.Session, str]:
    """Somebody with Alice's password and one of her codes, long after she enrolled her key."""
    alice = alice_with(acme, key)
    codes = api.create_recovery_codes(session=alice, facts=acme.facts(alice, later(1)), at=later(1))
    api.put_policy(tenant_id=acme.tenant_id, new_factor_cooldown=86400, by="test", at=later(2))
    thief, _ = acme.sign_in_alice(later(DAYS))
    _use(acme, thief, codes[0], DAYS)
    facts = acme.facts(thief, later(DAYS))
    begun = api.begin_replacement(session=thief, facts=facts, at=later(DAYS))
    api.confirm_replacement(session=thief, facts=facts, code=code(begun.secret, later(DAYS)), at=later(DAYS))
    return thief, begun.secret


def test_a_recovered_app_removes_no_passkey_and_changes_no_password_before_its_day_is_over(acme: Acme) -> None:
    thief, secret = _recovered(acme, SoftKey())
    at = later(DAYS + 60)
    challenge = acme.challenge(thief, MANAGE, at=at)
    with pytest.raises(api.MethodUnavailable):
        acme.show(challenge, code(secret, at), at=at)
    facts = acme.facts(thief, at)
    key = next(one for one in api.list_factors(user_id=thief.user_id) if one.kind == "passkey")
    with pytest.raises(api.HeldLevelNeeded):
        api.remove_factor(session=thief, facts=facts, factor_id=key.id, at=at)
    with pytest.raises(api.HeldLevelNeeded):
        api.change_password(session=thief, facts=facts, current=PASSWORD, new="a" * 10 + "nother walk", at=at)


def test_a_recovered_passkey_drives_out_nothing_and_leads_no_higher_for_a_day(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=NOON)
    codes = api.create_recovery_codes(session=alice, facts=acme.facts(alice, later(1)), at=later(1))
    thief, _ = acme.sign_in_alice(later(30))
    _use(acme, thief, codes[0])
    facts, key, second = acme.facts(thief, later(41)), SoftKey(), SoftKey()
    options = [api.begin_passkey_replacement(session=thief, facts=facts, at=later(41)) for _ in range(2)]
    made = key.create(options[0])
    api.confirm_passkey_replacement(session=thief, facts=facts, credential=made, at=later(42))
    with pytest.raises(api.RecoveryNotGranted):
        api.confirm_passkey_replacement(session=thief, facts=facts, credential=second.create(options[1]), at=later(43))
    assert sorted(one.kind for one in api.list_factors(user_id=thief.user_id)) == [
        *("passkey", "password", "recovery_codes", "totp")
    ]
    with pytest.raises(api.MethodUnavailable):
        ask(acme, acme.challenge(thief, MANAGE, at=later(60)), at=later(60))
    with pytest.raises(api.DecisionNotChallengeable):
        acme.challenge(thief, PHISHLESS, at=later(60))
    app = next(one for one in api.list_factors(user_id=thief.user_id) if one.kind == "totp")
    with pytest.raises(api.HeldLevelNeeded):
        api.remove_factor(session=thief, facts=acme.facts(thief, later(61)), factor_id=app.id, at=later(61))
    after = NOON + timedelta(days=1, minutes=5)
    again, _ = acme.sign_in_alice(after)
    challenge = acme.challenge(again, MANAGE, at=after)
    assert isinstance(show(acme, challenge, key.get(ask(acme, challenge, at=after)), at=after), api.Passed)
    api.remove_factor(session=again, facts=acme.facts(again, after), factor_id=app.id, at=after)


def test_a_code_is_needed_to_enrol_a_passkey_by_that_way(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    with pytest.raises(api.RecoveryNotGranted):
        api.begin_passkey_replacement(session=alice, facts=acme.facts(alice, later(1)), at=later(1))
    with pytest.raises(api.RecoveryNotGranted):
        api.confirm_passkey_replacement(session=alice, facts=acme.facts(alice, later(1)), credential={}, at=later(1))


def test_the_owner_of_the_passkey_throws_the_recovered_app_out(acme: Acme) -> None:
    key = SoftKey()
    _recovered(acme, key)
    owner, _ = acme.sign_in_alice(later(DAYS + 60))
    at = later(DAYS + 61)
    challenge = acme.challenge(owner, MANAGE, at=at)
    assert isinstance(show(acme, challenge, key.get(ask(acme, challenge, at=at)), at=at), api.Passed)
    app = next(one for one in api.list_factors(user_id=owner.user_id) if one.kind == "totp")
    api.remove_factor(session=owner, facts=acme.facts(owner, at), factor_id=app.id, at=at)


def test_after_its_day_the_recovered_app_removes_a_passkey_that_was_lost_with_the_old_one(acme: Acme) -> None:
    alice, secret = _recovered(acme, SoftKey())
    after = NOON + timedelta(seconds=DAYS, days=1, minutes=5)
    alice, _ = acme.sign_in_alice(after)
    acme.step_up(alice, secret, MANAGE, at=after)
    key = next(one for one in api.list_factors(user_id=alice.user_id) if one.kind == "passkey")
    api.remove_factor(session=alice, facts=acme.facts(alice, after), factor_id=key.id, at=after)
