"""What somebody says afterwards of how a session looked: that it was them, or that it was not."""

from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec
from django.db import transaction

from isolation.api import tenant_transaction
from riskengine import store
from riskengine.errors import LookNotFound
from riskengine.models import Kind, Signal
from riskengine.recording import record_signal
from riskengine.seen import Seen
from riskengine.subjects import Subject, storable
from riskengine.valkey import ValkeyAway
from tiergate import Band


def confirm_session(
    *, tenant_id: UUID, subject: Subject, session_id: UUID, is_mine: bool, trust: float, at: datetime
) -> Band | None:
    """Note whose a session was, within the tenant's transaction, and give the band that it began with; None where that was said already.

    What was theirs teaches as far as whoever says so is trusted. What was not is learned no further from, and counts as a failure.

    trust: 0 to 1.
    :raises LookNotFound: nobody told how the session looked as it began, or it is another's.
    """
    kind = Kind.CONFIRMED_MINE if is_mine else Kind.CONFIRMED_NOT_MINE
    kept = storable(subject)
    with tenant_transaction(tenant_id, savepoint=False):
        of_session = Signal.objects.filter(
            tenant_id=tenant_id, session_id=session_id, subject_type=kept[0], subject_id=kept[1]
        )
        # Of two who say so at once, the one waits for the other.
        began = of_session.select_for_update().filter(kind=Kind.SIGN_IN).order_by("at", "id").first()
        if began is None:
            raise LookNotFound("Nobody told how such a session of theirs looked.")
        if of_session.filter(kind=kind).exists():
            return None
        if not is_mine:
            of_session.filter(trust__gt=0).update(trust=0.0)
            transaction.on_commit(lambda: _forget(tenant_id, kept), robust=True)
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


def _forget(tenant_id: UUID, subject: Subject) -> None:
    """Have what waits to be learned be read from the database again, where it teaches nothing any more."""
    try:
        store.forget_person(tenant_id=tenant_id, subject=subject)
    except ValkeyAway:
        # Nothing is read from where nothing answers; what it had ends within the hour.
        return
