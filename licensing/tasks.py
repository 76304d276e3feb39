"""The room's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from datetime import timedelta
from typing import Final

from celery import shared_task

from isolation.clock import now
from licensing import invitations, pending, telling
from licensing.usage import settling
from licensing.webhooks import delivering, handing_out

TURN: Final = timedelta(seconds=20)
"""How long one task sends before others have their turn."""


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def expire_what_is_held() -> None:
    """Give back what is reserved beyond its time, and forget the addresses of invitations that are over."""
    settling.expire_reservations(at=now())
    invitations.expire_invitations(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def tell_changes() -> None:
    """Tell what time, or the catalogue, has changed for tenants."""
    telling.tell_waiting(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def send_webhooks() -> None:
    """Find out who wants what has happened, and bring it there."""
    delivering.deliver_due(clock=now, until=now() + TURN)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def forget_events() -> None:
    """Delete events of a month ago, and what was sent of them."""
    handing_out.forget_events(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def apply_due_changes() -> None:
    """Make changes of subscriptions so whose day and grace have passed."""
    pending.apply_due_changes(at=now())
