"""Who signs the trail's checkpoints, and whose signatures are believed."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from audit.errors import CannotSeal
from audit.verifier import Signed, key_id


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signs."""

    key: Ed25519PrivateKey

    def sign(self, body: str) -> Signed:
        """Sign a text."""
        return Signed(body, key_id(self.key.public_key().public_bytes_raw()), self.key.sign(body.encode()))


def get_signer() -> Signer:
    """Return the key of this process.

    :raises CannotSeal: it was given none.
    """
    if settings.SEAL_KEY is None:
        raise CannotSeal("TIERGATE_SEAL_KEY is not set: this process cannot sign.")
    return Signer(Ed25519PrivateKey.from_private_bytes(settings.SEAL_KEY))


def believed_keys() -> dict[str, Ed25519PublicKey]:
    """Return the public keys whose signatures hold, by fingerprint: our own, and those that are named."""
    raw = list(settings.SEAL_PUBLIC_KEYS)
    if settings.SEAL_KEY is not None:
        raw.append(get_signer().key.public_key().public_bytes_raw())
    return {key_id(one): Ed25519PublicKey.from_public_bytes(one) for one in raw}


def as_pem(key: Ed25519PublicKey) -> str:
    """Write a public key as auditors are given it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
