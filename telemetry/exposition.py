"""The page that Prometheus reads."""

import os
import re
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from telemetry.gauges import OfTheHouse
from telemetry.pulse import beat, begin, is_shared

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_LIVE_GAUGE: Final = re.compile(r"gauge_live[a-z]+_([0-9]+)\.db")


def exposition() -> bytes:
    """Write all figures in Prometheus' text format: of this process, or of all that share its directory."""
    begin()
    beat()
    of_the_house = CollectorRegistry()
    of_the_house.register(OfTheHouse())
    # Asked first: what could not be found out is counted on the other part of this very page.
    last = generate_latest(of_the_house)
    return _of_processes() + last


def observe_many(histogram: Histogram, values: Iterable[float]) -> None:
    """Observe values in one go: a hot path notes them, and pays for the sums once in a while.

    histogram: one without labels, or the child for some.
    """
    # The library has no way to add more than one observation; these two names are those of its own `observe`.
    bounds, buckets, total = histogram._upper_bounds, histogram._buckets, histogram._sum  # noqa: SLF001 - as above
    tally = [0] * len(bounds)
    amount = 0.0
    for value in values:
        tally[bisect_left(bounds, value)] += 1
        amount += value
    total.inc(amount)
    for bucket, count in zip(buckets, tally, strict=True):
        if count:
            bucket.inc(count)


def _of_processes() -> bytes:
    if not is_shared():
        return generate_latest(REGISTRY)
    directory = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    _forget_the_dead(directory)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_the_dead(directory: str) -> None:
    """Drop the gauges of processes that are gone; what they counted stays counted."""
    for path in Path(directory).glob("gauge_live*.db"):
        found = _LIVE_GAUGE.fullmatch(path.name)
        if found and not _is_alive(int(found[1])):
            mark_process_dead(int(found[1]), path=directory)  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
