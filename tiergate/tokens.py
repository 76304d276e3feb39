"""Tokens as the services that are shown them read them: whether one is ours, and whether it is good for this call.

The one module of the kernel that needs PyJWT (with `cryptography`), and so is imported by its own name.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import msgspec
from msgspec import Struct

from tiergate.errors import ErrorKind, TiergateError

MAX_TOKEN = 8192
"""Bytes that a token may be long; ours are below two thousand."""

CLOCK_SKEW = timedelta(seconds=5)

EVERY_TENANT = "*"
"""What a service wants that serves every tenant, and itself tells their people apart by the claim ``tenant``."""

# RFC 8725 sections 3.1 and 3.11: what a token says of its own algorithm and type is compared, never believed.
_ALGORITHM = "ES256"
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_HEADER = frozenset({"alg", "kid", "typ"})


class TokenRefused(TiergateError):
    """The token is none of ours, is for somebody else, or is over (RFC 6750 section 3.1)."""

    code = "invalid_token"
    kind = ErrorKind.UNAUTHENTICATED


class ScopeLacking(TiergateError):
    """The token is good, but not for this (RFC 6750 section 3.1)."""

    code = "insufficient_scope"
    kind = ErrorKind.FORBIDDEN


class ProofLacking(TiergateError):
    """The person has not shown enough, or too long ago (RFC 9470 section 3); ``extra`` says what would do."""

    code = "insufficient_user_authentication"
    kind = ErrorKind.UNAUTHENTICATED


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says (RFC 9068 section 2.2, and our own).

    sub: ``type:id`` of the person, within ``tenant``. scope: names with spaces between. sid: the session's handle.
    acr, amr, auth_time: how sure we are, by what (RFC 8176), and when the person last showed it for this; in seconds.
    A service that asked in its own name has none. approvals: how many people agreed to what it is for.
    txn: what it is for, where it is good for one transaction: the hash that the person confirmed.
    bound: the properties that were confirmed, by path; a call must carry just these. resource: likewise, as
    ``type/id``. environment: likewise.
    """

    iss: str
    sub: str
    aud: str
    exp: int
    iat: int
    jti: str
    client_id: str
    scope: str
    tenant: str
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: int | None = None
    approvals: int = 0
    sid: str | None = None
    txn: str | None = None
    resource: str | None = None
    bound: Mapping[str, Any] = {}
    environment: str | None = None

    @property
    def scopes(self) -> frozenset[str]:
        """Name what the token is good for."""
        return frozenset(self.scope.split())

    def members(self) -> dict[str, Any]:
        """Write the claims as JSON, without those that are not there."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


class Wanted(Struct, frozen=True, kw_only=True):
    """What one call asks of a token.

    tenant: the slug of the one whose people may call; anybody may take a token for any service, in a tenant of theirs.
    acr: the values of which any would do; none: as the scope asked when the token was issued.
    max_age: seconds since the person last showed it.
    resource, bound, environment: what the call is about, for a token that is good for one thing alone.
    """

    tenant: str
    scope: str
    acr: Sequence[str] = ()
    max_age: int | None = None
    resource: str | None = None
    bound: Mapping[str, Any] = {}
    environment: str | None = None


def key_id_of(token: str) -> str:
    """Name the key that a token says it is signed with; nothing else of it may be believed yet.

    :raises TokenRefused: it is no token of the kind that we issue.
    """
    if len(token) > MAX_TOKEN:
        raise TokenRefused("The token is too long.")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenRefused("The token cannot be read.") from error
    kid, kind = header.get("kid"), header.get("typ")
    # A list is in no set, and asking whether it is raises.
    is_ours = header.get("alg") == _ALGORITHM and isinstance(kind, str) and kind in _TYPES and header.keys() == _HEADER
    if not is_ours or not isinstance(kid, str) or not kid:
        raise TokenRefused("The token is of another kind.")
    return kid


def read_token(
    token: str, *, keys: Mapping[str, Mapping[str, Any]], issuer: str, audience: str, at: datetime
) -> Claims:
    """Check a token's signature, who issued it, for whom, and its time, and return what it says.

    keys: public keys (RFC 7517) by their names. audience: who reads it; a token for anybody else is refused.
    :raises TokenRefused: any of it is wrong. Whether its task has ended meanwhile is for introspection to say.
    """
    claims = read_issued(token, keys=keys, issuer=issuer, at=at)
    if not audience or claims.aud != audience:
        raise TokenRefused("The token is for another service.")
    return claims


def read_issued(token: str, *, keys: Mapping[str, Mapping[str, Any]], issuer: str, at: datetime) -> Claims:
    """Check a token as its issuer does, who is asked about tokens for everybody.

    :raises TokenRefused: it is none of the issuer's, or is over.
    """
    jwk = keys.get(key_id_of(token))
    if jwk is None:
        raise TokenRefused("The token is signed with a key that is not published.")
    try:
        key = jwt.PyJWK(dict(jwk), algorithm=_ALGORITHM)
        # The instant is an argument here, so that PyJWT, which asks a clock, is not asked about time.
        said = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            issuer=issuer,
            options={
                "require": ["exp", "iat", "iss", "aud", "jti"],
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        claims = msgspec.convert(said, Claims)
    except (jwt.PyJWTError, msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("The token is not one of the issuer's.") from error
    if not claims.iat < claims.exp or at >= datetime.fromtimestamp(claims.exp, UTC):
        raise TokenRefused("The token is over.")
    if datetime.fromtimestamp(claims.iat, UTC) > at + CLOCK_SKEW:
        raise TokenRefused("The token is not good yet.")
    return claims


def check(claims: Claims, wanted: Wanted, *, at: datetime) -> None:
    """Check that a token is good for one call.

    A token for one transaction, resource or environment is good for a call that says just the same, and for no call
    that says nothing of it.

    :raises TokenRefused: it is of another tenant, whose ``user:7`` is somebody else.
    :raises ScopeLacking: it is good for something else.
    :raises ProofLacking: the person has not shown enough, or too long ago.
    """
    if wanted.tenant not in {EVERY_TENANT, claims.tenant}:
        raise TokenRefused("The token is of another tenant.")
    if not wanted.scope or wanted.scope not in claims.scopes:
        raise ScopeLacking("The token is not good for this.", scope=wanted.scope)
    for what, allowed, meant in (
        ("resource", claims.resource, wanted.resource),
        ("environment", claims.environment, wanted.environment),
    ):
        if allowed is not None and allowed != meant:
            raise ScopeLacking(f"The token is for another {what}.", scope=wanted.scope)
    if not _is_same(claims.bound, wanted.bound):
        raise ScopeLacking("The token is for something else than what is asked.", scope=wanted.scope)
    too_old = wanted.max_age is not None and (
        claims.auth_time is None
        or at - datetime.fromtimestamp(claims.auth_time, UTC) > timedelta(seconds=wanted.max_age)
    )
    if (wanted.acr and claims.acr not in wanted.acr) or too_old:
        asked: dict[str, Any] = {"acr_values": " ".join(wanted.acr)} if wanted.acr else {}
        if wanted.max_age is not None:
            asked["max_age"] = wanted.max_age
        raise ProofLacking("More must be shown, or anew.", **asked)


def _is_same(allowed: Mapping[str, Any], meant: Mapping[str, Any]) -> bool:
    """Compare as JSON: to Python ``1 == True`` and ``1 == 1.0``, which are different payments."""
    if not allowed:
        return True
    written = _canonical(allowed)
    return written is not None and written == _canonical(meant)


def _canonical(value: Mapping[str, Any]) -> bytes | None:
    try:
        return msgspec.json.encode(dict(value), order="deterministic")
    except (TypeError, ValueError, RecursionError):
        return None
