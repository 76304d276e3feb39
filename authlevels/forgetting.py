"""Letting go of what is not kept beyond its use: requests that waited for too long, and from where sessions came."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Q, QuerySet

from authlevels.models import SessionRow, SuspendedRequest

_SWEEP: Final = "sweep"
BATCH: Final = 2_000


def forget_suspended(*, at: datetime) -> int:
    """Delete the requests that waited for too long, of every tenant, and return how many; again changes nothing."""
    deleted, _ = SuspendedRequest.objects.using(_SWEEP).filter(expires_at__lte=at).delete()
    return deleted


def forget_whence(*, at: datetime) -> int:
    """Drop the addresses of sessions that began before their retention, and of those that have been over for so long what they came with.

    Of every tenant; returns how many sessions that were, and again changes nothing. A session that goes on keeps its program's name:
    its person knows it by that.
    """
    before = at - timedelta(days=settings.RISK_RETENTION_DAYS)
    rows = SessionRow.objects.using(_SWEEP)
    return _in_batches(rows.filter(created_at__lt=before, ip__isnull=False), ip=None) + _in_batches(
        rows.filter(~Q(user_agent="") | ~Q(device=""), expires_at__lt=before), user_agent="", device=""
    )


def _in_batches(due: "QuerySet[SessionRow]", **changes: Any) -> int:
    count = 0
    while ids := list(due.values_list("id", flat=True)[:BATCH]):
        count += SessionRow.objects.using(_SWEEP).filter(id__in=ids).update(**changes)
    return count
