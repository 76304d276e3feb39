"""Pitfalls 1, 2, 10; Keycloak CVE-2026-8830 and CVE-2026-9087; WebAuthn Level 3, sections 7.1 and 7.2."""

from typing import Any
from uuid import UUID

import pytest

import audit.api
from authlevels import api
from authlevels.models import Ceremony, Challenge, PasskeyDevice
from isolation.api import tenant_transaction
from isolation.clock import now
from tests.attacks.keys import sign_in_dave, trail
from tests.attacks.parallel import at_once
from tests.authenticator import SoftKey, b64, unb64
from tests.authlevels.acme import ALICES_SECRET, EXPORT, NOON, Acme, Asked, later
from tests.authlevels.test_the_http_doors import call
from tests.authlevels.with_passkeys import MANAGE, PHISHLESS, STRONG, alice_with, ask, enrol, show, step_up_with


def test_a_key_steps_up_where_a_phishable_code_does_not(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    challenge = acme.challenge(alice, PHISHLESS, at=later(60))
    assert challenge.methods == (api.ChallengeMethod.PASSKEY,)
    passed = show(acme, challenge, key.get(ask(acme, challenge, at=later(60))), at=later(61))
    assert isinstance(passed, api.Passed)
    assert acme.is_met(alice, PHISHLESS, at=later(62))
    assert not acme.is_met(alice, STRONG, at=later(62)), "nobody vouches for it"


def test_a_key_over_http_is_enrolled_and_confirms(acme: Acme) -> None:
    key = SoftKey()
    alice, secret = acme.sign_in_alice(now())
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=now())
    options = call("POST", "/v1/me/factors/passkeys", secret=secret)
    assert options.status_code == 201, options.content
    assert options["Cache-Control"] == "no-store"
    made = {"credential": key.create(options.json()["publicKey"]), "name": "Blue key"}
    added = call("POST", "/v1/me/factors/passkeys/confirm", made, secret=secret)
    assert (added.status_code, added.json()["kind"], added.json()["name"]) == (201, "passkey", "Blue key")
    challenge = acme.challenge(alice, at=now())
    asked = call("POST", f"/step-up/challenges/{challenge.id}/passkey", secret=secret).json()["publicKey"]
    shown = {"method": "passkey", "credential": key.get(asked)}
    passed = call("POST", f"/step-up/challenges/{challenge.id}/verify", shown, secret=secret)
    assert (passed.status_code, passed.json().get("state")) == (200, "passed"), passed.content
    again = call("POST", f"/step-up/challenges/{challenge.id}/verify", shown, secret=secret)
    assert again.status_code == 409
    assert call("POST", f"/step-up/challenges/{challenge.id}/passkey").status_code == 404


