"""Taking back what a session taught, once its person says that it was not them: the profile is as if it had never been learned.

What was learned on a day depends on that day's signals alone (a day has its bounds, and weights add up), so those days are learned
again, with the session's signals and without them, and the profile loses the difference. What was learned at other times stays as it is,
also where its signals are gone. What the session pushed out of a profile that was full does not come back.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.models import F
from msgspec.structs import replace

from riskengine.learning import is_where_the_person_is, rebased
from riskengine.models import ProfileRow, Signal
from riskengine.profile import LastSeen, Profile
from riskengine.seen import Seen
from riskengine.stored import Stored, Taught, decode_stored, encode_stored, new_person, teach, trimmed
from riskengine.subjects import Subject

_DAY: Final = timedelta(days=1)
# Among so many of the newest signals is looked for where the person was last.
_LOOKED_AT: Final = 100


def without(stored: Stored, days: Iterable[Sequence[Taught]], *, gone: frozenset[UUID], at: datetime) -> Stored:
    """Give a profile without what some of its signals taught.

    days: of each day on which one of those was learned, all that was, the oldest first. gone: ids of the signals that are taken back.
    """
    profile, taught = stored.profile, dict(stored.taught)
    for day in days:
        learned = _learned(profile.epoch, day)
        left = _learned(profile.epoch, [one for one in day if one.id not in gone])
        profile = _less(profile, learned.profile, left.profile)
        taught |= {number: left.taught.get(number, {}) for number in learned.taught if number in taught}
    # Leaves out what is as good as nothing: of sums and differences something always remains.
    told = rebased(profile, at=at)
    if not told.counts or profile.times <= 0:
        return new_person(at=at)
    counts = {
        feature: {value: weight for value, weight in profile.counts[feature].items() if value in values}
        for feature, values in told.counts.items()
    }
    return replace(trimmed(stored, replace(profile, counts=counts), at=at), taught=taught)


def _learned(epoch: datetime, day: Iterable[Taught]) -> Stored:
    stored = new_person(at=epoch)
    for one in day:
        stored = teach(stored, one)
    return stored


def _less(profile: Profile, learned: Profile, left: Profile) -> Profile:
    counts: dict[str, Mapping[str, float]] = dict(profile.counts)
    for feature, values in learned.counts.items():
        kept, still = dict(counts.get(feature, {})), left.counts.get(feature, {})
        for value, weight in values.items():
            if value in kept:
                kept[value] = max(0.0, kept[value] - (weight - still.get(value, 0.0)))
        counts[feature] = kept
    return replace(
        profile,
        counts=counts,
        total=max(0.0, profile.total - (learned.total - left.total)),
        times=max(0, profile.times - (learned.times - left.times)),
    )


def take_back(*, tenant_id: UUID, subject: Subject, session_id: UUID, at: datetime) -> int:
    """Have what a session told teach nothing, and what it taught be taken back, once; give how many signals that were.

    Within the tenant's transaction, in which the person is held alone (`holding`): so nobody learns from the session meanwhile, and
    whoever folds has done so, or will find nothing.
    """
    mine = Signal.objects.filter(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1])
    rows = list(mine.filter(session_id=session_id, trust__gt=0).select_for_update().order_by("at", "id"))
    gone = frozenset(row.id for row in rows)
    learned = [row for row in rows if row.folded_at is not None]
    profiles = ProfileRow.objects.filter(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1])
    row = profiles.select_for_update().first() if learned else None
    if row is not None:
        first_days = sorted({_day_of(one.at) for one in learned})
        days = [
            _taught(mine.filter(at__gte=day, at__lt=day + _DAY, trust__gt=0, folded_at__isnull=False))
            for day in first_days
        ]
        stored = without(decode_stored(bytes(row.state)), days, gone=gone, at=at)
        stored = replace(stored, profile=replace(stored.profile, last=_last(mine, gone)))
        profiles.update(
            state=encode_stored(stored), epoch=stored.profile.epoch, version=F("version") + 1, updated_at=at
        )
    mine.filter(id__in=gone).update(trust=0.0)
    return len(rows)


def _day_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _taught(rows: Any) -> list[Taught]:
    return [
        Taught(id=row.id, at=row.at, trust=row.trust, seen=msgspec.convert(row.seen, Seen))
        for row in rows.order_by("at", "id")
    ]


def _last(mine: Any, gone: frozenset[UUID]) -> LastSeen | None:
    """Find where the person was last, by what is still believed."""
    newest = mine.filter(trust__gt=0, folded_at__isnull=False).exclude(id__in=gone).order_by("-at", "-id")
    for at, told in newest.values_list("at", "seen")[:_LOOKED_AT]:
        seen = msgspec.convert(told, Seen)
        if is_where_the_person_is(seen):
            return LastSeen(at=at, place=seen.place, asn=seen.asn, network=seen.network)
    return None
