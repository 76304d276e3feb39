"""Pitfalls 1, 2, 3, 7, 17; Keycloak CVE-2026-97176, CVE-2026-9087, CVE-2026-37982; ZITADEL CVE-2025-46815."""

from datetime import timedelta
from typing import Any

import pytest

from authlevels import api
from authlevels.models import Challenge
from isolation.api import tenant_transaction
from tests.attacks.parallel import at_once
from tests.authlevels.acme import (
    ALICES_SECRET,
    BOBS_SECRET,
    EXPORT,
    NOON,
    ONCE,
    Acme,
    Asked,
    code,
    later,
)
from tiergate import Level, Requirement, SessionState

PAY = Asked(action="invoice.pay", resource=("invoice", "7"), fields={"amount": 100}, requirement=ONCE)


def test_a_confirmed_amount_is_no_other_amount(acme: Acme) -> None:
    bob = acme.assert_bob()
    acme.step_up(bob, BOBS_SECRET, PAY, at=NOON)
    dearer = Asked(action=PAY.action, resource=PAY.resource, fields={"amount": 101}, requirement=ONCE)
    assert acme.is_met(bob, PAY, at=later(1))
    assert not acme.is_met(bob, dearer, at=later(1))


def test_a_passed_challenge_lifts_no_other_session_of_the_same_person(acme: Acme) -> None:
    first, second = acme.assert_bob(), acme.assert_bob()
    acme.step_up(first, BOBS_SECRET, at=NOON)
    assert not acme.is_met(second, at=later(1))


def test_a_lower_live_session_never_meets_a_higher_requirement(acme: Acme) -> None:
    bob = acme.assert_bob(amr=["pwd", "otp", "mfa", "hwk", "user"])
    assert not acme.is_met(bob, Asked(requirement=Requirement(level=Level.AAL2)), at=later(1))


def test_an_action_proof_does_not_count_for_the_session(acme: Acme) -> None:
    bob = acme.assert_bob()
    acme.step_up(bob, BOBS_SECRET, at=NOON)
    assert not acme.is_met(bob, Asked(action="anything.else", requirement=Requirement(level=Level.AAL2)), at=later(1))


def test_a_passed_challenge_is_closed_for_every_further_code(acme: Acme) -> None:
    challenge = acme.challenge(acme.assert_bob(), at=NOON)
    acme.show(challenge, code(BOBS_SECRET, NOON), at=NOON)
    with pytest.raises(api.ChallengeClosed):
        acme.show(challenge, code(BOBS_SECRET, later(30)), at=later(30))


def test_a_challenge_expires(acme: Acme) -> None:
    challenge = acme.challenge(acme.assert_bob(), at=NOON)
    with pytest.raises(api.ChallengeClosed):
        acme.show(challenge, code(BOBS_SECRET, later(600)), at=later(600))


@pytest.mark.parametrize("purpose", ["sign_in", "enrol", "recovery"])
def test_a_challenge_of_another_purpose_lifts_nothing(acme: Acme, purpose: str) -> None:
    challenge = acme.challenge(acme.assert_bob(), at=NOON)
    with tenant_transaction(acme.tenant_id):
        Challenge.objects.update(purpose=purpose)
    with pytest.raises(api.ChallengeClosed):
        acme.show(challenge, code(BOBS_SECRET, NOON), at=NOON)


def test_another_persons_code_lifts_nothing(acme: Acme) -> None:
    bob = acme.assert_bob()
    with pytest.raises(api.WrongCode):
        acme.show(acme.challenge(bob, at=NOON), code(ALICES_SECRET, NOON), at=NOON)
    assert not acme.is_met(bob, at=later(1))


def test_a_session_that_ended_takes_its_challenges_and_elevations_with_it(acme: Acme) -> None:
    bob = acme.assert_bob()
    passed = acme.step_up(bob, BOBS_SECRET, PAY, at=NOON)
    open_one = acme.challenge(bob, EXPORT, at=later(1))
    api.end_session(tenant_id=acme.tenant_id, session_id=bob.id, by="test", at=later(2))
    assert acme.facts(bob, later(3)).state == SessionState.REVOKED
    assert acme.facts(bob, later(3)).proofs == ()
    with pytest.raises(api.ChallengeClosed):
        acme.show(open_one, code(BOBS_SECRET, later(60)), at=later(60))
    elevation = api.parse_elevation_ref(passed.elevation_id)
    assert elevation
    assert not api.claim_use(tenant_id=acme.tenant_id, elevation_id=elevation[1], request_id="r", at=later(3))


