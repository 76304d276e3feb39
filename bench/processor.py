"""How much of the processors did which process use? Read from Linux's /proc; elsewhere nothing is known."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from config.embedded.paths import place
from config.embedded.processes import read_pid, wait_until

_WINDOW_SECONDS = 0.5
_QUIET_SHARE = 0.06
_PROC = Path("/proc")


def embedded_roots() -> dict[str, int]:
    """Find the leaders of the embedded services, by name."""
    here = place()
    found = {"valkey": read_pid(here.run / "valkey.pid")}
    for data in here.data.glob("postgres-*[0-9]"):
        found["postgres"] = read_pid(data / "postmaster.pid")
    return {name: pid for name, pid in found.items() if pid is not None}


def used(roots: Mapping[str, int]) -> dict[str, float]:
    """Sum the processor seconds of each root with all that descend from it and live."""
    if not (_PROC / "self" / "stat").exists():
        return {}
    return {name: sum(seconds_of(pid).values()) for name, pid in roots.items()}


def seconds_of(root: int) -> dict[int, float]:
    """Give the processor seconds of a process and of each that descends from it and lives, by process.

    :raises OSError: this is no Linux.
    """
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name in brackets may hold anything; what follows it does not.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks[int(entry.name)] = int(fields[11]) + int(fields[12])
        children[int(fields[1])].append(int(entry.name))
    a_second = os.sysconf("SC_CLK_TCK")

    found, waiting = {}, [root]
    while waiting:
        pid = waiting.pop()
        found[pid] = ticks.get(pid, 0) / a_second
        waiting += children[pid]
    return found


def wait_until_quiet(roots: Mapping[str, int], *, seconds: float) -> bool:
    """Wait until all of them together use next to nothing; False when they are still at work after so many seconds."""
    since, before = time.monotonic(), sum(used(roots).values())

    def is_quiet() -> bool:
        nonlocal since, before
        at = time.monotonic()
        if at - since < _WINDOW_SECONDS:
            return False
        total = sum(used(roots).values())
        share = (total - before) / (at - since)
        since, before = at, total
        return share < _QUIET_SHARE * len(roots)

    waiting: Callable[[], bool] = is_quiet
    return wait_until(waiting, seconds=seconds)
