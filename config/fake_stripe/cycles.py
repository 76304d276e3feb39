"""When does a period begin and end? Months count from the anchor's day, so that the 31st comes back after February."""

import calendar
from datetime import UTC, datetime, timedelta

from config.fake_stripe.wire import Obj

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
_MONTHS_IN_YEAR = 12
_SECONDS_IN_DAY = 24 * 3600


def step(anchor: int, every: Obj, count: int) -> int:
    """Go so many intervals from an anchor, in Unix seconds. every: a price's ``recurring``."""
    start = datetime.fromtimestamp(anchor, UTC)
    times = every["interval_count"] * count
    if every["interval"] in _DAYS:
        return int((start + timedelta(days=_DAYS[every["interval"]] * times)).timestamp())
    month = start.month - 1 + _MONTHS[every["interval"]] * times
    year, month = start.year + month // _MONTHS_IN_YEAR, month % _MONTHS_IN_YEAR + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def end_of_period(anchor: int, every: Obj, start: int) -> int:
    """Find where the period that begins at ``start`` ends: at the first turn of the anchor after it."""
    turn = _turns_between(anchor, every, start) - 1
    while step(anchor, every, turn) <= start:
        turn += 1
    return step(anchor, every, turn)


def _turns_between(anchor: int, every: Obj, start: int) -> int:
    """Count the turns from an anchor to an instant, never too many: the last may be one that has not come."""
    times: int = every["interval_count"]
    if every["interval"] in _DAYS:
        return (start - anchor) // (_DAYS[every["interval"]] * times * _SECONDS_IN_DAY)
    one, other = (datetime.fromtimestamp(instant, UTC) for instant in (anchor, start))
    months = (other.year - one.year) * _MONTHS_IN_YEAR + other.month - one.month
    return months // (_MONTHS[every["interval"]] * times)
