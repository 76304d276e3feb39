"""The room's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from datetime import timedelta
from typing import Final

from celery import shared_task

from decisions.policy import making, plans
from isolation.clock import now

TURN: Final = timedelta(seconds=20)
"""How long one task works before others have their turn."""


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def make_plans() -> None:
    """Work on the plans and replays that wait."""
    making.make_plans(clock=now, until=now() + TURN)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def forget_plans() -> None:
    """Delete plans of a month ago."""
    plans.forget_plans(at=now())