def test_a_challenge_for_a_refusal_of_another_session_is_refused(acme: Acme) -> None:
    bob, (alice, _) = acme.assert_bob(), acme.sign_in_alice()
    ref = acme.refused(bob, at=NOON)
    with pytest.raises(api.DecisionNotFound):
        api.open_challenge(tenant_id=acme.tenant_id, decision_id=ref, session=alice, at=NOON)


def test_a_decision_that_allowed_opens_no_challenge(acme: Acme) -> None:
    bob = acme.assert_bob()
    ref, decision = acme.decide(bob, Asked(requirement=Requirement(level=Level.AAL1)), at=NOON)
    assert decision.is_allowed
    with pytest.raises(api.DecisionNotChallengeable):
        api.open_challenge(tenant_id=acme.tenant_id, decision_id=ref, credential=acme.credential, at=NOON)


def test_an_old_refusal_opens_no_challenge(acme: Acme) -> None:
    ref = acme.refused(acme.assert_bob(), at=NOON)
    with pytest.raises(api.DecisionNotChallengeable):
        api.open_challenge(tenant_id=acme.tenant_id, decision_id=ref, credential=acme.credential, at=later(901))


def test_another_tenants_service_sees_neither_decision_nor_challenge_nor_elevation(acme: Acme, globex: Acme) -> None:
    bob = acme.assert_bob()
    ref = acme.refused(bob, at=NOON)
    with pytest.raises(api.DecisionNotFound):
        api.open_challenge(tenant_id=globex.tenant_id, decision_id=ref, credential=globex.credential, at=NOON)
    with pytest.raises(api.VerbMissing):
        api.open_challenge(tenant_id=acme.tenant_id, decision_id=ref, credential=globex.credential, at=NOON)
    challenge = acme.challenge(bob, at=NOON)
    with pytest.raises(api.ChallengeNotFound):
        acme.show(challenge, code(BOBS_SECRET, NOON), at=NOON, credential=globex.credential)
    passed = acme.show(challenge, code(BOBS_SECRET, NOON), at=NOON)
    assert isinstance(passed, api.Passed)
    with pytest.raises(api.ElevationNotFound):
        api.end_elevation(ref=passed.elevation_id, presenter=api.Presenter(credential=globex.credential), at=later(1))


def test_a_factor_known_to_one_tenant_is_no_factor_in_another(acme: Acme, globex: Acme) -> None:
    there = globex.assert_bob()
    api.put_user(realm=globex.tenant_id, subject_type="user", subject_id="bob", totp_secret=ALICES_SECRET, at=NOON)
    with pytest.raises(api.WrongCode):
        globex.show(globex.challenge(there, at=NOON), code(BOBS_SECRET, NOON), at=NOON)


def test_a_session_is_unknown_to_another_tenant_and_to_another_subject(acme: Acme, globex: Acme) -> None:
    bob = acme.assert_bob()
    asked: dict[str, Any] = {"session": bob.handle, "at": NOON}
    assert api.session_facts(tenant_id=globex.tenant_id, subject=bob.subject, **asked).state == SessionState.UNKNOWN
    assert (
        api.session_facts(tenant_id=acme.tenant_id, subject=("account", "bob"), **asked).state == SessionState.UNKNOWN
    )
    for garbage in ("", "ses_", "ses_" + "g" * 32, "'; --", "ses_\x00", bob.handle.upper()):
        facts = api.session_facts(tenant_id=acme.tenant_id, session=garbage, subject=bob.subject, at=NOON)
        assert facts.state == SessionState.UNKNOWN


def test_of_eight_writes_at_once_exactly_one_has_the_elevation(acme: Acme) -> None:
    bob = acme.assert_bob()
    passed = acme.step_up(bob, BOBS_SECRET, PAY, at=NOON)
    ids = api.parse_elevation_ref(passed.elevation_id)
    assert ids

    def pay(_: int) -> str:
        with api.elevation_consumed(tenant_id=ids[0], elevation_id=ids[1], at=later(1)):
            return "paid"

    results = at_once(pay)
    assert results.count("paid") == 1
    assert sum(isinstance(one, api.ElevationGone) for one in results) == 7


