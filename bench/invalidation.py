"""How fast is a change seen by every process? ``python -m bench.invalidation``, or ``make invalidation``.

Four decide processes answer a steady load; then a plan, an override, a role, a membership, a credential, a session or
a factor changes, again and again. Measured is the time from the return of the changing call until the last of the
four has answered by the new state: with the push, and with its channel cut, as by a server that is gone and as by a
network that swallows everything. Exits with 1 when a target is missed, or any process ever went back to the old state.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.changes import KINDS, Kind, Turn, put_catalogue, put_site
from bench.deciders import Deciders, deciding
from bench.ground import own_services
from bench.probes import Seen, Watch
from bench.seed_large import close_connections
from bench.steady import Heard, steady

PROCESSES = 4
TARGETS = {"push": 0.250, "refused": 1.5, "swallowed": 1.5}
TITLES = {"push": "with the push", "refused": "Valkey refuses connections", "swallowed": "Valkey swallows everything"}
UNKNOWN = frozenset({"503"})
"""An answer that says that it is none: it is asked again."""
_SETTLED_SECONDS = 5.0
_LATEST_SECONDS = 10.0
_AFTERWARDS_SECONDS = 0.05
_PAUSE = 0.002
_WAVE_PAUSE = 0.03


@dataclass(slots=True)
class Lateness:
    """What was found out of one kind of change under one state of the channel.

    seconds: from the change until all processes answered by it. stale: from the change until the last request was
    asked that was answered by the old state. relapses: answers by the old state after one by the new. odd: answers
    that were neither. unseen: changes that some process had not seen when the waiting ended.
    """

    seconds: list[float] = field(default_factory=list)
    stale: list[float] = field(default_factory=list)
    unseen: int = 0
    relapses: int = 0
    odd: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Give the seconds within which that share was seen."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share))]


class Turning:
    """One turn under way: which process has answered by the new state, and when."""

    def __init__(self, name: str, turn: Turn, ports: Sequence[int], found: Lateness) -> None:
        self.name = name
        self.turn = turn
        self._ports = frozenset(ports)
        self._before: set[int] = set()
        self._after: dict[int, float] = {}
        self._changed_at: float | None = None
        self._stale = 0.0
        self._found = found

    @property
    def is_ready(self) -> bool:
        """Say whether every process answers by the old state."""
        return self._before == self._ports

    @property
    def is_seen(self) -> bool:
        """Say whether every process answers by the new one."""
        return self._after.keys() == self._ports

    def change(self) -> None:
        """Make the change; the clock runs from its return."""
        self.turn.change()
        self._changed_at = time.monotonic()

    def take(self, seen: Seen) -> None:
        """Take an answer to this turn's question."""
        word = seen.reply.word
        if word == self.turn.before:
            self._before.add(seen.port)
            if self._changed_at is not None:
                self._stale = max(self._stale, seen.asked_at - self._changed_at)
            # Asked before the other answer came, it may have been answered first.
            if seen.port in self._after and seen.asked_at > self._after[seen.port]:
                self._found.relapses += 1
        elif word == self.turn.after and self._changed_at is not None:
            self._after.setdefault(seen.port, seen.at)
        elif word not in {*UNKNOWN, self.turn.after}:
            self._found.odd.append(f"{self.name}: {word}, neither {self.turn.before} nor {self.turn.after}")

    def end(self) -> None:
        """Note how long it took; whoever has not seen it yet counts as much as was waited."""
        changed_at = time.monotonic() if self._changed_at is None else self._changed_at
        last = max(self._after.values()) if self.is_seen else time.monotonic()
        self._found.seconds.append(last - changed_at)
        self._found.stale.append(self._stale)
        self._found.unseen += not self.is_seen


def measure(
    running: Deciders, turns: Mapping[str, Iterator[Turn]], found: Mapping[str, Lateness], *, wave: bool, phase: float
) -> None:
    """Make one turn of each kind and note how late each was seen.

    wave: all at once, where each takes a second; else one after the other.
    phase: seconds between the last look before a change and the change, so that memories are of every age.
    :raises RuntimeError: the processes do not even answer by the old state.
    """
    for names in [list(turns)] if wave else [[name] for name in turns]:
        under_way = {name: Turning(name, next(turns[name]), running.ports, found[name]) for name in names}
        probes = {name: one.turn.probe for name, one in under_way.items()}
        with Watch(running.ports, probes, pause=_WAVE_PAUSE if wave else _PAUSE) as watch:
            for seen in watch.look(seconds=_SETTLED_SECONDS):
                under_way[seen.name].take(seen)
                if all(one.is_ready for one in under_way.values()):
                    break
            else:
                raise RuntimeError(f"Not every process answers by the state before a change: {names}.")
            for seen in watch.look(seconds=phase):
                under_way[seen.name].take(seen)
            for one in under_way.values():
                one.change()
            for seen in watch.look(seconds=_LATEST_SECONDS):
                under_way[seen.name].take(seen)
                if all(one.is_seen for one in under_way.values()):
                    break
            for seen in watch.look(seconds=_AFTERWARDS_SECONDS):
                under_way[seen.name].take(seen)
        for one in under_way.values():
            one.end()


