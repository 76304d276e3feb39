"""Sending the notices that wait: each at least once, by whichever worker comes first."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q

from authlevels.models import Notice
from authlevels.notice_sentences import written

_SWEEP: Final = "sweep"
LEASE: Final = timedelta(minutes=2)
"""A worker that dies while it sends holds a notice up for so long."""
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=6)
TRIES: Final = 12
"""Then it is given up, some two days after it was written."""
BATCH: Final = 50
KEPT: Final = timedelta(days=30)

_log = structlog.get_logger(__name__)


def send_notices(*, at: datetime) -> int:
    """Send what is due and return how many were sent; a failure waits longer each time, and holds up no other."""
    if not settings.MAIL_IS_CONFIGURED:
        return 0
    return sum(_send(one, at=at) for one in _leased(at))


def forget_notices(*, at: datetime) -> int:
    """Delete what was sent or given up a month ago, and return how many."""
    over = Q(sent_at__lt=at - KEPT) | Q(given_up_at__lt=at - KEPT)
    return Notice.objects.using(_SWEEP).filter(over).delete()[0]


def _leased(at: datetime) -> list[Notice]:
    """Take the next notices for this worker alone, counting the try before it is made."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=at)
    waiting = Notice.objects.using(_SWEEP).filter(
        free, sent_at__isnull=True, given_up_at__isnull=True, next_try_at__lte=at
    )
    with transaction.atomic(using=_SWEEP):
        ids: list[UUID] = [
            row.id for row in waiting.select_for_update(skip_locked=True).order_by("next_try_at")[:BATCH]
        ]
        mine = Notice.objects.using(_SWEEP).filter(id__in=ids)
        mine.update(leased_until=at + LEASE, attempts=F("attempts") + 1)
    return list(Notice.objects.using(_SWEEP).filter(id__in=ids).order_by("created_at"))


def _send(notice: Notice, *, at: datetime) -> bool:
    row = Notice.objects.using(_SWEEP).filter(id=notice.id)
    when = f"{notice.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    try:
        subject, text = written(notice.kind, notice.told, when=when, where=settings.TIERGATE_BASE_URL)
        EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [notice.address]).send()
    except Exception as error:  # noqa: BLE001 - whatever a mail server does, the others are still to be sent
        pause = min(FIRST_PAUSE * 2 ** (notice.attempts - 1), LONGEST_PAUSE)
        is_over = notice.attempts >= TRIES
        row.update(leased_until=None, next_try_at=at + pause, given_up_at=at if is_over else None)
        _log.warning("notice_not_sent", kind=notice.kind, attempts=notice.attempts, error=type(error).__name__)
        return False
    row.update(sent_at=at, leased_until=None)
    return True
