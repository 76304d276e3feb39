"""Tokens asked for again: the same request has the same token, and nobody has more of them than they could use."""

from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from authlevels.challenges import Presenter
from authlevels.elevations import nameless
from authlevels.errors import TooManyTokens
from authlevels.models import Approval, Elevation, Token

MOST_ALIVE: Final = 32
"""Tokens that may rest on one elevation, or one approval, at the same time."""

_KIND: Final = "token"


def claim_of(named: tuple[str, ...], *, presenter: Presenter) -> str:
    """Name the one use of a transaction for a token.

    named: the request's own name with all that it asks for, and of what, so that another wish is another use, and what
    others agreed to for one confirmation is not had again by the next; empty: for this once.
    Whoever reads the name in a row has not the use by it: no request is named with a space in it.
    """
    if not named:
        return nameless(_KIND)
    who = presenter.credential.id if presenter.credential else presenter.session and presenter.session.id
    # Half of a digest is enough: what it names is compared within one elevation.
    return f"{_KIND} {sha256(msgspec.json.encode((who, *named))).hexdigest()[:32]}"


def issued_before(row: Elevation | Approval, *, claim: str, at: datetime) -> UUID | None:
    """Return the live token that has the use of ``row``, to be said once more to who asked for it; None if none has."""
    if row.used_by != claim:
        return None
    rests_on = {"elevation_id": row.id} if isinstance(row, Elevation) else {"approval_id": row.id}
    alive = Token.objects.filter(
        **rests_on, tenant_id=row.tenant_id, claim=claim, dropped_at__isnull=True, expires_at__gt=at
    )
    return alive.values_list("id", flat=True).first()


def refuse_more(row: Token, *, at: datetime) -> None:
    """Refuse a token that is one too many, while what it is to rest on is locked.

    :raises TooManyTokens: as many are alive as may be; ``retry_after`` seconds until one is over.
    """
    same = {"tenant_id": row.tenant_id, "elevation_id": row.elevation_id, "approval_id": row.approval_id}
    alive = Token.objects.filter(**same, dropped_at__isnull=True, expires_at__gt=at).order_by("expires_at")
    ends = list(alive.values_list("expires_at", flat=True)[:MOST_ALIVE])
    if len(ends) == MOST_ALIVE:
        wait = int((ends[0] - at).total_seconds()) + 1
        raise TooManyTokens("Give one back, or use those that there are.", retry_after=wait)
