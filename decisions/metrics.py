"""How decisions come out, and how long they take."""

from collections import Counter as Tally
from collections import deque
from typing import Final

from prometheus_client import Counter, Histogram

from telemetry import api as telemetry

DECISIONS: Final = Counter("tiergate_decisions_total", "Decisions that were made.", ["outcome", "reason"])
SECONDS: Final = Histogram(
    "tiergate_decision_seconds",
    "From the question to its recorded answer.",
    ["outcome"],
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)
SHADOW: Final = Counter(
    "tiergate_policy_shadow_total", "Decisions that a bundle was tried beside, by whether it agreed.", ["result"]
)

_FULL: Final = 512
_noted: deque[tuple[str, str, float]] = deque()


def observe_decision(*, outcome: str, reason: str, seconds: float) -> None:
    """Note a decision; the sums are made later, so that this costs its caller a fraction of a microsecond."""
    _noted.append((outcome, reason, seconds))
    if len(_noted) >= _FULL:
        settle()


def settle() -> None:
    """Add what was noted to the figures; whichever thread takes a note off is the one that counts it."""
    counts: Tally[tuple[str, str]] = Tally()
    times: dict[str, list[float]] = {}
    for _ in range(len(_noted)):
        try:
            outcome, reason, seconds = _noted.popleft()
        except IndexError:
            break
        counts[outcome, reason] += 1
        times.setdefault(outcome, []).append(seconds)
    for labels, count in counts.items():
        DECISIONS.labels(*labels).inc(count)
    for outcome, values in times.items():
        telemetry.observe_many(SECONDS.labels(outcome), values)


telemetry.before_reading("decisions", settle)
