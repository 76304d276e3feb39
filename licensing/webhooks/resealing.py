"""What of webhooks is under which key of the ring, and moving it to the newest."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from django.db.models import QuerySet

from isolation.api import Resealed, count_by_key, reseal_column
from licensing.models.webhooks import WebhookEndpoint
from licensing.webhooks.endpoints import PURPOSE, place_of

_SWEEP: Final = "sweep"
_COLUMNS: Final = ("secret_sealed", "previous_sealed")


def webhooks_by_key() -> Counter[str]:
    """Count the secrets of endpoints by the id of the key that sealed them."""
    found: Counter[str] = Counter()
    for column in _COLUMNS:
        found += count_by_key(_held(column), column)
    return found


def reseal_webhooks(*, progress: Callable[[int], None] | None = None) -> Resealed:
    """Seal the secrets of endpoints with the newest key; messages go on being signed meanwhile."""
    done = Resealed()
    for column in _COLUMNS:
        one = reseal_column(_held(column), column, purpose=PURPOSE, place=place_of, progress=progress)
        done = Resealed(moved=done.moved + one.moved, unreadable=[*done.unreadable, *one.unreadable])
    return done


def _held(column: str) -> QuerySet[Any]:
    return WebhookEndpoint.objects.using(_SWEEP).filter(**{f"{column}__isnull": False})
