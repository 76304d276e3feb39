"""What a passed challenge leaves, and how it ends."""

from datetime import timedelta
from typing import Any

import pytest

import audit.api
from authlevels import api
from isolation.api import tenant_transaction
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, EXPORT, NOON, ONCE, PASSWORD, Acme, Asked, code, later
from tiergate import Level, Requirement, Scope


def test_a_right_code_lifts_the_session_for_that_action_alone(acme: Acme) -> None:
    bob = acme.assert_bob()
    assert not acme.is_met(bob, at=NOON)
    passed = acme.step_up(bob, BOBS_SECRET, at=later(1))
    assert passed.level == "aal2"
    assert acme.is_met(bob, at=later(2))
    assert not acme.is_met(bob, Asked(action="reports.delete"), at=later(2))


def test_the_elevation_ends_after_its_max_age(acme: Acme) -> None:
    bob = acme.assert_bob()
    passed = acme.step_up(bob, BOBS_SECRET, at=NOON)
    assert passed.expires_at == later(300)
    assert acme.is_met(bob, at=later(299))
    assert not acme.is_met(bob, at=later(300))


def test_the_elevation_never_outlives_its_session(acme: Acme) -> None:
    bob = acme.assert_bob(expires_at=later(60))
    assert acme.step_up(bob, BOBS_SECRET, at=NOON).expires_at == later(60)


def test_ending_the_task_brings_the_refusal_back_and_ending_it_again_changes_nothing(acme: Acme) -> None:
    bob = acme.assert_bob()
    passed = acme.step_up(bob, BOBS_SECRET, at=NOON)
    for _ in range(2):
        api.end_elevation(ref=passed.elevation_id, presenter=api.Presenter(credential=acme.credential), at=later(10))
    assert not acme.is_met(bob, at=later(11))
    with tenant_transaction(acme.tenant_id):
        ended = audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[audit.api.Kind.ELEVATION_ENDED])
    assert len(ended) == 1


def test_a_one_use_elevation_is_claimed_once_and_a_retry_has_the_same_claim(acme: Acme) -> None:
    bob, pay = acme.assert_bob(), Asked(action="invoice.pay", fields={"amount": 5}, requirement=ONCE)
    acme.step_up(bob, BOBS_SECRET, pay, at=NOON)
    claim: dict[str, Any] = {
        "tenant_id": acme.tenant_id,
        "session": bob.handle,
        "binding": acme.binding(bob, pay),
        "at": later(5),
    }
    assert api.claim_transaction(**claim, request_id="r1")
    assert api.claim_transaction(**claim, request_id="r1")
    assert not api.claim_transaction(**claim, request_id="r2")
    assert not api.claim_transaction(**claim, request_id="")
    assert acme.is_met(bob, pay, at=later(6), request_id="r1")
    assert not acme.is_met(bob, pay, at=later(6), request_id="r2")
    assert not acme.is_met(bob, pay, at=later(6))


def test_a_challenge_that_needs_two_proofs_stays_open_until_both_are_shown(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice(NOON - timedelta(hours=25))
    challenge = acme.challenge(alice, at=NOON)
    assert set(challenge.methods) == {"totp", "password"}
    first = acme.show(challenge, code(ALICES_SECRET, NOON), at=NOON)
    assert isinstance(first, api.StillOpen)
    assert first.methods == (api.ChallengeMethod.PASSWORD,)
    assert not acme.is_met(alice, at=later(1))
    second = acme.show(challenge, PASSWORD, at=later(2), method="password")
    assert isinstance(second, api.Passed)
    assert acme.is_met(alice, at=later(3))


def test_a_level_one_requirement_that_is_stale_is_met_by_the_password(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice(NOON - timedelta(hours=2))
    recent = Asked(requirement=Requirement(level=Level.AAL1, max_age=600, scope=Scope.ACTION))
    challenge = acme.challenge(alice, recent, at=NOON)
    passed = acme.show(challenge, PASSWORD, at=NOON, method="password")
    assert isinstance(passed, api.Passed)
    assert acme.is_met(alice, recent, at=later(1))


def test_an_equal_challenge_is_reused_and_a_different_one_is_not(acme: Acme) -> None:
    bob = acme.assert_bob()
    first, second = acme.challenge(bob), acme.challenge(bob, at=later(5))
    other = acme.challenge(bob, Asked(resource=("report", "q4")), at=later(6))
    assert first.id == second.id != other.id
    after = acme.challenge(bob, at=later(601))
    assert after.id != first.id


def test_the_trail_tells_how_long_the_person_took(acme: Acme) -> None:
    bob = acme.assert_bob()
    challenge = acme.challenge(bob, at=NOON)
    acme.show(challenge, code(BOBS_SECRET, later(12)), at=later(12))
    with tenant_transaction(acme.tenant_id):
        entries = audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[audit.api.Kind.CHALLENGE_PASSED])
    assert [entry.payload["response_seconds"] for entry in entries] == [12.0]


def test_nothing_enrolled_opens_no_challenge(acme: Acme) -> None:
    api.put_user(realm=acme.tenant_id, subject_type="user", subject_id="carol", at=NOON)
    import licensing.api  # noqa: PLC0415 - only here

    licensing.api.put_member(
        tenant_id=acme.tenant_id, subject_type="user", subject_id="carol", roles=["member"], by="test", at=NOON
    )
    carol = api.assert_session(
        tenant_id=acme.tenant_id,
        credential=acme.credential,
        subject_type="user",
        subject_id="carol",
        amr=["pwd"],
        auth_time=NOON,
        idp="okta",
        at=NOON,
    )
    ref, _ = acme.decide(carol, EXPORT, at=NOON)
    with pytest.raises((api.NothingToShow, api.DecisionNotChallengeable)):
        api.open_challenge(tenant_id=acme.tenant_id, decision_id=ref, credential=acme.credential, at=NOON)
