"""The keys that sign tokens: made ahead, published before they sign and after, and gone when nothing rests on them."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.db import connection
from jwt.algorithms import ECAlgorithm

import audit.api
import licensing.api
from authlevels.errors import SigningKeyNotFound
from authlevels.models import SigningKey
from isolation.api import seal, tenant_transaction, unseal

ALGORITHM: Final = "ES256"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - RFC 9068 section 2.1: a media type
TOKEN_LIVES: Final = timedelta(minutes=5)
KEYS_CACHED_FOR: Final = timedelta(minutes=5)
"""How long the published set may be kept by whoever reads it."""

PUBLISHED_BEFORE: Final = 2 * KEYS_CACHED_FOR
"""How long a key is published before it signs."""

SIGNS_FOR: Final = timedelta(days=30)
PUBLISHED_AFTER: Final = TOKEN_LIVES + timedelta(minutes=1)
"""How long a key is published after its last token: as long as that lives, and clocks may differ."""

PURPOSE: Final = "signing"
_ONE_AT_A_TIME: Final = 0x7469_6B65  # any number of our own: the key of an advisory lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The key that signs now."""

    kid: str
    key: EllipticCurvePrivateKey

    def sign(self, claims: dict[str, Any]) -> str:
        """Write claims as a signed token (RFC 9068 section 2)."""
        return jwt.encode(claims, self.key, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": self.kid})


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyState:
    """A key as an operator sees it. state: ``next``, ``signs``, ``published`` or ``revoked``."""

    kid: str
    state: str
    created_at: datetime
    signs_from: datetime


def place_of(row: SigningKey) -> str:
    """Say what a key's private part is sealed to."""
    return f"signing_key:{row.kid}"


def get_signer(*, at: datetime) -> Signer:
    """Return the key that signs at an instant, making the installation's first where there is none.

    :raises SecretUnreadable: it was sealed with a key that is not in the ring.
    """
    row = _signing(_rows(), at)
    if row is None:
        _make(by="tiergate", at=at, is_first=True)
        row = _signing(_rows(), at)
    if row is None or row.private_sealed is None:
        raise SigningKeyNotFound("No key signs just now.")
    pem = unseal(bytes(row.private_sealed), purpose=PURPOSE, bound_to=place_of(row))
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise SigningKeyNotFound("The key that signs is of another kind.")
    return Signer(kid=row.kid, key=key)


def published_keys(*, at: datetime) -> dict[str, dict[str, Any]]:
    """Return by name the public keys (RFC 7517) that tokens alive at an instant, or soon, are signed with."""
    rows = _rows()
    return {row.kid: row.public_jwk for row in rows if _is_published(row, rows, at)}


def list_signing_keys(*, at: datetime) -> list[SigningKeyState]:
    """List the keys that there are, the newest first."""
    rows = _rows()
    signing = _signing(rows, at)

    def state(row: SigningKey) -> str:
        if row.revoked_at is not None:
            return "revoked"
        if row.signs_from > at:
            return "next"
        return "signs" if row == signing else "published"

    return [
        SigningKeyState(kid=row.kid, state=state(row), created_at=row.created_at, signs_from=row.signs_from)
        for row in rows
    ]


def rotate_signing_keys(*, by: str, at: datetime) -> str:
    """Make the next key and return its name; it signs once everybody can know it, and the others stay until then."""
    return _make(by=by, at=at, is_first=False)


def revoke_signing_key(*, kid: str, by: str, at: datetime) -> None:
    """Take a key back at once, and with it every token that it signed; another one signs from now on.

    :raises SigningKeyNotFound: there is none of that name.
    """
    with tenant_transaction(licensing.api.VENDOR_TENANT_ID):
        _wait_for_turn()
        changed = SigningKey.objects.filter(kid=kid, revoked_at__isnull=True).update(revoked_at=at, private_sealed=None)
        if not changed and not SigningKey.objects.filter(kid=kid).exists():
            raise SigningKeyNotFound("There is no such signing key.")
        if changed:
            _record(audit.api.Kind.SIGNING_KEY_REVOKED, kid, by=by, at=at)
    if _signing(_rows(), at) is None:
        _make(by=by, at=at, is_first=True)


def tend_signing_keys(*, at: datetime) -> None:
    """Do what time asks: make the next key in time, and let go of what signs no longer. Again changes nothing."""
    rows = _rows()
    newest = next((row for row in rows if row.revoked_at is None), None)
    if newest is not None and newest.signs_from + SIGNS_FOR <= at:
        rotate_signing_keys(by="tiergate", at=at)
    for row in rows:
        is_replaced = _replaced_at(row, rows) is not None and row != _signing(rows, at) and row.signs_from <= at
        if is_replaced and row.private_sealed is not None:
            SigningKey.objects.filter(kid=row.kid).update(private_sealed=None)
        if row.signs_from <= at and not _is_published(row, rows, at) and _is_past(row, rows, at):
            SigningKey.objects.filter(kid=row.kid).delete()


def _make(*, by: str, at: datetime, is_first: bool) -> str:
    key = generate_private_key(SECP256R1())
    kid = secrets.token_urlsafe(12)
    jwk = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    row = SigningKey(
        kid=kid,
        public_jwk={**jwk, "kid": kid, "use": "sig", "alg": ALGORITHM},
        created_at=at,
        signs_from=at if is_first else at + PUBLISHED_BEFORE,
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    row.private_sealed = seal(pem, purpose=PURPOSE, bound_to=place_of(row))
    with tenant_transaction(licensing.api.VENDOR_TENANT_ID):
        _wait_for_turn()
        rows = _rows()
        there = _signing(rows, at) if is_first else next((one for one in rows if _is_next(one, at)), None)
        if there is not None:
            # Somebody else has just made it, or the next one waits already.
            return there.kid
        row.save(force_insert=True)
        _record(audit.api.Kind.SIGNING_KEY_CREATED, kid, by=by, at=at, signs_from=row.signs_from.isoformat())
    return kid


def _wait_for_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])


def _rows() -> list[SigningKey]:
    return list(SigningKey.objects.order_by("-signs_from", "-created_at", "kid"))


def _is_next(row: SigningKey, at: datetime) -> bool:
    return row.revoked_at is None and row.signs_from > at


def _signing(rows: list[SigningKey], at: datetime) -> SigningKey | None:
    """Find the key that signs: the newest whose time has come."""
    usable = (row for row in rows if row.revoked_at is None and row.private_sealed is not None and row.signs_from <= at)
    return next(usable, None)


def _replaced_at(row: SigningKey, rows: list[SigningKey]) -> datetime | None:
    """Say when the next newer key takes over; a revoked one takes nothing over."""
    newer = [one.signs_from for one in rows if one.revoked_at is None and one.signs_from > row.signs_from]
    return min(newer, default=None)


def _is_past(row: SigningKey, rows: list[SigningKey], at: datetime) -> bool:
    ended = row.revoked_at or _replaced_at(row, rows)
    return ended is not None and ended + PUBLISHED_AFTER <= at


def _is_published(row: SigningKey, rows: list[SigningKey], at: datetime) -> bool:
    return row.revoked_at is None and not _is_past(row, rows, at)


def _record(kind: audit.api.Kind, kid: str, *, by: str, at: datetime, **more: str) -> None:
    audit.api.append(tenant_id=licensing.api.VENDOR_TENANT_ID, kind=kind, at=at, payload={"key": kid, "by": by, **more})
