"""What phones write of the keys that they make (WebAuthn Level 3, sections 8.4 and 8.8), honestly or as told otherwise.

Built from the standards alone, by no code of ours: RFC 5280, X.690, and Android's schema of key attestation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.authenticator import SoftKey

type State = Callable[[SoftKey, bytes, bytes], tuple[str, dict[str, Any]]]
type Key = ec.EllipticCurvePrivateKey

_P256 = ec.ECDSA(hashes.SHA256())
_KEY_DESCRIPTION = "1.3.6.1.4.1.11129.2.1.17"
_NONCE = "1.2.840.113635.100.8.2"
SOFTWARE, TRUSTED, STRONGBOX = 0, 1, 2
GENERATED, IMPORTED = 0, 2
ENCRYPT, SIGN = 0, 2


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _der(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
    return tag + length + content


def _number(value: int, tag: bytes = b"\x02") -> bytes:
    return _der(tag, bytes([value]))


def _explicit(number: int, content: bytes) -> bytes:
    if number < 31:
        return _der(bytes([0xA0 | number]), content)
    return _der(bytes([0xBF, 0x80 | number >> 7, number & 0x7F]), content)


def _sequence(*parts: bytes) -> bytes:
    return _der(b"\x30", b"".join(parts))


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A certificate authority, and its certificate. above: who signed that; None: itself."""

    name: str
    above: "Authority | None" = None
    is_ca: bool | None = True
    uses: Sequence[str] = ()
    described: bytes | None = None
    key: Key = field(default_factory=_new_key)

    @property
    def chain(self) -> list[bytes]:
        """Its certificate and those above it, DER."""
        signer = self.above or self
        extensions: list[tuple[x509.ExtensionType, bool]] = []
        if self.is_ca is not None:
            extensions.append((x509.BasicConstraints(ca=self.is_ca, path_length=None), True))
        if self.uses:
            extensions.append((_usage(*self.uses), True))
        if self.described is not None:
            extensions.append((_unknown(_KEY_DESCRIPTION, self.described), False))
        own = _certificate(self.name, self.key, signer.name, signer.key, extensions)
        return [own, *(self.above.chain if self.above else [])]


def _usage(*uses: str) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in uses for name in names})


def _unknown(oid: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)


def _certificate(
    name: str, key: Key, issuer: str, issuer_key: Key, extensions: list[tuple[x509.ExtensionType, bool]]
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True, kw_only=True)
class Android:
    """An Android phone's statement. Each member but the first two can be set to say what is not so.

    hashed, certified, signer: the challenge, the key and the signing key in place of the true ones.
    """

    below: Authority
    level: int = TRUSTED
    keymaster_level: int | None = None
    origin: int | None = GENERATED
    purposes: tuple[int, ...] = (SIGN,)
    is_for_all: str = ""
    is_described: bool = True
    trailing: bytes = b""
    hashed: bytes | None = None
    certified: Key | None = None
    signer: Key | None = None

    def but(self, **changed: Any) -> "Android":
        return replace(self, **changed)

    def __call__(self, key: SoftKey, data: bytes, client: bytes) -> tuple[str, dict[str, Any]]:
        """State it."""
        challenge = self.hashed or sha256(client).digest()
        leaf = _certificate(
            "Android Keystore Key",
            self.certified or key.key,
            self.below.name,
            self.below.key,
            [
                (_usage("digital_signature"), True),
                *([(_unknown(_KEY_DESCRIPTION, self.description(challenge)), False)] if self.is_described else []),
            ],
        )
        signed = (self.signer or key.key).sign(data + sha256(client).digest(), _P256)
        return "android-key", {"alg": -7, "sig": signed, "x5c": [leaf, *self.below.chain]}

    def description(self, challenge: bytes) -> bytes:
        """Android's KeyDescription."""
        everybody = _explicit(600, b"\x05\x00")
        kept = [_explicit(1, _der(b"\x31", b"".join(_number(one) for one in self.purposes)))]
        if self.is_for_all == "tee":
            kept.append(everybody)
        if self.origin is not None:
            kept.append(_explicit(702, _number(self.origin)))
        keymaster = self.level if self.keymaster_level is None else self.keymaster_level
        said = _sequence(
            _number(4),
            _number(self.level, b"\x0a"),
            _number(41),
            _number(keymaster, b"\x0a"),
            _der(b"\x04", challenge),
            _der(b"\x04", b""),
            _sequence(*([everybody] if self.is_for_all == "software" else [])),
            _sequence(*kept),
        )
        return said + self.trailing


@dataclass(frozen=True, kw_only=True)
class Apple:
    """An Apple device's statement. nonce, certified: in place of the true ones; is_named: whether there is a nonce.

    has_root: the chain goes on to its root, which Apple's own leave out.
    """

    below: Authority
    nonce: bytes | None = None
    is_named: bool = True
    certified: Key | None = None
    has_root: bool = False

    def but(self, **changed: Any) -> "Apple":
        return replace(self, **changed)

    def __call__(self, key: SoftKey, data: bytes, client: bytes) -> tuple[str, dict[str, Any]]:
        """State it."""
        nonce = self.nonce or sha256(data + sha256(client).digest()).digest()
        wrapped = _sequence(_explicit(1, _der(b"\x04", nonce)))
        leaf = _certificate(
            "4a1f",
            self.certified or key.key,
            self.below.name,
            self.below.key,
            [
                (x509.BasicConstraints(ca=False, path_length=None), True),
                *([(_unknown(_NONCE, wrapped), False)] if self.is_named else []),
            ],
        )
        return "apple", {"x5c": [leaf, *(self.below.chain if self.has_root else self.below.chain[:-1])]}
