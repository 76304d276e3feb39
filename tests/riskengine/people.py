"""People whose sign-ins the tests of the risk engine tell of."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from riskengine.learning import learned
from riskengine.population import Counts, Population, list_counted
from riskengine.profile import Profile
from riskengine.seen import Seen

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BERLIN, LYON, LIMA = (52.5, 13.4), (45.8, 4.8), (-12.0, -77.0)

ANNA = Seen(
    network="203.0.113.0/24",
    asn="AS64500",
    country="DE",
    network_class="residential",
    place=BERLIN,
    browser="Firefox 151",
    family="Firefox",
    system="Linux desktop",
    hour=9,
    device="anna-laptop",
)
STRANGER = Seen(
    network="198.51.100.0/24",
    asn="AS64999",
    country="PE",
    network_class="residential",
    place=LIMA,
    browser="Chrome 149",
    family="Chrome",
    system="Windows desktop",
    hour=3,
    device="new-device",
)


def nobody(at: datetime = MONDAY) -> Profile:
    return Profile(epoch=at)


def usually(*seen: Seen, times: int = 30, weight: float = 1.0, every: timedelta = timedelta(days=1)) -> Profile:
    """Make the profile of somebody who came so many times in turn like this; the last time one step before Monday."""
    profile = nobody(MONDAY - every * times)
    for turn in range(times):
        at = MONDAY - every * (times - turn)
        profile = learned(profile, seen[turn % len(seen)], weight=weight, at=at)
    return profile


def crowd(*seen: Seen, each: int = 20) -> Population:
    """Make a population in which so many people look like each of these."""
    rows = [(*counted, float(each)) for one in seen for counted in list_counted(one)]
    return Population(tenant=Counts.of(rows), platform=Counts.of(rows))


def but(seen: Seen, **changes: object) -> Seen:
    """Make the same look with some of it different."""
    return replace(seen, **changes)
