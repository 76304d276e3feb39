"""A signature is one key's, over one bundle, for this purpose alone; what is none of these is a no, never an error."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tiergate.policy.signing import (
    KeyUnusable,
    checked_public_key,
    is_signed_by,
    new_key,
    public_key,
    sign,
    signed_bytes,
)

DIGEST = "ab" * 32
OTHER = "ac" * 32
KEY = new_key()
PUBLIC = public_key(KEY)
SIGNATURE = sign(KEY, DIGEST)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


# 64 bytes end in a character of which four bits are unused.
_ODD = dict(zip("AQgw", "BRhx", strict=True))


def _pem(key: Ed25519PrivateKey | X25519PrivateKey, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def test_what_a_publisher_signed_is_known_as_theirs() -> None:
    assert is_signed_by(PUBLIC, DIGEST, SIGNATURE)
    assert sign(KEY, DIGEST) == SIGNATURE
    assert checked_public_key(PUBLIC) == PUBLIC


def test_a_signature_is_of_one_bundle_and_one_publisher() -> None:
    assert not is_signed_by(PUBLIC, OTHER, SIGNATURE)
    assert not is_signed_by(public_key(new_key()), DIGEST, SIGNATURE)


def test_a_signature_for_another_purpose_is_none_for_a_bundle() -> None:
    key = load_pem_private_key(KEY, None)
    assert isinstance(key, Ed25519PrivateKey)
    for others in (DIGEST.encode(), bytes.fromhex(DIGEST), b"tiergate-policy-v1\x00" + bytes.fromhex(DIGEST)):
        assert not is_signed_by(PUBLIC, DIGEST, _b64(key.sign(others)))
    assert is_signed_by(PUBLIC, DIGEST, _b64(key.sign(b"tiergate-policy-signature-v1\x00" + bytes.fromhex(DIGEST))))


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "none",
        "é",
        SIGNATURE + "\n",
        SIGNATURE[:-1],
        SIGNATURE.rstrip("="),
        # The same bytes, written another way: bits that nobody reads.
        SIGNATURE[:-3] + _ODD[SIGNATURE[-3]] + "==",
        _b64(bytes(64)),
        _b64(base64.b64decode(SIGNATURE) + b"\x00"),
        _b64(bytes([base64.b64decode(SIGNATURE)[0] ^ 1]) + base64.b64decode(SIGNATURE)[1:]),
    ],
    # Not by themselves, which are others in each process: workers must find the same tests.
    ids=["empty", "none", "no ascii", "longer", "shorter", "unpadded", "odd", "zeros", "a byte more", "a bit off"],
)
def test_what_is_no_signature_is_a_no(signature: str) -> None:
    assert not is_signed_by(PUBLIC, DIGEST, signature)


@pytest.mark.parametrize("digest", ["", DIGEST.upper(), DIGEST[:-1], DIGEST + "\n", "é" * 64, "gg" * 32])
def test_what_is_no_digest_is_not_signed(digest: str) -> None:
    assert not is_signed_by(PUBLIC, digest, SIGNATURE)
    with pytest.raises(ValueError, match="64 characters of lowercase hex"):
        sign(KEY, digest)
    with pytest.raises(ValueError, match="64 characters of lowercase hex"):
        signed_bytes(digest)


@pytest.mark.parametrize(
    "text",
    ["", "acme", PUBLIC[:-1], PUBLIC + " ", _b64(bytes(31)), KEY.decode()],
    ids=["empty", "a word", "shorter", "longer", "31 bytes", "a private key"],
)
def test_what_is_no_public_key_is_told_apart(text: str) -> None:
    assert not is_signed_by(text, DIGEST, SIGNATURE)
    with pytest.raises(KeyUnusable, match="32 bytes in base64"):
        checked_public_key(text)


@pytest.mark.parametrize(
    "raw",
    [
        bytes(32),
        b"\x01" + bytes(31),
        b"\x01" + bytes(30) + b"\x80",
        (2**255 - 20).to_bytes(32, "little"),
        (2**255 - 19).to_bytes(32, "little"),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    ],
)
def test_a_key_under_which_anybody_can_sign_is_no_publishers(raw: bytes) -> None:
    with pytest.raises(KeyUnusable, match="anybody can sign"):
        checked_public_key(_b64(raw))


def test_a_signature_that_holds_for_everything_holds_for_nothing() -> None:
    neutral = b"\x01" + bytes(31)
    forged = neutral + bytes(32)
    # The algorithm alone takes it, whatever is said to be signed.
    Ed25519PublicKey.from_public_bytes(neutral).verify(forged, signed_bytes(DIGEST))
    assert not is_signed_by(_b64(neutral), DIGEST, _b64(forged))


def test_what_is_no_key_is_refused_by_what_it_is_and_not_shown() -> None:
    encrypted = _pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret"))
    other = _pem(X25519PrivateKey.generate())
    for pem, says in (
        (encrypted, "encrypted"),
        (other, "not Ed25519"),
        (b"", "no private key"),
        (b"\xff", "no private"),
    ):
        for use in (public_key, lambda one: sign(one, DIGEST)):
            with pytest.raises(KeyUnusable, match=says) as caught:
                use(pem)
            assert "BEGIN" not in str(caught.value)
