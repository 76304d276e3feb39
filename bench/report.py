"""What was measured, as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.ground import Ground
from bench.questions import TITLES
from bench.rounds import Measured, Row, Spread

_COLUMNS = f"{'':22}{'req/s':>24}{'x Cerbos-20':>21}{'p50 ms':>20}{'p99 ms':>22}   drained s   µs of CPU a request"


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that one run found out.

    stages: microseconds by stage, for each class of question. recorded: decisions in the trail, by outcome.
    answered: requests that were answered with 2xx. wrong: answers that were not the right one, by server.
    """

    at: str
    ground: Ground
    commands: Mapping[str, str]
    titles: Mapping[str, str]
    rows: Sequence[Row] = ()
    measured: Sequence[Measured] = ()
    stages: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    answered: int = 0
    recorded: Mapping[str, int] = field(default_factory=dict)
    trail_bytes: int = 0
    wrong: Mapping[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Give all of it in JSON's own types."""
        ground = {"settings": self.ground.settings, "fdatasync_us": self.ground.fdatasync}
        return {
            "at": self.at,
            "machine": machine(),
            "postgresql": ground,
            "commands": dict(self.commands),
            "rows": [asdict(row) for row in self.rows],
            "measured": [asdict(one) for one in self.measured],
            "stages_us": {name: dict(each) for name, each in self.stages.items()},
            "answered": self.answered,
            "recorded": dict(self.recorded),
            "trail_bytes": self.trail_bytes,
            "wrong": dict(self.wrong),
            "faults": self.faults,
        }


def machine() -> dict[str, str]:
    """Describe this machine."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def ground_lines(ground: Ground) -> Iterator[str]:
    """Say what the figures rest on."""
    here = machine()
    yield f"{here['cores']} cores, {here['processor']}, {here['system']}, Python {here['python']}"
    yield "PostgreSQL: " + ", ".join(f"{name} {value}" for name, value in ground.settings.items())
    median, worst = ground.fdatasync
    yield f"the disk: fdatasync of 8 kB takes {median:.0f} µs, and at the ninety-ninth percentile {worst:.0f} µs"


def table_lines(rows: Sequence[Row], titles: Mapping[str, str]) -> Iterator[str]:
    """Lay out the figures: medians of the rounds, with the least and the most."""
    last = None
    for row in rows:
        heading = (row.of, row.connections)
        if heading != last:
            last = heading
            yield ""
            yield f"{TITLES[row.of]}, {row.connections} connection{'s' * (row.connections > 1)}"
            yield _COLUMNS
        drained = f"{row.drained.median:9.1f}" if row.drained else " " * 9
        processor = ", ".join(f"{name} {value:.0f}" for name, value in row.processor.items() if value >= 1)
        line = (
            f"  {titles[row.key]:20}{_told(row.per_second, '.0f'):>24}"
            f"{_told(row.ratio, '.2f') if row.ratio else '':>21}"
            f"{_told(row.p50, '.2f'):>20}{_told(row.p99, '.2f'):>22}   {drained}   {processor}"
        )
        yield line.rstrip()


def stage_lines(stages: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Lay out what one decision is made of, in one process, without a server."""
    if not stages:
        return
    names = list(dict.fromkeys(name for each in stages.values() for name in each))
    yield ""
    yield f"{'stages, µs: medians of requests':40}" + "".join(f"{of:>18}" for of in stages)
    for name in names:
        figures = (f"{each[name]:18.1f}" if name in each else f"{'':18}" for each in stages.values())
        yield f"  {name:38}" + "".join(figures)


def count_lines(report: Report) -> Iterator[str]:
    """Say whether every answer was right and every record arrived."""
    yield ""
    total = sum(report.recorded.values())
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in report.recorded.items())
    yield f"answered {report.answered}, recorded {total} ({outcomes}); the trail has {report.trail_bytes / 1e6:.0f} MB"
    yield from report.faults or ["no fault: every answer was right, and every one of ours is in the trail"]


def _told(one: Spread, form: str) -> str:
    if one.least == one.most:
        return f"{one.median:{form}}"
    return f"{one.median:{form}} ({one.least:{form}} to {one.most:{form}})"
