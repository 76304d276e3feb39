"""Interleaved rounds: in each, every server is asked the same in the same minute, so that what disturbs one disturbs all."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.catalogue_large import Class
from bench.ground import settle
from bench.load import Load, apply_load
from bench.processor import used, wait_until_quiet
from bench.questions import ANSWERS
from bench.records import Trail
from bench.servers import Contestant

REFERENCE = "cerbos-20"
_QUIET_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure. seconds, warm_up: of load."""

    classes: Sequence[Class]
    connections: Sequence[int]
    rounds: int
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One server under one load in one round.

    drained: seconds after the load until every record was in the trail; None for a server that writes none.
    processor: microseconds of processor time a request, by process: the server's own, and what works for it.
    is_quiet: whether everything of ours had come to rest before it began.
    """

    key: str
    of: Class
    connections: int
    number: int
    load: Load
    drained: float | None
    processor: Mapping[str, float]
    is_quiet: bool


class Rounds:
    """Goes through a plan, and keeps the count of what was answered."""

    def __init__(
        self,
        wrk: str,
        contestants: Sequence[Contestant],
        *,
        trail: Trail,
        roots: Mapping[str, int],
        say: Callable[[str], None],
    ) -> None:
        self._wrk, self._contestants, self._trail, self._roots, self._say = wrk, contestants, trail, roots, say
        self.answered = 0
        self.answered_as: Counter[str] = Counter()

    def come_to_rest(self) -> bool:
        """Wait until nothing of ours is at work any more; False when that takes too long."""
        return wait_until_quiet(self._roots, seconds=_QUIET_SECONDS)

    def warm_up(self, plan: Plan) -> None:
        """Let every server answer every kind of question for a while."""
        for one in self._contestants:
            load = apply_load(
                self._wrk, port=one.port, path=one.path, requests=one.mixed, connections=8, seconds=plan.warm_up
            )
            self._count(one, load, Class)
            self._say(f"warm: {one.title}, {load.per_second:.0f} req/s of all kinds")

    def go(self, plan: Plan) -> Iterator[Measured]:
        """Measure; who comes first changes from round to round."""
        for number in range(plan.rounds):
            start = number % len(self._contestants)
            in_turn = [*self._contestants[start:], *self._contestants[:start]]
            for of in plan.classes:
                for connections in plan.connections:
                    for one in in_turn:
                        yield self._measured(one, of, connections, number, plan.seconds)

    def _measured(self, one: Contestant, of: Class, connections: int, number: int, seconds: float) -> Measured:
        settle()
        is_quiet = self.come_to_rest()
        roots = {name: pid for name, pid in self._roots.items() if name == one.key or not _is_contestant(name)}
        before = used(roots)
        load = apply_load(
            self._wrk,
            port=one.port,
            path=one.path,
            requests=one.requests[of],
            connections=connections,
            seconds=seconds,
        )
        after = used(roots)
        drained = self._count(one, load, [of])
        return Measured(
            key=one.key,
            of=of,
            connections=connections,
            number=number,
            load=load,
            drained=drained,
            processor={
                "server" if name == one.key else name: (after[name] - before[name]) * 1e6 / max(1, load.answered)
                for name in after
            },
            is_quiet=is_quiet,
        )

    def _count(self, one: Contestant, load: Load, classes: Iterable[Class]) -> float | None:
        if not one.is_ours:
            return None
        answered = load.answered - load.refused
        self.answered += answered
        for outcome, share in _shares(classes).items():
            self.answered_as[outcome] += int(answered * share)
        return self._trail.wait_for(self.answered)


def _shares(classes: Iterable[Class]) -> dict[str, float]:
    """Say how much of a load of these classes in turn is answered with which outcome of ours."""
    outcomes = Counter(ANSWERS[of][0] for of in classes)
    return {outcome: count / outcomes.total() for outcome, count in outcomes.items()}


def _is_contestant(name: str) -> bool:
    return name.startswith(("ours-", "cerbos-"))


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some figures, with the least and the most."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Summarise figures of some rounds."""
    return Spread(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a server made of one kind of load over all rounds.

    ratio: its requests a second over the reference's in the same round; None without a reference.
    """

    key: str
    of: Class
    connections: int
    per_second: Spread
    p50: Spread
    p99: Spread
    ratio: Spread | None
    drained: Spread | None
    processor: Mapping[str, float]
    refused: int
    broken: int


def rows(measured: Sequence[Measured]) -> list[Row]:
    """Summarise what was measured, in the order in which it was first."""
    by_cell: dict[tuple[Class, int, str], list[Measured]] = {}
    for one in sorted(measured, key=lambda each: (list(Class).index(each.of), each.connections)):
        by_cell.setdefault((one.of, one.connections, one.key), []).append(one)
    reference = {(one.of, one.connections, one.number): one.load for one in measured if one.key == REFERENCE}
    out = []
    for (of, connections, key), each in by_cell.items():
        ratios = [
            one.load.per_second / reference[of, connections, one.number].per_second
            for one in each
            if (of, connections, one.number) in reference
        ]
        drained = [one.drained for one in each if one.drained is not None]
        out.append(
            Row(
                key=key,
                of=of,
                connections=connections,
                per_second=spread([one.load.per_second for one in each]),
                p50=spread([one.load.p50 for one in each]),
                p99=spread([one.load.p99 for one in each]),
                ratio=spread(ratios) if ratios and key != REFERENCE else None,
                drained=spread(drained) if drained else None,
                processor={
                    name: statistics.median([one.processor[name] for one in each]) for name in each[0].processor
                },
                refused=sum(one.load.refused for one in each),
                broken=sum(one.load.broken for one in each),
            )
        )
    return sorted(
        out, key=lambda row: (list(Class).index(row.of), row.connections, row.key.startswith("cerbos"), row.key)
    )