def test_what_a_browser_is_asked_for_is_never_less_than_what_is_needed(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    options = ask(acme, acme.challenge(alice, at=later(1)), at=later(1))
    assert options["rpId"] == "localhost"
    assert [one["id"] for one in options["allowCredentials"]] == [b64(key.id)]
    assert options["allowCredentials"][0]["transports"] == ["internal", "usb"]
    assert options["userVerification"] == "preferred", "the password of a moment ago stands beside it"
    at = later(3 * 24 * 3600)
    options = ask(acme, acme.challenge(alice, at=at), at=at)
    assert options["userVerification"] == "required", "nothing else says who holds it"


def test_a_user_who_was_not_verified_is_refused_where_the_level_rests_on_it(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    key.verifies_user = False
    at = later(3 * 24 * 3600)
    with pytest.raises(api.PasskeyRefused) as refused:
        step_up_with(acme, alice, key, at=at)
    assert refused.value.extra["why"] == "not_verified"
    assert not acme.is_met(alice, at=at)


def test_a_key_that_did_not_verify_at_enrolment_is_never_believed_to(acme: Acme) -> None:
    key = SoftKey(verifies_user=False)
    alice = alice_with(acme, key)
    key.verifies_user = True
    at = later(3 * 24 * 3600)
    assert set(acme.challenge(alice, at=at).methods) == set(api.ChallengeMethod), "none of them is enough by itself"
    challenge = acme.challenge(alice, PHISHLESS, at=at)
    assert set(challenge.methods) == {api.ChallengeMethod.PASSWORD, api.ChallengeMethod.PASSKEY}
    still = show(acme, challenge, key.get(ask(acme, challenge, at=at)), at=at)
    assert isinstance(still, api.StillOpen)
    assert still.methods == (api.ChallengeMethod.PASSWORD,)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"origin": "http://localhost:8001"}, "wrong_origin"),
        ({"origin": "https://localhost.evil.example"}, "wrong_origin"),
        ({"client": {"crossOrigin": True}}, "wrong_origin"),
        ({"client": {"topOrigin": "https://evil.example"}}, "wrong_origin"),
        ({"client": {"type": "webauthn.create"}}, "not_right"),
        ({"client": {"challenge": "AAAA"}}, "not_asked"),
        ({"rp_id": "evil.example"}, "not_right"),
        ({"is_present": False}, "not_right"),
        ({"is_synced": True}, "not_right"),
        ({"is_sync_capable": True}, "changed"),
        ({"user_handle": b"somebody else"}, "unknown"),
        ({"id": b"another key"}, "unknown"),
        ({"key": SoftKey().key}, "not_right"),
    ],
)
def test_a_signature_for_something_else_is_none(acme: Acme, change: dict[str, Any], why: str) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    for name, value in change.items():
        setattr(key, name, value)
    challenge = acme.challenge(alice, at=later(60))
    shown = key.get(ask(acme, challenge, at=later(60)))
    with pytest.raises(api.PasskeyRefused) as refused:
        show(acme, challenge, shown, at=later(61))
    assert refused.value.extra["why"] == why
    assert not acme.is_met(alice, at=later(62))
    (entry,) = [one for one in trail(acme) if one.kind == audit.api.Kind.CHALLENGE_FAILED]
    assert entry.payload["why"] == why


@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        "{",
        "[" * 9,
        '{"response": {"clientDataJSON": "' + b64(b"[" * 20000) + '"}, "rawId": "AA"}',
        [],
        {},
        {"response": {}},
        {"rawId": 7, "response": {"clientDataJSON": 7}},
        {"rawId": "AA", "response": {"clientDataJSON": b64(b'{"challenge": "\xff"}')}},
        {"rawId": "", "response": {"clientDataJSON": b64(b'{"challenge": "AA", "origin": "http://localhost:8000"}')}},
    ],
)
def test_what_is_no_credential_is_refused_and_counts_on_nobodys_key(acme: Acme, shown: Any) -> None:
    alice = alice_with(acme, SoftKey())
    with pytest.raises(api.PasskeyRefused) as refused:
        show(acme, acme.challenge(alice, at=later(60)), shown, at=later(61))
    assert refused.value.extra["why"] == "malformed"
    assert PasskeyDevice.objects.get().throttling_failure_count == 0


