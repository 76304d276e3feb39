"""Pitfalls 4, 5, 6; MISP CVE-2026-107276 and -103655; django-allauth 65.21.1; Vikunja CVE-2026-35597."""

from datetime import timedelta

import pytest
from django.db import transaction

from authlevels import api
from authlevels.models import TotpDevice
from tests.attacks.parallel import at_once
from tests.authlevels.acme import BOBS_SECRET, NOON, PASSWORD, Acme, Asked, code, later
from tiergate import TiergateError


def test_eight_threads_with_one_code_leave_exactly_one_elevation(acme: Acme) -> None:
    bob = acme.assert_bob()
    challenges = [acme.challenge(bob, Asked(resource=("report", str(number))), at=NOON) for number in range(8)]
    shown = code(BOBS_SECRET, NOON)
    results = at_once(lambda number: acme.show(challenges[number], shown, at=NOON))
    assert sum(isinstance(one, api.Passed) for one in results) == 1
    assert sum(isinstance(one, api.CodeAlreadyUsed) for one in results) == 7


def test_eight_threads_on_one_challenge_leave_exactly_one_elevation(acme: Acme) -> None:
    challenge = acme.challenge(acme.assert_bob(), at=NOON)
    results = at_once(lambda _: acme.show(challenge, code(BOBS_SECRET, NOON), at=NOON))
    assert sum(isinstance(one, api.Passed) for one in results) == 1
    assert sum(isinstance(one, api.ChallengeClosed) for one in results) == 7


def test_a_code_that_was_used_is_refused_within_its_tolerance_and_by_another_session(acme: Acme) -> None:
    shown = code(BOBS_SECRET, NOON)
    acme.show(acme.challenge(acme.assert_bob(), at=NOON), shown, at=NOON)
    with pytest.raises(api.CodeAlreadyUsed):
        acme.show(acme.challenge(acme.assert_bob(at=later(20)), at=later(20)), shown, at=later(20))


def test_an_older_code_is_refused_after_a_newer_one(acme: Acme) -> None:
    acme.show(acme.challenge(acme.assert_bob(), at=NOON), code(BOBS_SECRET, later(30)), at=NOON)
    with pytest.raises(api.CodeAlreadyUsed):
        acme.show(acme.challenge(acme.assert_bob(at=later(1)), at=later(1)), code(BOBS_SECRET, NOON), at=later(1))


@pytest.mark.parametrize("off", [-60, 60, 3600])
def test_a_code_from_beyond_the_tolerance_is_wrong(acme: Acme, off: int) -> None:
    with pytest.raises(api.WrongCode):
        acme.show(acme.challenge(acme.assert_bob(), at=NOON), code(BOBS_SECRET, later(off)), at=NOON)


def test_ten_wrong_codes_lock_the_factor_over_new_challenges_and_sessions(acme: Acme) -> None:
    for number in range(10):
        bob = acme.assert_bob(at=later(number))
        asked = Asked(resource=("report", str(number)))
        with pytest.raises(api.WrongCode) as wrong:
            acme.show(acme.challenge(bob, asked, at=later(number)), "000000", at=later(number))
        assert wrong.value.extra["attempts_left"] == 9 - number
    bob = acme.assert_bob(at=later(20))
    with pytest.raises(api.Throttled) as locked:
        acme.show(acme.challenge(bob, at=later(20)), code(BOBS_SECRET, later(20)), at=later(20))
    assert 1700 < int(str(locked.value.extra["retry_after"])) <= 1800
    after = later(9 + 1800)
    bob = acme.assert_bob(at=after)
    assert isinstance(acme.show(acme.challenge(bob, at=after), code(BOBS_SECRET, after), at=after), api.Passed)


def test_a_hundred_wrong_codes_in_a_row_disable_the_factor(acme: Acme) -> None:
    at = NOON
    TotpDevice.objects.filter(user__subject_id="bob").update(
        throttling_failure_count=99, throttling_failure_timestamp=NOON - timedelta(hours=1)
    )
    challenge = acme.challenge(acme.assert_bob(), at=at)
    with pytest.raises(api.WrongCode):
        acme.show(challenge, "000000", at=at)
    with pytest.raises(api.MethodUnavailable):
        acme.show(challenge, code(BOBS_SECRET, at), at=at)


def test_eighty_parallel_guesses_are_judged_ten_times_at_most(acme: Acme) -> None:
    challenge = acme.challenge(acme.assert_bob(), at=NOON)

    def guess(number: int) -> list[str]:
        codes = []
        for turn in range(10):
            try:
                acme.show(challenge, f"{number}{turn}{number}{turn}00", at=NOON)
            except TiergateError as error:
                codes.append(error.code)
        return codes

    told = [code for one in at_once(guess) if isinstance(one, list) for code in one]
    assert len(told) == 80
    assert told.count("wrong_code") == 10
    assert told.count("throttled") == 70


def test_a_failure_cannot_be_rolled_back_by_a_transaction_around_it(acme: Acme) -> None:
    challenge = acme.challenge(acme.assert_bob(), at=NOON)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        acme.show(challenge, "000000", at=NOON)
    with pytest.raises(api.WrongCode):
        acme.show(challenge, "000000", at=NOON)
    assert TotpDevice.objects.get(user__subject_id="bob").throttling_failure_count == 1


def test_wrong_passwords_count_together_at_sign_in_and_in_challenges(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice(NOON - timedelta(hours=25))
    challenge = acme.challenge(alice, at=NOON)
    for number in range(5):
        with pytest.raises(api.WrongCode):
            acme.show(challenge, "not it", at=later(number), method="password")
        with pytest.raises(api.SignInFailed):
            api.sign_in_with_password(
                tenant_id=acme.tenant_id, username="alice", password="not it", network="198.51.100.7", at=later(number)
            )
    with pytest.raises(api.Throttled):
        acme.show(challenge, PASSWORD, at=later(10), method="password")
    with pytest.raises(api.Throttled):
        acme.sign_in_alice(later(10))


@pytest.mark.parametrize(
    "shown", ["", " ", "1", "12345", "1234567", "\u0660" * 6, "00000\uff10", "abcdef", "-12345", "+12345"]
)
def test_what_is_no_code_completes_nothing(acme: Acme, shown: str) -> None:
    bob = acme.assert_bob()
    with pytest.raises(api.WrongCode):
        acme.show(acme.challenge(bob, at=NOON), shown, at=NOON)
    assert not acme.is_met(bob, at=later(1))