def cut(running: Deciders, channel: str) -> None:
    """Bring the channel into a state, and wait until every process knows as much as it will."""
    match channel:
        case "refused":
            running.link.refuse()
        case "swallowed":
            running.link.swallow()
        case _:
            running.link.mend()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; whatever was started is ended."""
    asked = _read(arguments)
    with own_services():
        _set_up()
        put_catalogue()
        kinds: dict[str, Kind] = {name: KINDS[name](name) for name in KINDS}
        other = put_site("steady")
        load = [other.probe("both.read", "alice", other.signed_in("alice").handle)]
        load += [kind.asks("both.read") for kind in kinds.values()]
        turns = {name: kind.turns() for name, kind in kinds.items()}
        found: dict[str, dict[str, Lateness]] = {}
        heard: dict[str, Heard] = {}
        try:
            with deciding(PROCESSES) as running:
                for channel in TARGETS:
                    found[channel] = {name: Lateness() for name in KINDS}
                    with steady(running.ports, load, rate=asked.rate) as heard[channel]:
                        _measure_channel(running, channel, turns, found[channel], asked)
                    running.link.mend()
        finally:
            close_connections()
    return _report(found, heard)


def _measure_channel(
    running: Deciders,
    channel: str,
    turns: Mapping[str, Iterator[Turn]],
    found: Mapping[str, Lateness],
    asked: argparse.Namespace,
) -> None:
    drawn = random.Random(asked.seed)  # noqa: S311 - chooses instants, no secrets
    is_cut = channel != "push"
    for _ in range(asked.cut_rounds if is_cut else asked.rounds):
        if is_cut:
            # Cut anew each time: just before a change is when a process still believes that it hears.
            running.link.mend()
            drain = Lateness()
            measure(running, turns, dict.fromkeys(KINDS, drain), wave=True, phase=0.0)
            cut(running, channel)
        measure(running, turns, found, wave=is_cut, phase=drawn.uniform(0, 1.0 if is_cut else 0.02))


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.invalidation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="changes of each kind with the push")
    parser.add_argument("--cut-rounds", type=int, default=20, help="changes of each kind with each cut")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second to each process")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def _set_up() -> None:
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)


def _report(found: Mapping[str, Mapping[str, Lateness]], heard: Mapping[str, Heard]) -> int:
    missed = []
    for channel, target in TARGETS.items():
        late = heard[channel]
        answered = ", ".join(f"{count} {word}" for word, count in late.words.items())
        _say("")
        _say(f"{TITLES[channel]}, ms until all {PROCESSES} processes answer by the new state")
        _say(f"  {'':26}{'changes':>8}{'p50':>9}{'p99':>9}{'max':>9}")
        everything = Lateness()
        for name, one in found[channel].items():
            _say(_row(name, one))
            everything.seconds += one.seconds
            everything.relapses += one.relapses
            everything.unseen += one.unseen
            everything.odd += one.odd
        _say(_row("all", everything))
        _say(
            f"  the load beside it: {len(late.late)} answers ({answered}), p50 {late.percentile(0.5):.1f} ms,"
            f" p99 {late.percentile(0.99):.1f} ms, {late.failed} without an answer"
        )
        if everything.percentile(0.99) >= target:
            missed.append(f"{TITLES[channel]}: the target is a p99 below {target * 1000:.0f} ms.")
        if everything.relapses:
            missed.append(f"{TITLES[channel]}: {everything.relapses} answers went back to the old state.")
        if everything.unseen:
            missed.append(f"{TITLES[channel]}: {everything.unseen} changes were not seen by all.")
        missed += sorted(set(everything.odd))
    _say("")
    for line in missed or ["every target is met, and no process went back to an old state"]:
        _say(line)
    return 1 if missed else 0


def _row(name: str, one: Lateness) -> str:
    figures = "".join(f"{one.percentile(share) * 1000:9.1f}" for share in (0.5, 0.99, 1.0))
    return f"  {name:26}{len(one.seconds):8}{figures}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