def test_a_broken_part_of_a_credential_is_refused_whatever_it_is(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    challenge = acme.challenge(alice, at=later(60))
    for part in ("authenticatorData", "signature"):
        for broken in ("", "AA", b64(b"\x81" * 30000), 7, None):
            shown = key.get(ask(acme, challenge, at=later(60)))
            shown["response"][part] = broken
            PasskeyDevice.objects.update(throttling_failure_count=0)
            with pytest.raises(api.PasskeyRefused):
                show(acme, challenge, shown, at=later(61))
    assert not acme.is_met(alice, at=later(62))


def test_an_answer_counts_once_and_for_the_one_challenge_it_was_asked_for(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    first = acme.challenge(alice, at=later(60))
    other = acme.challenge(alice, Asked(resource=("report", "q4")), at=later(60))
    shown = key.get(ask(acme, first, at=later(60)))
    with pytest.raises(api.PasskeyRefused) as refused:
        show(acme, other, shown, at=later(61))
    assert refused.value.extra["why"] == "not_asked"
    assert isinstance(show(acme, first, shown, at=later(61)), api.Passed)
    third = acme.challenge(alice, PHISHLESS if acme.is_met(alice, at=later(62)) else EXPORT, at=later(400))
    with pytest.raises(api.PasskeyRefused):
        show(acme, third, shown, at=later(401))


def test_what_a_challenge_is_bound_to_is_part_of_what_is_signed(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    challenge = acme.challenge(alice, at=later(60))
    shown = key.get(ask(acme, challenge, at=later(60)))
    with tenant_transaction(acme.tenant_id):
        Challenge.objects.filter(session_id=alice.id, closed_at=None).update(binding="0" * 64)
    with pytest.raises(api.PasskeyRefused) as refused:
        show(acme, challenge, shown, at=later(61))
    assert refused.value.extra["why"] == "not_asked"


def test_an_answer_to_an_enrolment_confirms_nothing_and_the_other_way_round(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    facts = acme.facts(alice, later(1))
    to_enrol = api.begin_passkey_enrolment(session=alice, facts=facts, at=later(1))
    challenge = acme.challenge(alice, at=later(1))
    with pytest.raises(api.PasskeyRefused):
        show(acme, challenge, key.get({**to_enrol, "rpId": "localhost"}), at=later(2))
    asked = ask(acme, challenge, at=later(1))
    with pytest.raises(api.PasskeyRefused) as refused:
        api.confirm_passkey_enrolment(
            session=alice,
            facts=facts,
            credential=SoftKey().create({**to_enrol, "challenge": asked["challenge"]}),
            at=later(2),
        )
    assert refused.value.extra["why"] == "not_asked"


def test_an_answer_that_comes_too_late_is_none(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    challenge = acme.challenge(alice, at=later(60))
    shown = key.get(ask(acme, challenge, at=later(60)))
    with pytest.raises(api.PasskeyRefused) as refused:
        show(acme, challenge, shown, at=later(60 + 300))
    assert refused.value.extra["why"] == "not_asked"


def test_questions_do_not_pile_up(acme: Acme) -> None:
    alice = alice_with(acme, SoftKey())
    challenge = acme.challenge(alice, at=later(60))
    for second in range(12):
        ask(acme, challenge, at=later(60 + second))
    with tenant_transaction(acme.tenant_id):
        assert Ceremony.objects.filter(purpose="step_up").count() == 8


def test_another_persons_key_confirms_nothing(acme: Acme) -> None:
    bobs, mine = SoftKey(), SoftKey()
    dave = sign_in_dave(acme)
    enrol(acme, dave, bobs)
    alice = alice_with(acme, mine)
    challenge = acme.challenge(alice, at=later(60))
    for tells in (True, False):
        bobs.tells_user = tells
        with pytest.raises(api.PasskeyRefused) as refused:
            show(acme, challenge, bobs.get(ask(acme, challenge, at=later(60))), at=later(61))
        assert refused.value.extra["why"] == "unknown"


def test_nobody_enrols_a_key_that_somebody_has(acme: Acme) -> None:
    key = SoftKey()
    alice_with(acme, key)
    dave = sign_in_dave(acme)
    with pytest.raises(api.FactorAlreadyEnrolled):
        enrol(acme, dave, key)
    assert PasskeyDevice.objects.get().user_id != dave.user_id


def test_nobody_adds_a_key_with_less_than_they_hold(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    with pytest.raises(api.HeldLevelNeeded):
        api.begin_passkey_enrolment(session=alice, facts=acme.facts(alice, NOON), at=NOON)
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=NOON)
    options = api.begin_passkey_enrolment(session=alice, facts=acme.facts(alice, NOON), at=NOON)
    with pytest.raises(api.HeldLevelNeeded):
        api.confirm_passkey_enrolment(
            session=alice, facts=acme.facts(alice, later(1000)), credential=SoftKey().create(options), at=later(1000)
        )


def test_who_is_asked_to_enrol_is_told_which_keys_are_there(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    options = api.begin_passkey_enrolment(session=alice, facts=acme.facts(alice, later(1)), at=later(1))
    assert [one["id"] for one in options["excludeCredentials"]] == [b64(key.id)]
    assert UUID(bytes=unb64(options["user"]["id"])) == alice.user_id
    assert options["authenticatorSelection"]["userVerification"] == "preferred"
    assert options["attestation"] == "none", "nobody's word would be taken"
    PasskeyDevice.objects.bulk_create(
        PasskeyDevice(
            user_id=alice.user_id,
            name="Key",
            credential_id=bytes([number]),
            public_key=b"",
            aaguid=UUID(int=0),
            is_sync_capable=False,
            created_at=NOON,
            confirmed_at=NOON,
        )
        for number in range(19)
    )
    with pytest.raises(api.TooManyFactors):
        api.begin_passkey_enrolment(session=alice, facts=acme.facts(alice, later(2)), at=later(2))


def test_a_removed_key_proves_nothing_further(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    step_up_with(acme, alice, key, PHISHLESS)
    assert acme.is_met(alice, PHISHLESS, at=later(61))
    (factor,) = [one for one in api.list_factors(user_id=alice.user_id) if one.kind == "passkey"]
    api.remove_factor(session=alice, facts=acme.facts(alice, later(62)), factor_id=factor.id, at=later(62))
    assert not acme.is_met(alice, PHISHLESS, at=later(63))
    removed = [one for one in trail(acme) if one.kind == audit.api.Kind.FACTOR_REMOVED]
    assert [one.payload["factor"] for one in removed] == ["passkey"]


def test_one_answer_in_eight_requests_at_once_counts_once(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    challenge = acme.challenge(alice, at=later(60))
    shown = key.get(ask(acme, challenge, at=later(60)))
    results = at_once(lambda _: show(acme, challenge, shown, at=later(61)))
    assert sum(isinstance(one, api.Passed) for one in results) == 1
    facts = acme.facts(alice, later(62))
    options = api.begin_passkey_enrolment(session=alice, facts=facts, at=later(62))
    made = SoftKey().create(options)
    added = at_once(
        lambda _: api.confirm_passkey_enrolment(session=alice, facts=facts, credential=made, at=later(63)), 4
    )
    assert sum(isinstance(one, api.Factor) for one in added) == 1


def test_what_was_answered_is_not_looked_at_again_right_or_wrong(acme: Acme) -> None:
    key = SoftKey(counts=False)
    alice = alice_with(acme, key)
    key.verifies_user = False
    at = later(3 * 24 * 3600)
    challenge = acme.challenge(alice, at=at)
    shown = key.get(ask(acme, challenge, at=at))
    why = []
    for _ in range(2):
        with pytest.raises(api.PasskeyRefused) as refused:
            show(acme, challenge, shown, at=at)
        why.append(refused.value.extra["why"])
    assert why == ["not_verified", "not_asked"]


def test_a_removed_key_is_not_put_back_by_the_answer_that_brought_it(acme: Acme) -> None:
    dave, key = sign_in_dave(acme), SoftKey()
    facts = acme.facts(dave, NOON)
    made = key.create(api.begin_passkey_enrolment(session=dave, facts=facts, at=NOON))
    api.confirm_passkey_enrolment(session=dave, facts=facts, credential=made, at=NOON)
    PasskeyDevice.objects.all().delete()
    with pytest.raises(api.PasskeyRefused) as refused:
        api.confirm_passkey_enrolment(session=dave, facts=facts, credential=made, at=later(1))
    assert refused.value.extra["why"] == "not_asked"
