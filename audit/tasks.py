"""The trail's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from celery import shared_task
from django.conf import settings

from audit import draining, partitions, sealing_run
from isolation.clock import now


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def seal_trail() -> None:
    """Seal what waits, and copy the checkpoints."""
    sealing_run.seal_all(at=now(), copies=settings.SEAL_DIR)


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def make_parts() -> None:
    """Make the tables of the coming months."""
    partitions.make_parts(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def drain_stream() -> None:
    """Store what processes have sent to be stored."""
    draining.drain()