def test_of_eight_claims_at_once_exactly_one_is_allowed(acme: Acme) -> None:
    bob = acme.assert_bob()
    acme.step_up(bob, BOBS_SECRET, PAY, at=NOON)
    claim: dict[str, Any] = {
        "tenant_id": acme.tenant_id,
        "session": bob.handle,
        "binding": acme.binding(bob, PAY),
        "at": later(1),
    }
    results = at_once(lambda number: api.claim_transaction(**claim, request_id=f"r{number}"))
    assert sorted(map(str, results)) == ["False"] * 7 + ["True"]


def test_a_write_that_fails_gives_the_use_back(acme: Acme) -> None:
    bob = acme.assert_bob()
    ids = api.parse_elevation_ref(acme.step_up(bob, BOBS_SECRET, PAY, at=NOON).elevation_id)
    assert ids

    def break_down() -> None:
        with api.elevation_consumed(tenant_id=ids[0], elevation_id=ids[1], at=later(1)):
            raise LookupError("the write failed")

    with pytest.raises(LookupError):
        break_down()
    with api.elevation_consumed(tenant_id=ids[0], elevation_id=ids[1], at=later(2)):
        pass
    with (
        pytest.raises(api.ElevationGone),
        api.elevation_consumed(tenant_id=ids[0], elevation_id=ids[1], at=later(3)),
    ):
        pytest.fail("entered with a used elevation")


def test_an_ended_or_expired_elevation_permits_no_write(acme: Acme) -> None:
    bob = acme.assert_bob()
    passed = acme.step_up(bob, BOBS_SECRET, PAY, at=NOON)
    ids = api.parse_elevation_ref(passed.elevation_id)
    assert ids
    with (
        pytest.raises(api.ElevationGone),
        api.elevation_consumed(tenant_id=ids[0], elevation_id=ids[1], at=later(300)),
    ):
        pytest.fail("entered with an expired elevation")
    api.end_elevation(ref=passed.elevation_id, presenter=api.Presenter(session=bob), at=later(1))
    with (
        pytest.raises(api.ElevationGone),
        api.elevation_consumed(tenant_id=ids[0], elevation_id=ids[1], at=later(2)),
    ):
        pytest.fail("entered with an ended elevation")


def test_eight_refusals_at_once_open_one_challenge(acme: Acme) -> None:
    bob = acme.assert_bob()
    refs = [acme.refused(bob, at=NOON) for _ in range(8)]
    opened = at_once(
        lambda number: api.open_challenge(
            tenant_id=acme.tenant_id, decision_id=refs[number], credential=acme.credential, at=NOON
        )
    )
    assert all(isinstance(one, api.OpenedChallenge) for one in opened)
    assert len({one.id for one in opened if isinstance(one, api.OpenedChallenge)}) == 1


def test_an_hour_of_silence_ends_what_upheld_level_two(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice(NOON)
    wide = Asked(requirement=Requirement(level=Level.AAL2))
    acme.show(acme.challenge(alice, wide, at=NOON), code(ALICES_SECRET, NOON), at=NOON)
    facts = acme.facts(alice, later(3700))
    assert not [proof for proof in facts.proofs if proof.method == "otp"]
    api.touch_session(tenant_id=acme.tenant_id, session_id=alice.id, at=later(3700))
    challenge = acme.challenge(alice, wide, at=later(3701))
    assert set(challenge.methods) == {"totp", "password"}


def test_a_factor_that_was_removed_proves_nothing_further(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice(NOON)
    manage = Asked(
        action="tiergate.factors.manage",
        resource=("tiergate", ""),
        requirement=Requirement(level=Level.AAL2, max_age=900),
    )
    acme.step_up(alice, ALICES_SECRET, manage, at=NOON)
    totp = next(one for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    api.remove_factor(session=alice, facts=acme.facts(alice, later(1)), factor_id=totp.id, at=later(1))
    assert {proof.method for proof in acme.facts(alice, later(2)).proofs} == {"pwd"}


def test_another_sign_in_of_the_same_person_freshens_no_older_session(acme: Acme) -> None:
    old, _ = acme.sign_in_alice(NOON - timedelta(hours=2))
    acme.sign_in_alice(NOON)
    assert max(proof.at for proof in acme.facts(old, later(1)).proofs) == NOON - timedelta(hours=2)
