"""The room's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from celery import shared_task

from isolation.clock import now
from licensing import invitations
from licensing.usage import settling


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def expire_what_is_held() -> None:
    """Give back what is reserved beyond its time, and forget the addresses of invitations that are over."""
    settling.expire_reservations(at=now())
    invitations.expire_invitations(at=now())
