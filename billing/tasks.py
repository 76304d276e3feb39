"""The room's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from datetime import timedelta
from typing import Final

from celery import shared_task
from django.conf import settings

from billing import calls, catching_up, closing, inbox, nudging, resolving, syncing
from billing.gateway import get_gateway
from isolation.clock import now

TURN: Final = timedelta(seconds=5)
"""How long one task works before others have their turn."""


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def work_off() -> None:
    """Find out whose thin events are, and read the state of whoever is marked."""
    if settings.STRIPE.is_on:
        nudging.begin()
        until = now() + TURN
        resolving.resolve_events(gateway=get_gateway(), clock=now)
        syncing.work_off(gateway=get_gateway(), clock=now, until=until)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def make_calls() -> None:
    """Make the calls that Stripe is owed."""
    if settings.STRIPE.is_on:
        calls.make_calls(gateway=get_gateway(), clock=now)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def end_closed() -> None:
    """Order the end of what closed tenants still pay for."""
    if settings.STRIPE.is_on:
        closing.order_ends(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def catch_up() -> None:
    """Read the list of events for those that no webhook brought."""
    if settings.STRIPE.is_on:
        catching_up.catch_up(gateway=get_gateway(), clock=now)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def sweep() -> None:
    """Have those read again that were not for a day."""
    if settings.STRIPE.is_on:
        catching_up.sweep(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def forget_events() -> None:
    """Delete events that are older than any that Stripe sends again."""
    inbox.forget_events(at=now())
