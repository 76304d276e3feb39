"""When a limit's count begins and ends: pure calendar arithmetic."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from licensing.errors import InvalidName
from tiergate import ResetPeriod

FOR_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of a count that never starts again."""

TIMEZONE: Final = "timezone"
"""The tenant's setting that names its zone."""

_MONTHS: Final = 12
MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingCycle:
    """By what billing periods are counted from ``begins`` on.

    anchor: when a period began; others begin at its time of day, on its day of the month or the last.
    months: how long a period is. until: when the one that began at ``anchor`` ends, where that was said.
    """

    anchor: datetime
    begins: datetime
    months: int = 1
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From ``start`` (inclusive) to ``end`` (exclusive; None: it never ends), both in UTC."""

    start: datetime
    end: datetime | None


def zone_of(settings: Mapping[str, Any]) -> ZoneInfo:
    """Read a tenant's time zone from its settings; UTC where they name none."""
    # It was a zone when it was set; the machine's list of them may have lost it.
    return find_zone(settings) or ZoneInfo("UTC")


def find_zone(settings: Mapping[str, Any]) -> ZoneInfo | None:
    """Read a tenant's time zone as `zone_of` does; None where its settings name one that this machine does not know."""
    try:
        return ZoneInfo(settings.get(TIMEZONE) or "UTC")
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        return None


def check_zone(settings: Mapping[str, Any]) -> None:
    """Refuse settings that name a time zone that is none.

    :raises InvalidName: it is not in IANA's list of them.
    """
    named = settings.get(TIMEZONE)
    if named is not None and named not in available_timezones():
        raise InvalidName(f"{str(named)[:100]!r} is no time zone of IANA's list, such as Europe/Berlin.")


def period_at(reset: ResetPeriod | None, *, at: datetime, zone: ZoneInfo, billing: BillingCycle | None) -> Period:
    """Give the period that ``at`` is in.

    Days, months and years begin at midnight in ``zone``; a billing period as ``billing`` counts, or as a month where
    the tenant never subscribed. A midnight that a change of clocks skips is the instant at which they changed, and one
    that comes twice is the first.
    """
    if reset is None:
        return Period(start=FOR_EVER, end=None)
    if reset == ResetPeriod.BILLING_PERIOD and billing is not None:
        return _billed(billing, at)
    today = at.astimezone(zone).date()
    match reset:
        case ResetPeriod.DAY:
            first, following = today, today + timedelta(days=1)
        case ResetPeriod.YEAR:
            first, following = date(today.year, 1, 1), date(today.year + 1, 1, 1)
        case _:
            first = today.replace(day=1)
            following = date(today.year + today.month // _MONTHS, today.month % _MONTHS + 1, 1)
    return Period(start=midnight_of(first, zone), end=midnight_of(following, zone))


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    """Give the instant in UTC at which a day begins in ``zone``."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _billed(billing: BillingCycle, at: datetime) -> Period:
    anchor = billing.anchor.astimezone(UTC)
    if billing.until is not None and anchor <= at < billing.until:
        return Period(start=anchor, end=billing.until.astimezone(UTC))
    passed = (at.year - anchor.year) * _MONTHS + at.month - anchor.month
    number = passed // billing.months
    if _months_after(anchor, number * billing.months) > at:
        number -= 1
    return Period(
        start=_months_after(anchor, number * billing.months),
        end=_months_after(anchor, (number + 1) * billing.months),
    )


def _months_after(anchor: datetime, months: int) -> datetime:
    year, month = divmod(anchor.year * _MONTHS + anchor.month - 1 + months, _MONTHS)
    day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)
