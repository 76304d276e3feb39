"""WebAuthn Level 3, section 6.1.1: a count that does not grow says that somebody else has the key too."""

import pytest
from django.db import IntegrityError, transaction

import audit.api
from authlevels import api
from authlevels.models import PasskeyDevice
from console.trail.proved import alone
from console.trail.wording import Names
from tests.attacks.keys import trail
from tests.authenticator import SoftKey
from tests.authlevels.acme import EXPORT, Acme, later
from tests.authlevels.with_passkeys import PHISHLESS, alice_with, ask, show, step_up_with


def test_a_count_that_does_not_grow_takes_the_key_out_of_use_and_says_so(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    step_up_with(acme, alice, key, PHISHLESS)
    key.count -= 1
    with pytest.raises(api.PasskeyCloned):
        step_up_with(acme, alice, key, at=later(400))
    (entry,) = [one for one in trail(acme) if one.kind == audit.api.Kind.FACTOR_CLONED]
    assert (entry.payload["factor"], entry.payload["count"], entry.payload["last"]) == ("passkey", 2, 2)
    key.count += 10
    assert api.ChallengeMethod.PASSKEY not in acme.challenge(alice, at=later(401)).methods
    assert not acme.is_met(alice, PHISHLESS, at=later(61)), "what either of them proved counts no further"
    (factor,) = [one for one in api.list_factors(user_id=alice.user_id) if one.kind == "passkey"]
    assert not factor.is_usable


def test_a_key_that_stops_counting_is_cloned_too_and_one_that_never_counts_is_not(acme: Acme) -> None:
    key = SoftKey(counts=False)
    alice = alice_with(acme, key)
    assert isinstance(step_up_with(acme, alice, key, PHISHLESS), api.Passed)
    key.counts, key.count = True, 7
    assert isinstance(step_up_with(acme, alice, key, at=later(400)), api.Passed)
    key.counts, key.count = False, 0
    with pytest.raises(api.PasskeyCloned):
        step_up_with(acme, alice, key, at=later(800))


def test_an_answer_that_another_tab_overtook_is_refused_and_ends_nothing_and_one_asked_for_later_does(
    acme: Acme,
) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    tabs = [acme.challenge(alice, asked, at=later(60)) for asked in (EXPORT, PHISHLESS)]
    first, second = [key.get(ask(acme, tab, at=later(60))) for tab in tabs]
    assert isinstance(show(acme, tabs[1], second, at=later(61)), api.Passed)
    with pytest.raises(api.PasskeyRefused) as refused:
        show(acme, tabs[0], first, at=later(62))
    assert refused.value.extra["why"] == "overtaken"
    assert PasskeyDevice.objects.get().disabled_at is None
    assert isinstance(show(acme, tabs[0], key.get(ask(acme, tabs[0], at=later(63))), at=later(63)), api.Passed)
    key.count -= 2
    with pytest.raises(api.PasskeyCloned):
        step_up_with(acme, alice, key, at=later(400))


def test_no_key_signs_with_one_count_twice_whenever_it_was_asked(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    tabs = [acme.challenge(alice, asked, at=later(60)) for asked in (EXPORT, PHISHLESS)]
    asked = [ask(acme, tab, at=later(60)) for tab in tabs]
    assert isinstance(show(acme, tabs[1], key.get(asked[1]), at=later(61)), api.Passed)
    key.count -= 1
    with pytest.raises(api.PasskeyCloned):
        show(acme, tabs[0], key.get(asked[0]), at=later(62))


def test_a_low_count_that_the_key_did_not_sign_takes_nothing_from_anybody(acme: Acme) -> None:
    key, forged = SoftKey(), SoftKey(count=-1)
    alice = alice_with(acme, key)
    forged.id, forged.user_handle = key.id, key.user_handle
    challenge = acme.challenge(alice, at=later(60))
    with pytest.raises(api.PasskeyRefused):
        show(acme, challenge, forged.get(ask(acme, challenge, at=later(60))), at=later(61))
    assert isinstance(show(acme, challenge, key.get(ask(acme, challenge, at=later(61))), at=later(62)), api.Passed)


def test_ten_wrong_signatures_pause_a_key_over_all_challenges_and_no_number_wears_it_out(acme: Acme) -> None:
    key, forged = SoftKey(), SoftKey()
    alice = alice_with(acme, key)
    forged.id = key.id
    for second in range(10):
        with pytest.raises(api.PasskeyRefused):
            step_up_with(acme, alice, forged, at=later(60 + second))
    again, _ = acme.sign_in_alice(later(80))
    with pytest.raises(api.Throttled) as throttled:
        step_up_with(acme, again, key, PHISHLESS, at=later(80))
    assert throttled.value.extra["retry_after"] == 1790
    PasskeyDevice.objects.update(throttling_failure_count=400)
    assert isinstance(step_up_with(acme, again, key, PHISHLESS, at=later(60 + 9 + 1800)), api.Passed)
    assert PasskeyDevice.objects.get().throttling_failure_count == 0


def test_what_a_key_was_when_it_was_enrolled_is_kept_by_the_database(acme: Acme) -> None:
    alice_with(acme, SoftKey())
    for change in (
        {"is_sync_capable": True},
        {"is_attested": True},
        {"can_verify_user": False},
        {"public_key": b"x"},
        {"sign_count": 0},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PasskeyDevice.objects.update(**change)


def test_the_trail_tells_of_it_in_words(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    key.count = 0
    with pytest.raises(api.PasskeyCloned):
        step_up_with(acme, alice, key, at=later(60))
    entries = trail(acme)
    names = Names(tenant="Acme")
    told = {entry.kind: alone(entry, names) for entry in entries if entry.kind.endswith(("cloned", "failed"))}
    assert "there seem to be two" in told[audit.api.Kind.CHALLENGE_FAILED]
    assert "it was ended" in told[audit.api.Kind.FACTOR_CLONED]
