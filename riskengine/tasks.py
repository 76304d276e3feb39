"""The room's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from datetime import timedelta
from typing import Final

from celery import shared_task

from isolation.clock import now
from riskengine import draining, folding

TURN: Final = timedelta(seconds=10)
"""How long one task works before others have their turn."""


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def drain_sights() -> None:
    """Store how sessions looked, as processes have told."""
    draining.drain_sights()


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def fold_signals() -> None:
    """Learn from the signals that came in."""
    folding.fold(clock=now, until=now() + TURN)
