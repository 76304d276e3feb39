"""Reading what an authenticator showed: proven to be signed by a key, for this site, or refused with a reason."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import parse_attestation_object
from webauthn.helpers.structs import AttestationFormat, CredentialDeviceType

from authlevels.attestation import is_kept_in, pem, vouching
from authlevels.nesting import is_nested_deeper
from authlevels.relying_party import RelyingParty

_MAX_TEXT: Final = 32 * 1024
_MAX_ID_BYTES: Final = 1023  # WebAuthn Level 3, section 5.8.3
_MAX_DEPTH: Final = 8
_OF_PHONES: Final = frozenset({AttestationFormat.ANDROID_KEY, AttestationFormat.APPLE})
_TRANSPORTS: Final = frozenset({"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"})


class Unproven(Exception):
    """What was shown proves nothing. why: a word for the trail."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A credential as the browser handed it over, with what it says of itself; nothing of it is proven yet.

    challenge: what was signed. user_handle: b"" where the authenticator tells none.
    """

    credential: dict[str, Any]
    id: bytes
    challenge: bytes
    user_handle: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that an authenticator has just made.

    attested_by: the chosen certificate that vouches for its make; "" where none does.
    """

    id: bytes
    public_key: bytes
    sign_count: int
    make: UUID
    transports: tuple[str, ...]
    is_sync_capable: bool
    is_synced: bool
    is_user_verified: bool
    attested_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a key said with its signature."""

    sign_count: int
    is_sync_capable: bool
    is_synced: bool
    is_user_verified: bool


def read_presented(shown: object, *, rp: RelyingParty) -> Presented:
    """Read a credential, JSON text or an object read from it (WebAuthn Level 3, section 5.1).

    :raises Unproven: it is none, or was made on another site, or in a frame of one.
    """
    credential = _object(shown)
    try:
        response = credential["response"]
        client = _json(_decoded(response["clientDataJSON"]))
        found = Presented(
            credential=credential,
            id=_decoded(credential["rawId"]),
            challenge=_decoded(client["challenge"]),
            user_handle=_decoded(response.get("userHandle") or ""),
        )
        origin, is_framed = client["origin"], client.get("crossOrigin", False) or client.get("topOrigin", "")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unproven("malformed") from None
    if origin not in rp.origins or is_framed:
        raise Unproven("wrong_origin")
    if not 1 <= len(found.id) <= _MAX_ID_BYTES:
        raise Unproven("malformed")
    return found


def read_new_key(presented: Presented, *, rp: RelyingParty, at: datetime) -> NewKey:
    """Verify the making of a key (WebAuthn Level 3, section 7.1); that it was asked for is the caller's to know.

    :raises Unproven: it was not made here, or its attestation statement is false.
    """
    try:
        verified = verify_registration_response(
            credential=presented.credential,
            expected_challenge=presented.challenge,
            expected_rp_id=rp.id,
            expected_origin=list(rp.origins),
            pem_root_certs_bytes_by_fmt=_known_ends(presented, rp.roots),
        )
        attested = parse_attestation_object(verified.attestation_object)
        make = UUID(verified.aaguid)
        statement_format = AttestationFormat(verified.fmt)
        attested_by = ""
        if is_kept_in(statement_format, attested.att_stmt):
            attested_by = vouching(
                statement_format=statement_format.value,
                chain=attested.att_stmt.x5c or (),
                make=make,
                roots=rp.roots,
                at=at,
            )
    except Exception as error:
        # Its parsers raise whatever they meet; whatever it is, nothing was shown.
        raise Unproven("not_right") from error
    if verified.credential_id != presented.id:
        raise Unproven("not_right")
    transports = presented.credential["response"].get("transports")
    return NewKey(
        id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        make=make,
        transports=tuple(sorted(_TRANSPORTS & {one for one in transports if isinstance(one, str)}))
        if isinstance(transports, list)
        else (),
        is_sync_capable=verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        is_synced=verified.credential_backed_up,
        # U2F knows no user verification, and what says so here it does not sign (WebAuthn Level 3, section 8.6).
        is_user_verified=verified.user_verified and statement_format != AttestationFormat.FIDO_U2F,
        attested_by=attested_by,
    )


def read_signed(presented: Presented, *, public_key: bytes, rp: RelyingParty) -> Signed:
    """Verify a signature by a known key (WebAuthn Level 3, section 7.2); what it says is the caller's to judge.

    :raises Unproven: the key did not sign this, or not for this site, or without anybody there.
    """
    try:
        verified = verify_authentication_response(
            credential=presented.credential,
            expected_challenge=presented.challenge,
            expected_rp_id=rp.id,
            expected_origin=list(rp.origins),
            credential_public_key=public_key,
            # Judged by the caller: here it would be looked at before the signature, and anybody could make one up.
            credential_current_sign_count=0,
        )
    except Exception as error:
        # As above.
        raise Unproven("not_right") from error
    return Signed(
        sign_count=verified.new_sign_count,
        is_sync_capable=verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        is_synced=verified.credential_backed_up,
        is_user_verified=verified.user_verified,
    )


def _known_ends(presented: Presented, roots: Sequence[bytes]) -> dict[AttestationFormat, list[bytes]]:
    """List where phones' chains may end, which the library refuses elsewhere than at the roots that it has built in.

    Whose word is taken is for `vouching` to say. A maker who is unknown there is no reason to refuse a key.
    """
    attested = parse_attestation_object(_decoded(presented.credential["response"]["attestationObject"]))
    if attested.fmt not in _OF_PHONES:
        return {}
    return {attested.fmt: [pem(one) for one in (*roots, *(attested.att_stmt.x5c or ())[-1:])]}


def _object(shown: object) -> dict[str, Any]:
    if isinstance(shown, str):
        try:
            shown = _json(shown.encode())
        except ValueError:
            raise Unproven("malformed") from None
    if not isinstance(shown, dict):
        raise Unproven("malformed")
    return shown


def _json(text: bytes) -> Any:
    if len(text) > _MAX_TEXT or is_nested_deeper(text, _MAX_DEPTH):
        raise ValueError("This is longer or deeper than what a browser writes.")
    return json.loads(text)


def _decoded(text: object) -> bytes:
    if not isinstance(text, str) or not text.isascii():
        raise ValueError("This is no base64url.")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
