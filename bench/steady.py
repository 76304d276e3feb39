"""A steady load beside what is measured, from a process of its own: ``python -m bench.steady``.

It reads what to ask from its input, and ends with it: so many requests a second to each port, the next one never
before the last was answered. At the end it tells how many were answered, with what, and how late.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.probes import Connection, Probe
from config.demo.children import bound_to_us
from config.embedded.paths import CHECKOUT

_END_SECONDS = 20


@dataclass(slots=True)
class Heard:
    """What the load got. late: milliseconds of every answer; words: how often each; failed: requests without one."""

    late: list[float] = field(default_factory=list)
    words: dict[str, int] = field(default_factory=dict)
    failed: int = 0

    def percentile(self, share: float) -> float:
        """Give the milliseconds within which that share of all was answered."""
        return sorted(self.late)[min(len(self.late) - 1, int(len(self.late) * share))]


@contextmanager
def steady(ports: Sequence[int], probes: Sequence[Probe], *, rate: float) -> Iterator[Heard]:
    """Ask each process ``rate`` times a second while the block runs; what was heard is told after it."""
    heard = Heard()
    process = subprocess.Popen(
        bound_to_us(["-m", "bench.steady"]), cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("The load has no input or output.")
    asked = {"ports": list(ports), "probes": [asdict(one) for one in probes], "rate": rate}
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    process.stdout.readline()
    try:
        yield heard
    finally:
        said, _ = process.communicate(timeout=_END_SECONDS)
    if process.returncode:
        raise RuntimeError("The load broke off.")
    told = json.loads(said)
    heard.late, heard.words, heard.failed = told["late"], told["words"], told["failed"]


def main() -> None:
    """Ask until the input ends."""
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    requests = [Probe(**one).as_bytes() for one in asked["probes"]]
    over = threading.Event()
    heard = [(Heard(), Counter[str]()) for _ in asked["ports"]]
    threads = [
        threading.Thread(target=_ask, args=(port, requests, 1 / asked["rate"], over, *mine))
        for port, mine in zip(asked["ports"], heard, strict=True)
    ]
    for one in threads:
        one.start()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    sys.stdin.read()
    over.set()
    for one in threads:
        one.join()
    told = {
        "late": [round(late, 3) for mine, _ in heard for late in mine.late],
        "words": sum((words for _, words in heard), Counter[str]()),
        "failed": sum(mine.failed for mine, _ in heard),
    }
    sys.stdout.write(json.dumps(told))


def _ask(
    port: int, requests: Sequence[bytes], every: float, over: threading.Event, heard: Heard, words: Counter[str]
) -> None:
    due, number, connection = time.monotonic(), 0, Connection(port)
    while not over.wait(max(0.0, due - time.monotonic())):
        began = time.monotonic()
        # One that comes late is not made up for: the others would then come in a rush.
        due = max(due + every, began)
        try:
            reply = connection.ask(requests[number % len(requests)])
        except OSError:
            heard.failed += 1
            connection.wire.close()
            connection = Connection(port)
        else:
            heard.late.append((time.monotonic() - began) * 1000)
            words[reply.word] += 1
        number += 1
    connection.wire.close()


if __name__ == "__main__":
    main()
