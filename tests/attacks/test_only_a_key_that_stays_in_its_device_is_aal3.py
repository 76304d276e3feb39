"""NIST SP 800-63B-4, section 2.3 and appendix B: verified, resisting phishing, and vouched for as not exportable."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from authlevels import api
from authlevels.models import PasskeyDevice
from tests.authenticator import Maker, SoftKey
from tests.authlevels.acme import NOON, Acme, later
from tests.authlevels.with_passkeys import STRONG, alice_with, ask, enrol, show, step_up_with

MAKER = Maker()


@pytest.fixture(autouse=True)
def _roots(settings: Any) -> None:
    settings.ATTESTATION_ROOTS = [MAKER.root_der]


def test_a_key_that_a_chosen_root_vouches_for_reaches_it(acme: Acme) -> None:
    key = SoftKey(maker=MAKER)
    alice = alice_with(acme, key)
    assert isinstance(step_up_with(acme, alice, key, STRONG), api.Passed)
    assert acme.is_met(alice, STRONG, at=later(61))
    enrolled = PasskeyDevice.objects.get()
    assert (enrolled.aaguid, enrolled.attested_by[:17]) == (MAKER.make, "CN=Acme Keys Root")
    methods = [proof.method for proof in acme.facts(alice, later(61)).proofs]
    assert "hwk" in methods


def test_a_maker_is_asked_for_where_somebodys_word_is_taken(acme: Acme) -> None:
    alice = alice_with(acme, SoftKey())
    options = api.begin_passkey_enrolment(session=alice, facts=acme.facts(alice, NOON), at=NOON)
    assert options["attestation"] == "direct"


@pytest.mark.parametrize(
    "key",
    [
        SoftKey(maker=MAKER, is_sync_capable=True),
        SoftKey(maker=MAKER, verifies_user=False),
        SoftKey(),
        SoftKey(attests_itself=True),
        SoftKey(maker=Maker()),
        SoftKey(maker=Maker(root_key=MAKER.root_key, unit="Web Server")),
        SoftKey(maker=Maker(root_key=MAKER.root_key, named=UUID(int=7))),
        SoftKey(maker=Maker(root_key=MAKER.root_key, is_ca=True)),
        SoftKey(maker=Maker(root_key=MAKER.root_key, ends=datetime(2025, 1, 1, tzinfo=UTC))),
    ],
    ids=["synced", "not-verified", "none", "itself", "stranger", "no-authenticator", "other-make", "issuer", "expired"],
)
def test_what_nobody_vouches_for_is_aal2_at_most(acme: Acme, key: SoftKey) -> None:
    alice = alice_with(acme, key)
    with pytest.raises(api.DecisionNotChallengeable):
        acme.challenge(alice, STRONG, at=later(60))
    assert isinstance(step_up_with(acme, alice, key), api.Passed)
    assert not acme.is_met(alice, STRONG, at=later(61))


def test_without_a_chosen_root_nobody_vouches(acme: Acme, settings: Any) -> None:
    settings.ATTESTATION_ROOTS = []
    alice_with(acme, SoftKey(maker=MAKER))
    assert not PasskeyDevice.objects.get().is_attested


def test_a_false_statement_enrols_nothing(acme: Acme) -> None:
    liar = SoftKey(maker=Maker(stolen=MAKER.certificate))
    with pytest.raises(api.PasskeyRefused):
        alice_with(acme, liar)
    assert not PasskeyDevice.objects.exists()


def test_a_verified_key_once_verified_must_verify_each_time(acme: Acme) -> None:
    key = SoftKey(maker=MAKER)
    alice = alice_with(acme, key)
    key.verifies_user = False
    with pytest.raises(api.PasskeyRefused):
        step_up_with(acme, alice, key, STRONG)
    assert not acme.is_met(alice, STRONG, at=later(61))


def test_a_lesser_key_does_not_answer_where_a_better_one_is_asked_for(acme: Acme) -> None:
    better, lesser = SoftKey(maker=MAKER), SoftKey()
    alice = alice_with(acme, lesser)
    enrol(acme, alice, better)
    challenge = acme.challenge(alice, STRONG, at=later(60))
    with pytest.raises(api.PasskeyRefused) as refused:
        show(acme, challenge, lesser.get(ask(acme, challenge, at=later(60))), at=later(61))
    assert refused.value.extra["why"] == "unknown"
    assert not acme.is_met(alice, STRONG, at=later(62))
