"""What a score costs, in CPU time: the least of many rounds, for a profile that is as full as it gets."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from bench.risk_world.telling import say
from riskengine.learning import learned
from riskengine.population import Counts, Population, list_counted
from riskengine.profile import MOST_VALUES, Profile
from riskengine.scoring import score
from riskengine.seen import Seen

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROUNDS, CALLS = 60, 300


def _seen(number: int) -> Seen:
    return Seen(
        network=f"10.0.{number}.0/24",
        asn=f"AS{64500 + number}",
        country=("NO", "SE", "DE")[number % 3],
        network_class="residential",
        place=(60.0, 10.0 + number),
        browser=f"Firefox {90 + number}",
        family="Firefox",
        system=("Linux desktop", "Windows desktop")[number % 2],
        hour=number % 24,
        device=f"{number:032x}",
    )


def main() -> None:
    """Print the cost of a score, and of learning, in microseconds."""
    many = [_seen(number) for number in range(MOST_VALUES)]
    profile = Profile(epoch=AT - timedelta(days=300))
    for turn in range(300):
        profile = learned(profile, many[turn % MOST_VALUES], weight=1.0, at=AT - timedelta(days=300 - turn))
    counts = Counts.of((*row, 40.0) for one in many for row in list_counted(one))
    population = Population(tenant=counts, platform=counts)
    usual, new = many[3], _seen(200)
    say(f"a profile with {sum(len(values) for values in profile.counts.values())} values")
    for name, seen in (("as usual", usual), ("all new", new), ("without a device", Seen(network=usual.network))):
        cost = _least(partial(score, seen, profile, population, None, at=AT))
        say(f"score, {name}: {cost:.1f} µs")
    say(f"learn: {_least(partial(learned, profile, new, weight=1.0, at=AT)):.1f} µs")


def _least(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(CALLS):
            work()
        best = min(best, (time.process_time() - begin) / CALLS)
    return best * 1e6
