"""Finding what no webhook brought: by Stripe's own list of events, and by looking at everybody once a day."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, Final, Protocol

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from billing import dirty, inbox
from billing.errors import InvalidEvent, StripeRefused
from billing.events import StripeEvent, event_of
from billing.models import Cursor, EventSource
from billing.syncing import Clock

LAG: Final = timedelta(minutes=10)
"""The cursor stays so far behind: an event may appear in the list after one that has a later instant."""
LOOKED_AT_DAILY: Final = timedelta(hours=23)
MOST_AT_ONCE: Final = 1_000
_NAME: Final = "events"
_BATCH: Final = 100

_log = structlog.get_logger(__name__)


class EventList(Protocol):
    """What is asked of Stripe."""

    def events(self, *, after: str = "", since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """List events: those after one, the oldest first; or those since an instant, the newest first."""


def catch_up(*, gateway: EventList, clock: Clock) -> int:
    """Store those events of Stripe's list that no webhook brought, and return how many there were.

    Where the list does not reach back to the cursor any longer, everybody is looked at instead.
    """
    began = clock()
    cursor = Cursor.objects.filter(name=_NAME).first()
    if cursor is None or not cursor.event_id:
        if cursor is None:
            sweep(at=began, before=began, limit=None)
        return _read(gateway.events(since=began - LAG - LAG), cursor, at=began)
    try:
        return _read(gateway.events(after=cursor.event_id), cursor, at=began)
    except StripeRefused as refused:
        if refused.extra.get("status") not in {400, 404}:
            raise
        _log.warning("events_cursor_lost", stripe_event=cursor.event_id)
        sweep(at=began, before=began, limit=None)
        return _read(gateway.events(since=began - LAG - LAG), None, at=began)


def sweep(
    *, at: datetime, before: datetime | None = None, limit: int | None = MOST_AT_ONCE, using: str = DEFAULT_DB_ALIAS
) -> int:
    """Have those customers be read again that were not since ``before`` (a day ago), and return how many.

    limit: at most so many, so that a day's are spread over the day; None: all.
    """
    since = before or at - LOOKED_AT_DAILY
    count = found = dirty.mark_stale(before=since, at=at, limit=limit or MOST_AT_ONCE, using=using)
    while limit is None and found:
        found = dirty.mark_stale(before=since, at=at, limit=MOST_AT_ONCE, using=using)
        count += found
    return count


def _read(said: Iterable[dict[str, Any]], cursor: Cursor | None, *, at: datetime) -> int:
    new, newest = 0, ("", datetime.min.replace(tzinfo=UTC))
    for page in batched(said, _BATCH):
        events = list(_ours(page))
        new += inbox.store(events, source=EventSource.CURSOR, at=at)
        # Whichever it is of one second: all that are listed now are stored, and none appears so late any more.
        settled = [(one.id, one.created_at) for one in events if one.created_at <= at - LAG]
        newest = max([newest, *settled], key=lambda one: one[1])
    held = cursor.event_id if cursor else ""
    Cursor.objects.update_or_create(name=_NAME, defaults={"event_id": newest[0] or held, "checked_at": at})
    if new:
        _log.warning("events_without_webhook", count=new)
    return new


def _ours(page: Iterable[dict[str, Any]]) -> Iterator[StripeEvent]:
    for said in page:
        try:
            event = event_of(said)
        except InvalidEvent:
            _log.warning("event_not_read", stripe_event=str(said.get("id", ""))[:100])
            continue
        if event.livemode == settings.STRIPE.is_live:
            yield event
