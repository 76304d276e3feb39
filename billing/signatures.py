"""Whether a webhook was signed by somebody who has the endpoint's secret, just now.

Stripe, "Verify webhook signatures manually": the header ``Stripe-Signature`` holds ``t=<seconds>`` and one or more
``v1=<hex>``, each the HMAC-SHA256 of ``<t>.<raw body>`` under one secret. ``v0`` is for tests of Stripe's own.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from billing.errors import SignatureRefused

TOLERANCE_SECONDS: Final = 300
_MAX_HEADER: Final = 2048
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


def check_signature(raw: bytes, header: str, *, secrets: Sequence[str], at: datetime) -> None:
    """Refuse a body unless one of the header's ``v1`` is one of the secrets' over exactly these bytes.

    :raises SignatureRefused: none is, or it was signed more than 300 seconds from ``at``, before or after.
    """
    signed_at, shown = _read(header)
    wanted = [hmac.digest(one.encode(), signed_at.encode() + b"." + raw, "sha256").hex() for one in secrets]
    # All are compared, so that the time taken does not tell which secret is the newer.
    matches = [hmac.compare_digest(one, other) for one in wanted for other in shown]
    if not any(matches):
        raise SignatureRefused("The webhook's signature is not that of any secret of this endpoint.")
    if abs(at.timestamp() - int(signed_at)) > TOLERANCE_SECONDS:
        raise SignatureRefused("The webhook was signed too long ago, or is ahead of this machine's clock.")


def _read(header: str) -> tuple[str, list[str]]:
    """Return the seconds as they were signed, and every well-formed ``v1``."""
    if len(header) > _MAX_HEADER:
        raise SignatureRefused("The webhook's signature header is too long.")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    shown = [value for name, _, value in pairs if name == "v1" and _HEX.fullmatch(value)]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]):
        raise SignatureRefused("The webhook's signature header says no time, or several.")
    return times[0], shown
