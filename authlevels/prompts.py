"""How often anybody may be asked to confirm elsewhere, or ask others to agree: a tired person says yes."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from authlevels.errors import Throttled
from authlevels.models import Approval, DeviceCode

MOST_OPEN: Final = 5
MOST_AN_HOUR: Final = 20
MANY_FOR_SERVICES: Final = 4
"""A service asks for many people's sake: so many times as often."""

_HOUR: Final = timedelta(hours=1)


def check_prompts(*, tenant_id: UUID, subject: tuple[str, str], is_service: bool = False, at: datetime) -> None:
    """Refuse one more prompt where too many of a subject are open, or were opened within the hour.

    Within the transaction that opens it, and after this no other one of the subject goes on before that ends.
    :raises Throttled: says after how many seconds there may be one again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"prompts/{tenant_id}/{':'.join(subject)}"]
        )
    whose = {"tenant_id": tenant_id, "subject_type": subject[0], "subject_id": subject[1]}
    approvals = Approval.objects.filter(**whose)
    codes = DeviceCode.objects.filter(**whose, challenge_id__isnull=False)
    waiting = [
        *approvals.filter(closed_at__isnull=True, refused_at__isnull=True, expires_at__gt=at).values_list(
            "expires_at", flat=True
        ),
        *codes.filter(activated_by__isnull=True, denied_at__isnull=True, expires_at__gt=at).values_list(
            "expires_at", flat=True
        ),
    ]
    begun = [
        *approvals.filter(created_at__gt=at - _HOUR).values_list("created_at", flat=True),
        *codes.filter(created_at__gt=at - _HOUR).values_list("created_at", flat=True),
    ]
    times = MANY_FOR_SERVICES if is_service else 1
    if len(waiting) >= MOST_OPEN * times:
        _refuse(min(waiting), at)
    if len(begun) >= MOST_AN_HOUR * times:
        _refuse(min(begun) + _HOUR, at)


def _refuse(until: datetime, at: datetime) -> None:
    seconds = max(1, int((until - at).total_seconds()) + 1)
    raise Throttled("Too much waits for a confirmation already. Answer that first.", retry_after=seconds)
