"""What an authenticator is asked to sign, and that each answer is to a question of ours, asked once.

The WebAuthn challenge is a random nonce, and a hash of it with everything that the answer is to be good for. The hash
is not kept: it is computed again, from what is so when the answer comes. So an answer to one step-up is none to
another, nor to the same after what it is bound to has changed.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from json import dumps
from typing import Final
from uuid import UUID

from authlevels.models import Ceremony, Challenge

CEREMONY_LIVES: Final = timedelta(minutes=5)
"""WebAuthn Level 3, section 15.1, recommends five to ten minutes."""

_NONCE_BYTES: Final = 32
_OPEN_AT_ONCE: Final = 8
"""In so many tabs one thing can be asked."""


def begin(*, tenant_id: UUID, session_id: UUID, user_id: UUID, challenge: Challenge | None, at: datetime) -> bytes:
    """Ask something of an authenticator and return what it is to sign, within a transaction of the tenant.

    challenge: the step-up challenge that the answer is for; None for an enrolment.
    """
    same = Ceremony.objects.filter(
        tenant_id=tenant_id, session_id=session_id, challenge_id=challenge.id if challenge else None
    )
    kept = same.filter(expires_at__gt=at).order_by("-created_at").values_list("id", flat=True)[: _OPEN_AT_ONCE - 1]
    same.exclude(id__in=list(kept)).delete()
    nonce = secrets.token_bytes(_NONCE_BYTES)
    Ceremony.objects.create(
        tenant_id=tenant_id,
        session_id=session_id,
        challenge_id=challenge.id if challenge else None,
        purpose=Ceremony.Purpose.STEP_UP if challenge else Ceremony.Purpose.ENROL,
        nonce=nonce,
        created_at=at,
        expires_at=at + CEREMONY_LIVES,
    )
    return nonce + _bound(nonce, tenant_id, session_id, user_id, challenge)


def use_up(
    shown: bytes, *, tenant_id: UUID, session_id: UUID, user_id: UUID, challenge: Challenge | None, at: datetime
) -> datetime | None:
    """Return when what an authenticator signed was asked for here, and for this; it then never is again.

    None where it was not, was answered already, or was asked for too long ago.

    In the transaction in which the answer counts: of two equal answers at once one waits for the other.
    """
    nonce = shown[:_NONCE_BYTES]
    asked = Ceremony.objects.filter(
        tenant_id=tenant_id,
        session_id=session_id,
        challenge_id=challenge.id if challenge else None,
        purpose=Ceremony.Purpose.STEP_UP if challenge else Ceremony.Purpose.ENROL,
        nonce=nonce,
        expires_at__gt=at,
        used_at__isnull=True,
    )
    if not asked.update(used_at=at):
        return None
    bound = _bound(nonce, tenant_id, session_id, user_id, challenge)
    if not compare_digest(shown[_NONCE_BYTES:], bound):
        return None
    return Ceremony.objects.values_list("created_at", flat=True).get(tenant_id=tenant_id, nonce=nonce)


def _bound(nonce: bytes, tenant_id: UUID, session_id: UUID, user_id: UUID, challenge: Challenge | None) -> bytes:
    about = ["tiergate/webauthn/1", nonce.hex(), tenant_id.hex, session_id.hex, user_id.hex]
    if challenge is not None:
        about += [challenge.purpose, challenge.id.hex, challenge.binding, challenge.requirement_digest]
    return sha256(dumps(about, separators=(",", ":")).encode()).digest()
