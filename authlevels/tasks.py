"""The room's own work, by the schedule in the settings; each may be run twice, or cut short, without harm."""

from celery import shared_task

from authlevels import attempts, forgetting, notice_sending, readiness, signing_keys, token_ends, untold_ends
from isolation.clock import now


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def tend_signing_keys() -> None:
    """Make the next signing key in time, and let go of what signs no longer."""
    signing_keys.tend_signing_keys(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def drop_expired_tokens() -> None:
    """Tell the trail of tokens that have expired."""
    token_ends.drop_expired(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def tell_ends() -> None:
    """Tell the trail of what the database ended by itself."""
    untold_ends.tell_ends(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def send_notices() -> None:
    """Send what people are to be told."""
    notice_sending.send_notices(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def forget_what_is_over() -> None:
    """Delete counts of attempts whose window is long over, notices that were sent long ago, and from where old sessions came."""
    attempts.forget_counts(at=now())
    notice_sending.forget_notices(at=now())
    forgetting.forget_whence(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def look_over_tenants() -> None:
    """Note who has not enrolled what their tenant's plan asks for."""
    readiness.look_over_tenants(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def look_over_risen() -> None:
    """Do so at once where more is asked since a moment ago."""
    readiness.look_over_risen(at=now())


@shared_task  # type: ignore[untyped-decorator]  # Celery carries no types
def forget_suspended() -> None:
    """Delete requests of browsers that waited for too long."""
    forgetting.forget_suspended(at=now())
