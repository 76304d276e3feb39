"""Of what is asked of people, one is open for the same thing at a time: whoever asks again has that one."""

from datetime import datetime

from django.db.models import QuerySet

from authlevels.models import Approval, Challenge


def put_equal_open[Asked: (Approval, Challenge)](
    fresh: Asked, is_open: QuerySet[Asked], *, at: datetime
) -> Asked | None:
    """Put a new row where no equal one is open, and return the one that is, locked; the new one is known by its id.

    is_open: those that are equal and not closed, of which a unique index lets there be one. What has expired is closed first.
    Within a transaction of the tenant. None: the equal one that stood in the way was closed this very moment.
    """
    is_open.filter(expires_at__lte=at).update(closed_at=at)
    is_open.bulk_create([fresh], ignore_conflicts=True)
    return is_open.select_for_update().first()
