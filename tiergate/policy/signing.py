"""Who says that a bundle is theirs? A publisher's Ed25519 signature over its digest, made here and checked here.

What is signed is the digest under a name of its own: no signature for another purpose is one for a bundle, and none
for a bundle is one for another purpose. A key is PKCS #8 in PEM; a public key and a signature are base64 of the 32 and
64 bytes of RFC 8032, so that each is one word of a setting or a request.
"""

import base64
import binascii
import re
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

_DOMAIN: Final = b"tiergate-policy-signature-v1\x00"
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_PUBLIC_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_PRIME: Final = 2**255 - 19
# The points whose order divides eight, by their second coordinate: under such a key anybody can sign anything (RFC
# 8032, section 8.9, and who leaves a row of zeros as a placeholder).
_ROOT: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL: Final = frozenset({0, 1, _PRIME - 1, _ROOT, _PRIME - _ROOT})


class KeyUnusable(ValueError):
    """A key that is none, or none of this kind. The sentence says what is wrong, and nothing of the key."""


def new_key() -> bytes:
    """Make a publisher's key: PEM, not encrypted, for a file or a vault that nobody else reads."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key(key_pem: bytes) -> str:
    """Give the public half of a key, in base64: what a server is told of a publisher.

    :raises KeyUnusable: it is no key.
    """
    return _encoded(_private(key_pem).public_key().public_bytes_raw())


def checked_public_key(text: str) -> str:
    """Give a public key back when it is one, for who reads settings.

    :raises KeyUnusable: it is none, or one under which anybody can sign.
    """
    _public(text)
    return text


def signed_bytes(digest: str) -> bytes:
    """Give the bytes that a signature of a bundle is over. digest: the bundle's, 64 characters of lowercase hex.

    :raises ValueError: it is no digest.
    """
    if not _DIGEST.fullmatch(digest):
        raise ValueError("a digest is 64 characters of lowercase hex")
    return _DOMAIN + bytes.fromhex(digest)


def sign(key_pem: bytes, digest: str) -> str:
    """Sign a bundle by its digest; the same key and digest give the same signature.

    :raises KeyUnusable: it is no key.
    :raises ValueError: it is no digest.
    """
    return _encoded(_private(key_pem).sign(signed_bytes(digest)))


def is_signed_by(public_key_b64: str, digest: str, signature: str) -> bool:
    """Say whether a signature over a digest is this key's; what is no key, no digest or no signature is a no."""
    try:
        _public(public_key_b64).verify(_decoded(signature, _SIGNATURE_BYTES), signed_bytes(digest))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _private(key_pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise KeyUnusable("this key is encrypted: give it as it is, from where only you read it") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable("this is no private key in PEM: `tiergate policy keygen` makes one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable("this key is not Ed25519: `tiergate policy keygen` makes one that is")
    return key


def _public(text: str) -> Ed25519PublicKey:
    try:
        raw = _decoded(text, _PUBLIC_BYTES)
        key = Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable(
            "a publisher's public key is 32 bytes in base64, as `tiergate policy keygen` prints"
        ) from None
    # The highest bit is the sign of the first coordinate, and a coordinate may be written beyond the prime.
    if (int.from_bytes(raw, "little") & (2**255 - 1)) % _PRIME in _SMALL:
        raise KeyUnusable("this public key is one under which anybody can sign")
    return key


def _decoded(text: str, length: int) -> bytes:
    """Read base64 that is written the one way there is.

    :raises ValueError: it is not, or is of another length.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("this is no base64") from error
    if len(raw) != length or _encoded(raw) != text:
        raise ValueError(f"this is not the base64 of {length} bytes")
    return raw


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
