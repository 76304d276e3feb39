"""The room's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from datetime import timedelta
from typing import Final

from celery import shared_task

from isolation.clock import now
from riskengine import calibrating, clearing, draining, expiring, folding, recomputing

TURN: Final = timedelta(seconds=8)
"""How long one task works before others have their turn."""
LONG_TURN: Final = timedelta(minutes=10)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def drain_sights() -> None:
    """Store how sessions looked, as processes have told; and let go of what is left of people who were erased."""
    clearing.clear_erased()
    draining.drain_sights(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def fold_signals() -> None:
    """Learn from the signals that came in."""
    folding.fold(clock=now, until=now() + TURN)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def recompute() -> None:
    """Begin to walk through all profiles, and to count what is usual."""
    recomputing.begin_run(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def rebase() -> None:
    """Begin to write all profiles anew, as of now."""
    recomputing.begin_run(rewrites=True, at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def go_on_recomputing() -> None:
    """Do the next of what was begun."""
    recomputing.work(clock=now, until=now() + TURN)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def calibrate() -> None:
    """Find anew where bands begin."""
    calibrating.calibrate(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def expire() -> None:
    """Let go of what is older than it is kept."""
    expiring.expire(clock=now, until=now() + LONG_TURN)
