"""What somebody says afterwards of how a session looked: that it was them, or that it was not."""

from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec

from isolation.api import tenant_transaction
from riskengine.erasing import have_valkey_forget
from riskengine.errors import LookNotFound
from riskengine.holding import hold_alone
from riskengine.models import Kind, Signal
from riskengine.recording import record_signal
from riskengine.seen import Seen
from riskengine.subjects import Subject, storable
from riskengine.taking_back import take_back
from tiergate import Band


def confirm_session(
    *, tenant_id: UUID, subject: Subject, session_id: UUID, is_mine: bool, trust: float, at: datetime
) -> Band | None:
    """Note whose a session was, within the tenant's transaction, and give the band that it began with; None where that was said already.

    What was theirs teaches as far as whoever says so is trusted. What was not is taken back, teaches nothing from now on, and counts as
    a failure.

    trust: 0 to 1.
    :raises LookNotFound: nobody told how the session looked as it began, or it is another's.
    """
    kind = Kind.CONFIRMED_MINE if is_mine else Kind.CONFIRMED_NOT_MINE
    kept = storable(subject)
    with tenant_transaction(tenant_id, savepoint=False):
        of_session = Signal.objects.filter(
            tenant_id=tenant_id, session_id=session_id, subject_type=kept[0], subject_id=kept[1]
        )
        # Of two who say so at once, the one waits for the other; and whoever records something of theirs, too.
        hold_alone(tenant_id=tenant_id, subject=kept)
        began = of_session.filter(kind=Kind.SIGN_IN).order_by("at", "id").first()
        if began is None:
            raise LookNotFound("Nobody told how such a session of theirs looked.")
        if of_session.filter(kind=kind).exists():
            return None
        if not is_mine:
            take_back(tenant_id=tenant_id, subject=kept, session_id=session_id, at=at)
            have_valkey_forget(tenant_id=tenant_id, subject=kept, at=at)
        record_signal(
            tenant_id=tenant_id,
            subject=subject,
            session_id=session_id,
            kind=kind,
            seen=msgspec.convert(began.seen, Seen),
            trust=trust if is_mine else 0.0,
            at=at,
        )
        return cast("Band", began.band)
