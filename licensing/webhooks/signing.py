"""Sign a message as Standard Webhooks 1.0 says, so that receivers can use any of its libraries.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    """Make a secret of 256 random bits."""
    return os.urandom(_SECRET_BYTES)


def written_secret(secret: bytes) -> str:
    """Write a secret as its receiver is given it: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(secret).decode()


def message_id(event_id: UUID) -> str:
    """Name an event as receivers know it; the same at every try, so that they can tell one that comes again."""
    return f"evt_{event_id.hex}"


def encoded(body: object) -> bytes:
    """Encode a message's body: the same bytes each time it is sent."""
    return msgspec.json.encode(body, order="deterministic")


def signed_headers(*, message: str, body: bytes, secrets: Sequence[bytes], at: datetime) -> dict[str, str]:
    """Give the three headers of a message; each secret signs, so that one may be exchanged without a gap.

    The signature is ``v1,`` and base64 of HMAC-SHA256 over ``id.timestamp.body``; several stand beside each other.
    """
    timestamp = str(int(at.timestamp()))
    content = b".".join((message.encode(), timestamp.encode(), body))
    signatures = (base64.b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
