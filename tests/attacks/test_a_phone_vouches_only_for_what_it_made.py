"""WebAuthn Level 3, sections 8.4 and 8.8: whole statements of phones, by a root of the operator's choice, and false ones."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from authlevels import api
from authlevels.models import PasskeyDevice
from tests.attacks.phones import (
    ENCRYPT,
    IMPORTED,
    SIGN,
    SOFTWARE,
    STRONGBOX,
    TRUSTED,
    Android,
    Apple,
    Authority,
)
from tests.authenticator import Maker, SoftKey
from tests.authlevels.acme import Acme, later
from tests.authlevels.with_passkeys import STRONG, alice_with, step_up_with

ROOT = Authority(name="Phones Root")
FACTORY = Authority(name="Phones Factory", above=ROOT)
STRANGER = Authority(name="Phones Root")
ANDROID = Android(below=FACTORY)
APPLE = Apple(below=FACTORY)
BOTH = pytest.mark.parametrize("phone", [ANDROID, APPLE], ids=["android", "apple"])
OTHER = SoftKey().key


@pytest.fixture(autouse=True)
def _roots(settings: Any) -> None:
    settings.ATTESTATION_ROOTS = [ROOT.chain[0]]


def made_by(phone: Any, **more: Any) -> SoftKey:
    return SoftKey(maker=Maker(make=UUID(int=0)), states=phone, **more)


def is_strong(acme: Acme, key: SoftKey) -> bool:
    """Enrol a key, and say whether it reaches aal3."""
    alice = alice_with(acme, key)
    is_attested: bool = PasskeyDevice.objects.get().is_attested
    if not is_attested:
        with pytest.raises(api.DecisionNotChallengeable):
            acme.challenge(alice, STRONG, at=later(60))
        return False
    assert isinstance(step_up_with(acme, alice, key, STRONG), api.Passed)
    return acme.is_met(alice, STRONG, at=later(61))


@pytest.mark.parametrize(
    "phone",
    [ANDROID, ANDROID.but(level=STRONGBOX), ANDROID.but(below=ROOT), APPLE],
    ids=["android", "strongbox", "android without a factory", "apple"],
)
def test_a_phone_whose_maker_was_chosen_vouches_for_the_key_that_it_made(acme: Acme, phone: Any) -> None:
    assert is_strong(acme, made_by(phone))
    assert PasskeyDevice.objects.get().attested_by == "CN=Phones Root"


@BOTH
def test_a_phones_key_that_can_be_synced_is_aal2(acme: Acme, phone: Any) -> None:
    alice = alice_with(acme, made_by(phone, is_sync_capable=True, is_synced=True))
    with pytest.raises(api.DecisionNotChallengeable):
        acme.challenge(alice, STRONG, at=later(60))


@BOTH
@pytest.mark.parametrize("chosen", ["another", "none"])
def test_a_phone_whose_maker_was_not_chosen_vouches_for_nothing(
    acme: Acme, settings: Any, phone: Any, chosen: str
) -> None:
    settings.ATTESTATION_ROOTS = [Maker().root_der] if chosen == "another" else []
    # That its maker is unknown is no reason to refuse it; to read a chain without its root, one must know that.
    key = made_by(phone.but(has_root=True) if isinstance(phone, Apple) else phone)
    assert not is_strong(acme, key)


@pytest.mark.parametrize(
    "below",
    [
        STRANGER,
        replace(FACTORY, above=STRANGER),
        replace(FACTORY, is_ca=False),
        replace(FACTORY, is_ca=None, uses=("key_cert_sign",)),
        replace(FACTORY, is_ca=None, uses=("digital_signature",)),
    ],
    ids=["stranger", "under a stranger", "no authority", "only says that it signs", "a phone's key"],
)
@BOTH
def test_nobody_else_certifies_in_the_makers_name(acme: Acme, phone: Any, below: Authority) -> None:
    try:
        assert not is_strong(acme, made_by(phone.but(below=below)))
    except api.PasskeyRefused:
        assert not PasskeyDevice.objects.exists()


def test_nor_does_a_key_that_a_phone_keeps_for_an_app(acme: Acme) -> None:
    apps_own = replace(FACTORY, described=ANDROID.description(bytes(32)))
    assert not is_strong(acme, made_by(ANDROID.but(below=apps_own)))


@pytest.mark.parametrize(
    "changed",
    [{"level": SOFTWARE, "keymaster_level": TRUSTED}, {"keymaster_level": SOFTWARE}],
    ids=["attested by software", "kept by software"],
)
def test_a_phone_does_not_vouch_for_a_key_that_software_keeps(acme: Acme, changed: dict[str, Any]) -> None:
    assert not is_strong(acme, made_by(ANDROID.but(**changed)))


@pytest.mark.parametrize(
    "phone",
    [
        ANDROID.but(hashed=bytes(32)),
        ANDROID.but(signer=OTHER),
        ANDROID.but(certified=OTHER),
        ANDROID.but(certified=OTHER, signer=OTHER),
        ANDROID.but(is_described=False),
        ANDROID.but(origin=IMPORTED),
        ANDROID.but(origin=None),
        ANDROID.but(purposes=(ENCRYPT,)),
        ANDROID.but(purposes=(SIGN, ENCRYPT)),
        ANDROID.but(is_for_all="tee"),
        ANDROID.but(is_for_all="software"),
        ANDROID.but(trailing=b"\x05\x00"),
        APPLE.but(nonce=bytes(32)),
        APPLE.but(is_named=False),
        APPLE.but(certified=OTHER),
    ],
    ids=[
        *("android: wrong challenge", "android: wrong signature", "android: another key certified"),
        *("android: another key throughout", "android: no description", "android: imported"),
        *("android: of unknown origin", "android: not for signing", "android: not only for signing"),
        *("android: for every app", "android: for every app, says software", "android: something behind it"),
        *("apple: wrong nonce", "apple: no nonce", "apple: another key certified"),
    ],
)
def test_a_phones_statement_that_is_false_in_any_part_enrols_nothing(acme: Acme, phone: Any) -> None:
    with pytest.raises(api.PasskeyRefused):
        alice_with(acme, made_by(phone))
    assert not PasskeyDevice.objects.exists()
