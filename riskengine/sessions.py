"""What a session has looked like, and what its person has confirmed of that. The database is told first, then Valkey.

A session is *noted* from medium on and *raised* from high on: what was proved before it was raised counts no more. Until its person
confirms by a second factor, no request of the session is less risky than that, whatever it leaves out of how it looks.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import DatabaseError, transaction

from isolation.api import tenant_row
from riskengine import store
from riskengine.assessment import Assessment
from riskengine.errors import RiskUnavailable
from riskengine.holding import hold_session, hold_with_others
from riskengine.known import SessionFound
from riskengine.looks import alike
from riskengine.models import SessionRisk
from riskengine.requirements import rank
from riskengine.seen import NOTHING_SEEN, Seen
from riskengine.subjects import Subject, storable
from tiergate import Band

MOST_LOOKS: Final = 16
"""Of one session; with more, those before are forgotten, and are news again."""

_NOTED: Final = "riskengine_noted_at(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
_SETTLED: Final = "riskengine_settled(%s, %s, %s)"
_decode: Final = msgspec.json.Decoder(SessionFound | None).decode


def is_news(found: SessionFound | None, seen: Seen, band: Band) -> bool:
    """Say whether a session was never seen so risky with such looks since its person last confirmed."""
    return rank(band) >= rank("medium") and (found is None or rank(found.looks.get(alike(seen), "low")) < rank(band))


def is_raised_by(band: Band) -> bool:
    """Say whether a session that comes to look so is raised: what was proved in it before counts no more."""
    return rank(band) >= rank("high")


def note_session(
    *, tenant_id: UUID, subject: Subject, session_id: UUID, seen: Seen, band: Band, happened_at: datetime, at: datetime
) -> SessionFound:
    """Note that a session looked risky in a way in which it did not before, and raise it at ``at`` where it is high or critical.

    happened_at: when it looked so; ``at`` may be later.
    :raises RiskUnavailable: it cannot be noted.
    """
    return _noted(tenant_id, subject, session_id, seen, band, since=at if is_raised_by(band) else None, at=happened_at)


def begin_session(
    *, tenant_id: UUID, subject: Subject, session_id: UUID, seen: Seen, assessment: Assessment, at: datetime
) -> None:
    """Note what a session looks like as it begins, within the tenant's transaction; what began it was shown just so, and counts.

    :raises RiskUnavailable: it cannot be noted.
    """
    if is_news(None, seen, assessment.band):
        _noted(tenant_id, subject, session_id, seen, assessment.band, since=None, at=at)


def settle_session(
    *, tenant_id: UUID, session_id: UUID, seen: Seen, confirmed_at: datetime, phishing_resistant_at: datetime | None
) -> None:
    """Note that the person has confirmed by a second factor with these looks, within the tenant's transaction.

    Where the session looked critical, a factor that can be phished settles nothing; nor does, anywhere, what was shown before it was
    last raised.

    confirmed_at: when the newest second factor was shown. phishing_resistant_at: the newest that resists phishing; None for none.
    :raises RiskUnavailable: it cannot be noted.
    """
    # INVARIANT: whoever notes a rise meanwhile is waited for, or comes after: no rise is settled that was not looked at.
    hold_session(tenant_id=tenant_id, session_id=session_id)
    noted = SessionRisk.objects.filter(tenant_id=tenant_id, session_id=session_id)
    person = noted.values_list("subject_type", "subject_id").first()
    if person is None:
        return
    hold_with_others(tenant_id=tenant_id, subject=person)
    found = noted.select_for_update().values_list("band", "raised_at").first()
    if found is None:
        return
    band, raised_at = found
    shown_at = phishing_resistant_at if rank(band) >= rank("critical") else confirmed_at
    if shown_at is None or (raised_at is not None and shown_at < raised_at):
        return
    look = "" if seen == NOTHING_SEEN else alike(seen)
    _tell(tenant_id, session_id, _asked(tenant_id, _SETTLED, [tenant_id, session_id, look]))


def _noted(
    tenant_id: UUID,
    subject: Subject,
    session_id: UUID,
    seen: Seen,
    band: Band,
    *,
    since: datetime | None,
    at: datetime,
) -> SessionFound:
    subject = storable(subject)
    asked = [tenant_id, session_id, *subject, alike(seen), band, since, str(MOST_LOOKS), at]
    found = _asked(tenant_id, _NOTED, asked)
    if found is None:
        # Of somebody who was erased meanwhile: whoever asks again is looked at anew.
        raise RiskUnavailable("It cannot be noted that a session looks risky.")
    _tell(tenant_id, session_id, found)
    return found


def _asked(tenant_id: UUID, columns: str, parameters: list[Any]) -> SessionFound | None:
    try:
        (told,) = tenant_row(tenant_id, columns, parameters)
    except DatabaseError as error:
        raise RiskUnavailable("It cannot be noted what a session looks like.") from error
    return None if told is None else _decode(told)


def _tell(tenant_id: UUID, session_id: UUID, found: SessionFound | None) -> None:
    if found is None:
        return
    # Not before it is so: what is rolled back would be told for a day.
    transaction.on_commit(
        lambda: store.tell_session(tenant_id=tenant_id, session_id=session_id, found=found), robust=True
    )
