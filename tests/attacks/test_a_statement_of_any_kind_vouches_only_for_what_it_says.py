"""WebAuthn Level 3, section 8: statements of every format, true, false and broken; none is more than it proves."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from authlevels import api
from authlevels.models import PasskeyDevice
from tests.authenticator import Maker, SoftKey
from tests.authlevels.acme import Acme, later
from tests.authlevels.with_passkeys import STRONG, alice_with, step_up_with

NOBODY = UUID(int=0)
MAKER = Maker(make=NOBODY)
_P256 = ec.ECDSA(hashes.SHA256())
# TPM 2.0 Library, part 2, sections 6.3 and 8.3.
_ECC, _SHA256, _NULL, _NIST_P256 = b"\x00\x23", b"\x00\x0b", b"\x00\x10", b"\x00\x03"
FIXED_TPM, FIXED_PARENT, MADE_INSIDE, SIGNS = 1 << 1, 1 << 4, 1 << 5, 1 << 18


@pytest.fixture(autouse=True)
def _roots(settings: Any) -> None:
    settings.ATTESTATION_ROOTS = [MAKER.root_der]


def u2f(key: SoftKey, data: bytes, client: bytes) -> tuple[str, dict[str, Any]]:
    """A statement as of section 8.6: the flags of the authenticator's data are not in what it signs."""
    assert key.maker is not None
    cose = key.cose()
    signed = b"\x00" + data[:32] + sha256(client).digest() + key.id + b"\x04" + cose[-2] + cose[-3]
    return "fido-u2f", {"sig": key.maker.key.sign(signed, _P256), "x5c": [key.maker.certificate]}


def _aik(maker: Maker) -> bytes:
    """A certificate for a TPM's attestation key (section 8.3.1)."""
    said = {"2.23.133.2.1": "id:414D4400", "2.23.133.2.2": "A chip", "2.23.133.2.3": "id:13"}
    chip = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), value) for oid, value in said.items()])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(maker.root.subject)
        .public_key(maker.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DirectoryName(chip)]), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.23.133.8.3")]), critical=False)
        .sign(maker.root_key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def tpm(attributes: int) -> Any:
    """A TPM's statement (section 8.3) on a key with these attributes."""

    def state(key: SoftKey, data: bytes, client: bytes) -> tuple[str, dict[str, Any]]:
        assert key.maker is not None
        cose = key.cose()
        area = _ECC + _SHA256 + attributes.to_bytes(4, "big") + _sized(b"") + _NULL + _NULL + _NIST_P256 + _NULL
        area += _sized(cose[-2]) + _sized(cose[-3])
        extra = sha256(data + sha256(client).digest()).digest()
        name = _SHA256 + sha256(area).digest()
        told = b"\xffTCG" + b"\x80\x17" + _sized(b"") + _sized(extra) + bytes(17 + 8) + _sized(name) + _sized(name)
        signature = key.maker.key.sign(told, _P256)
        said = {"ver": "2.0", "alg": -7, "x5c": [_aik(key.maker)], "sig": signature, "certInfo": told, "pubArea": area}
        return "tpm", said

    return state


def broken(statement_format: str, **said: Any) -> Any:
    """A statement of a name, whatever is in it; what is signed in it is signed rightly."""

    def state(key: SoftKey, data: bytes, client: bytes) -> tuple[str, dict[str, Any]]:
        assert key.maker is not None
        signature = key.maker.key.sign(data + sha256(client).digest(), _P256)
        return statement_format, {"alg": -7, "sig": signature, "x5c": [key.maker.certificate], **said}

    return state


def test_a_chip_vouches_for_a_key_that_it_made_and_keeps(acme: Acme) -> None:
    key = SoftKey(maker=MAKER, states=tpm(FIXED_TPM | FIXED_PARENT | MADE_INSIDE | SIGNS))
    alice = alice_with(acme, key)
    assert isinstance(step_up_with(acme, alice, key, STRONG), api.Passed)
    assert acme.is_met(alice, STRONG, at=later(61))


@pytest.mark.parametrize(
    "attributes", [SIGNS, FIXED_PARENT | MADE_INSIDE, FIXED_TPM | MADE_INSIDE, FIXED_TPM | FIXED_PARENT]
)
def test_a_chip_does_not_vouch_for_a_key_that_was_brought_to_it_or_may_leave(acme: Acme, attributes: int) -> None:
    key = SoftKey(maker=MAKER, states=tpm(attributes))
    alice = alice_with(acme, key)
    assert not PasskeyDevice.objects.get().is_attested
    with pytest.raises(api.DecisionNotChallengeable):
        acme.challenge(alice, STRONG, at=later(60))


def test_a_u2f_key_is_never_believed_to_have_verified_its_user(acme: Acme) -> None:
    key = SoftKey(maker=MAKER, states=u2f)
    alice = alice_with(acme, key)
    enrolled = PasskeyDevice.objects.get()
    assert (enrolled.is_attested, enrolled.can_verify_user) == (True, False)
    with pytest.raises(api.DecisionNotChallengeable):
        acme.challenge(alice, STRONG, at=later(60))


def test_a_chain_that_cannot_be_read_leads_to_nobody(acme: Acme) -> None:
    alice_with(acme, SoftKey(maker=MAKER, states=broken("packed", x5c=[MAKER.certificate, b"no certificate"])))
    assert not PasskeyDevice.objects.get().is_attested


@pytest.mark.parametrize(
    "states",
    [
        *(broken(one) for one in ("fido-u2f", "tpm", "apple", "android-key", "android-safetynet", "compound", "")),
        broken("none"),
        broken("packed", x5c=[]),
        broken("packed", x5c=[7]),
        broken("packed", x5c=[MAKER.certificate, 7]),
        broken("packed", x5c={"a": "map"}),
        broken("packed", alg=-257),
        broken("packed", sig=None),
        broken("fido-u2f", x5c=[MAKER.certificate, MAKER.root_der]),
        broken("tpm", ver="2.0", certInfo=b"", pubArea=b""),
        broken("tpm", ver="2.0", certInfo=b"\xffTCG", pubArea=_ECC),
        broken("tpm", ver="2.0", certInfo="text", pubArea=7),
        broken("android-safetynet", ver="1", response=b"a.b.c"),
    ],
)
def test_what_is_no_true_statement_enrols_nothing(acme: Acme, states: Any) -> None:
    with pytest.raises(api.PasskeyRefused):
        alice_with(acme, SoftKey(maker=MAKER, states=states))
    assert not PasskeyDevice.objects.exists()
