"""A profile as it is kept, and how one signal changes it; the same steps wherever a profile is made."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from riskengine.learning import allowance, learned
from riskengine.looks import alike
from riskengine.population import list_counted
from riskengine.profile import MOST_VALUES, Profile
from riskengine.seen import Seen

MOST_A_DAY_FOR_ALL: Final = 4.0
"""How much a profile learns in a day, however often its person's requests change their looks."""

DAYS: Final = 7
"""Of so many days it is remembered what they taught: a signal may come late, where nobody folded for a while."""


class Taught(Struct, frozen=True, kw_only=True):
    """What one signal teaches. id: of the signal."""

    id: UUID
    at: datetime
    trust: float
    seen: Seen


class Stored(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A profile with what must be known to go on with it.

    under: by feature and value, the coarser value that it was last seen under.
    taught: how much the newest days taught, by day (`date.toordinal`) and `looks.alike`.
    """

    profile: Profile
    under: Mapping[str, Mapping[str, str]] = {}
    taught: Mapping[int, Mapping[str, float]] = {}


encode_stored: Final = msgspec.msgpack.Encoder().encode
decode_stored: Final = msgspec.msgpack.Decoder(Stored).decode
encode_taught: Final = msgspec.msgpack.Encoder().encode
decode_taught: Final = msgspec.msgpack.Decoder(Taught).decode


def new_person(*, at: datetime) -> Stored:
    """Give the profile of somebody of whom nothing is known."""
    return Stored(profile=Profile(epoch=at))


def teach(stored: Stored | None, taught: Taught) -> Stored:
    """Give a profile with what one signal teaches, as far as its day still may.

    INVARIANT: whoever repeats themselves all day teaches `learning.MOST_A_DAY`, and with ever new looks
    `MOST_A_DAY_FOR_ALL`: nobody becomes usual in an afternoon. In whatever order signals come, each counts for its own day.
    """
    stored = stored or new_person(at=taught.at)
    day = taught.at.astimezone(UTC).toordinal()
    if len(stored.taught) >= DAYS:
        day = max(day, min(stored.taught))
    that_day = stored.taught.get(day, {})
    looks = alike(taught.seen)
    weight = min(
        allowance(that_day.get(looks, 0.0), weight=taught.trust),
        max(0.0, MOST_A_DAY_FOR_ALL - sum(that_day.values())),
    )
    if weight <= 0.0:
        return stored
    days = {**stored.taught, day: {**that_day, looks: that_day.get(looks, 0.0) + weight}}
    while len(days) > DAYS:
        del days[min(days)]
    return Stored(
        profile=learned(stored.profile, taught.seen, weight=weight, at=taught.at),
        under=_under(stored.under, taught.seen),
        taught=days,
    )


def trimmed(stored: Stored, profile: Profile, *, at: datetime) -> Stored:
    """Give another state of the profile, without what was known of values that it has no longer."""
    under = {
        feature: kept
        for feature, values in stored.under.items()
        if (kept := {value: given for value, given in values.items() if value in profile.counts.get(feature, ())})
    }
    first = at.astimezone(UTC).toordinal() - DAYS
    return replace(
        stored, profile=profile, under=under, taught={day: told for day, told in stored.taught.items() if day > first}
    )


def _under(under: Mapping[str, Mapping[str, str]], seen: Seen) -> Mapping[str, Mapping[str, str]]:
    found = dict(under)
    for feature, given, value in list_counted(seen):
        values = found.get(feature, {})
        if given and values.get(value) != given:
            kept = dict(values)
            kept.pop(value, None)
            # The ones noted longest ago go: a task leaves out what the profile has no longer.
            while len(kept) >= 2 * MOST_VALUES:
                del kept[next(iter(kept))]
            kept[value] = given
            found[feature] = kept
    return found
