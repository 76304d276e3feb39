"""The room's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from celery import shared_task

from authlevels import signing_keys, token_ends
from isolation.clock import now


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def tend_signing_keys() -> None:
    """Make the next signing key in time, and let go of what signs no longer."""
    signing_keys.tend_signing_keys(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def drop_expired_tokens() -> None:
    """Tell the trail of tokens that have expired."""
    token_ends.drop_expired(at=now())
