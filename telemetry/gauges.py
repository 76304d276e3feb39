"""Figures that are read when somebody asks, not counted as things happen.

A room registers a callable when its app is ready. There are two kinds, and each figure is one of them:

- *of a process*: is its listener up, how many connections does it hold? Each process tells its own, and the page
  shows the least, the most or the sum over those that live.
- *of the house*: how long is a queue, what is not sealed yet? Any process can find out; the one that is asked does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import structlog
from django.db import connections
from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from telemetry.looks import Look
from telemetry.pulse import FAILURES, before_reading

type Reading = float | Mapping[tuple[str, ...], float]
"""One figure, or one for each combination of labels."""

BOUND_SECONDS: Final = 2.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfTheHouse:
    name: str
    text: str
    labels: tuple[str, ...]
    read: Callable[[], Reading]


_of_the_house: dict[str, _OfTheHouse] = {}
_of_a_process: dict[str, Gauge] = {}


def gauge_of_process(
    name: str, text: str, read: Callable[[], float], *, over: Literal["livemin", "livemax", "livesum"] = "livemax"
) -> None:
    """Show what ``read`` returns in each process; ``read`` must be quick and touch nothing outside the process.

    name: begins with ``tiergate_`` and names its unit, as ``tiergate_snapshot_age_seconds``.
    over: what the page shows of the figures of those processes that live.
    """
    gauge = _of_a_process.get(name)
    if gauge is None:
        gauge = _of_a_process[name] = Gauge(name, text, multiprocess_mode=over)
    before_reading(name, lambda: gauge.set(read()))


def gauge_of_house(name: str, text: str, read: Callable[[], Reading], *, labels: tuple[str, ...] = ()) -> None:
    """Show what ``read`` finds out, asked in a thread whose database connections are its own and closed after.

    All figures of the house together must be read within two seconds; else none of them is on the page.

    labels: names; then ``read`` returns a figure for each combination of their values.
    """
    _of_the_house[name] = _OfTheHouse(name=name, text=text, labels=labels, read=read)


def names() -> set[str]:
    """List the names of all that is registered."""
    return {*_of_the_house, *_of_a_process}


class OfTheHouse(Collector):
    """Gives what can be found out within the bound."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each figure that was found; where one hangs, none is told, and that is counted."""
        found = _asking.ask()
        if found is None:
            FAILURES.labels("of_the_house").inc()
            return
        for gauge in list(_of_the_house.values()):
            if gauge.name not in found:
                continue
            family = GaugeMetricFamily(gauge.name, gauge.text, labels=gauge.labels)
            reading = found[gauge.name]
            for values, figure in reading.items() if isinstance(reading, Mapping) else [((), reading)]:
                family.add_metric(list(values), figure)
            yield family


def _read_all() -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    try:
        for gauge in list(_of_the_house.values()):
            try:
                found[gauge.name] = gauge.read()
            except Exception:  # noqa: BLE001 - one figure that fails must not hide the others
                FAILURES.labels(gauge.name).inc()
                _log.debug("figure_failed", figure=gauge.name, exc_info=True)
    finally:
        connections.close_all()
    return found


_asking: Look[dict[str, Reading]] = Look(_read_all, name="tiergate-figures-of-the-house", bound_seconds=BOUND_SECONDS)
