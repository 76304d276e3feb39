"""An authenticator made of software: it makes keys and signs with them, honestly or as told otherwise.

What it writes is built from the standard alone (WebAuthn Level 3, sections 6.1 and 6.5), by no code of ours.
"""

import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

ORIGIN = "http://localhost:8000"
MAKE = UUID("5ca1ab1e-0000-4000-8000-00000000cafe")
_P256 = ec.ECDSA(hashes.SHA256())


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Maker:
    """Whoever makes authenticators: a root, and a certificate for one make.

    stolen: another's certificate, which is shown in place of one's own.
    """

    name: str = "Acme Keys"
    make: UUID = MAKE
    unit: str = "Authenticator Attestation"
    named: UUID | None = None
    is_ca: bool = False
    stolen: bytes | None = None
    ends: datetime = datetime(2040, 1, 1, tzinfo=UTC)
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def root(self) -> x509.Certificate:
        name = _name(f"{self.name} Root", "Roots")
        return _certificate(name, name, self.root_key, self.root_key, ends=self.ends, is_ca=True).sign(
            self.root_key, hashes.SHA256()
        )

    @property
    def root_der(self) -> bytes:
        return self.root.public_bytes(Encoding.DER)

    @property
    def certificate(self) -> bytes:
        if self.stolen is not None:
            return self.stolen
        issuer = _name(f"{self.name} Root", "Roots")
        built = _certificate(
            _name(f"{self.name} One", self.unit), issuer, self.key, self.root_key, ends=self.ends, is_ca=self.is_ca
        ).add_extension(
            x509.UnrecognizedExtension(
                x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4"), b"\x04\x10" + (self.named or self.make).bytes
            ),
            critical=False,
        )
        return built.sign(self.root_key, hashes.SHA256()).public_bytes(Encoding.DER)


def _name(common: str, unit: str) -> x509.Name:
    said = {
        NameOID.COUNTRY_NAME: "DE",
        NameOID.ORGANIZATION_NAME: "Acme Keys",
        NameOID.ORGANIZATIONAL_UNIT_NAME: unit,
        NameOID.COMMON_NAME: common,
    }
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in said.items()])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ends: datetime,
    is_ca: bool,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(datetime(2020, 1, 1, tzinfo=UTC), ends - timedelta(days=365)))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


@dataclass
class SoftKey:
    """One key. What it says of itself can be set, so that a liar can be tried too.

    maker: whoever vouches for it; None: nobody. states: writes another statement than a packed one, given the
    authenticator's and the client's data.
    """

    origin: str = ORIGIN
    rp_id: str | None = None
    verifies_user: bool = True
    is_present: bool = True
    is_sync_capable: bool = False
    is_synced: bool = False
    counts: bool = True
    count: int = 0
    maker: Maker | None = None
    attests_itself: bool = False
    states: Callable[["SoftKey", bytes, bytes], tuple[str, dict[str, Any]]] | None = None
    user_handle: bytes | None = None
    tells_user: bool = True
    client: dict[str, Any] = field(default_factory=dict)
    id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.create` would give."""
        self.rp_id = self.rp_id or options["rp"]["id"]
        self.user_handle = unb64(options["user"]["id"])
        client = self._client("webauthn.create", options["challenge"])
        data = self._data(
            0x40, (self.maker.make if self.maker else UUID(int=0)).bytes + struct.pack(">H", len(self.id)) + self.id
        ) + cbor2.dumps(self.cose())
        statement_format, statement = (self.states or _packed)(self, data, client)
        attested = {"fmt": statement_format, "attStmt": statement, "authData": data}
        return self._credential(
            {
                "clientDataJSON": b64(client),
                "attestationObject": b64(cbor2.dumps(attested)),
                "transports": ["usb", "internal", "by carrier pigeon"],
            }
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.get` would give."""
        self.rp_id = self.rp_id or options["rpId"]
        client = self._client("webauthn.get", options["challenge"])
        data = self._data(0)
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(self.key.sign(data + sha256(client).digest(), _P256)),
        }
        if self.tells_user and self.user_handle is not None:
            response["userHandle"] = b64(self.user_handle)
        return self._credential(response)

    def cose(self) -> dict[int, Any]:
        """The public key (RFC 9053, section 7.1.1)."""
        numbers = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **self.client}
        return json.dumps(said).encode()

    def _data(self, flags: int, attested: bytes = b"") -> bytes:
        said = {
            0x01: self.is_present,
            0x04: self.verifies_user,
            0x08: self.is_sync_capable,
            0x10: self.is_synced,
        }
        self.count += self.counts
        flags |= sum(bit for bit, is_so in said.items() if is_so)
        return sha256((self.rp_id or "").encode()).digest() + struct.pack(">BI", flags, self.count) + attested

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {},
            "response": response,
        }


def _packed(key: SoftKey, data: bytes, client: bytes) -> tuple[str, dict[str, Any]]:
    signed = data + sha256(client).digest()
    if key.maker is not None:
        return "packed", {"alg": -7, "sig": key.maker.key.sign(signed, _P256), "x5c": [key.maker.certificate]}
    if key.attests_itself:
        return "packed", {"alg": -7, "sig": key.key.sign(signed, _P256)}
    return "none", {}
