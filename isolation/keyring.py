"""The installation's keys: which secret is sealed or digested with which, and how they rotate.

The ring comes from the environment, newest key first. Each purpose derives a key of its own
(HKDF, RFC 5869), so that no two uses ever share one.
"""

import hmac
import os
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from isolation.errors import SecretUnreadable

_NONCE_BYTES = 12
_MAC_BYTES = 32
_VERSION = b"\x01"


@lru_cache(maxsize=64)
def _derived(key: bytes, purpose: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"tiergate/{purpose}".encode())
    return hkdf.derive(key)


def _ring() -> list[tuple[str, bytes]]:
    return list(settings.KEY_RING.items())


def key_ids() -> list[str]:
    """Name the keys of the ring, the newest first."""
    return [key_id for key_id, _ in _ring()]


def ring_state() -> object:
    """Return something that is the same thing for as long as the ring is the same."""
    return settings.KEY_RING


def key_of(sealed: bytes) -> str:
    """Name the key that sealed a secret; "" where it has no shape that ``seal`` makes."""
    if len(sealed) < 2 or sealed[:1] != _VERSION or len(sealed) < 2 + sealed[1] + _NONCE_BYTES:  # noqa: PLR2004 (as below)
        return ""
    return sealed[2 : 2 + sealed[1]].decode("ascii", "replace")


def newest_header() -> bytes:
    """Return what everything that the newest key sealed begins with."""
    name = _ring()[0][0].encode()
    return _VERSION + bytes([len(name)]) + name


def keyed_digests(purpose: str, text: str) -> list[bytes]:
    """Return the HMAC-SHA256 of a text under each key of the ring, newest first."""
    return [hmac.new(_derived(key, f"digest/{purpose}"), text.encode(), sha256).digest() for _, key in _ring()]


def vouched(content: bytes, *, purpose: str) -> bytes:
    """Name the newest key and give the HMAC-SHA256 of what this installation says to itself, for ``check_vouched``.

    Shape: length of key id, key id, 32 bytes.
    """
    key_id, key = _ring()[0]
    name = key_id.encode()
    return bytes([len(name)]) + name + hmac.digest(_derived(key, f"vouch/{purpose}"), content, "sha256")


def check_vouched(content: bytes, voucher: bytes, *, purpose: str) -> bool:
    """Say whether somebody who has the ring said just this.

    :raises SecretUnreadable: it names a key that is not in the ring, so that nobody here can say.
    """
    end = 1 + voucher[0] if voucher else 0
    name, shown = voucher[1:end], voucher[end:]
    if not name or len(shown) != _MAC_BYTES:
        return False
    key = dict(_ring()).get(name.decode("ascii", "replace"))
    if key is None:
        raise SecretUnreadable("It is vouched for by a key that is not in the ring.")
    return hmac.compare_digest(hmac.digest(_derived(key, f"vouch/{purpose}"), content, "sha256"), shown)


def seal(clear: bytes, *, purpose: str, bound_to: str) -> bytes:
    """Encrypt with AES-256-GCM under the newest key.

    bound_to: what the secret belongs to, e.g. realm and row; opening it elsewhere fails.
    Shape: version byte, length of key id, key id, 12-byte nonce, ciphertext with tag.
    """
    key = _ring()[0][1]
    header = newest_header()
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_derived(key, f"seal/{purpose}")).encrypt(nonce, clear, header + bound_to.encode())
    return header + nonce + sealed


def unseal(sealed: bytes, *, purpose: str, bound_to: str) -> bytes:
    """Decrypt what ``seal`` made.

    :raises SecretUnreadable: its key is gone from the ring, or it was changed or moved.
    """
    sealed = bytes(sealed)
    if len(sealed) < 2 or sealed[:1] != _VERSION:  # noqa: PLR2004 (version and length bytes)
        raise SecretUnreadable("A stored secret has an unknown shape.")
    end = 2 + sealed[1]
    header, nonce = sealed[:end], sealed[end : end + _NONCE_BYTES]
    key = dict(_ring()).get(header[2:].decode("ascii", "replace"))
    if key is None:
        raise SecretUnreadable("A stored secret was sealed with a key that is not in the ring.")
    try:
        return AESGCM(_derived(key, f"seal/{purpose}")).decrypt(
            nonce, sealed[end + _NONCE_BYTES :], header + bound_to.encode()
        )
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadable("A stored secret does not open: it was changed or moved.") from error
