"""How many decisions a second, how late, beside Cerbos, on this machine, every one of ours in the trail?

Run with ``make bench``, or shorter: ``python -m bench.evaluate --seconds 3 --rounds 1``. `docs/benchmarks.md` says what is
measured and what is equal between the two. Exits with 1 when an answer was wrong or a record is missing: figures of a
server that errs are worth nothing.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench import report, stages
from bench.catalogue_large import Class
from bench.ground import Ground, durable, own_services
from bench.load import WrkMissing, find_wrk
from bench.plot import svg
from bench.processor import embedded_roots
from bench.questions import ANSWERS, looks_of
from bench.records import Trail
from bench.rounds import Plan, Rounds, rows
from bench.seed_large import Person, close_connections, seed, seed_looks
from bench.servers import BESIDE, CERBOS_RULES, LOOKS, WORKERS, Serving, serving
from config.demo.errors import DemoError
from config.embedded import EmbeddedError
from deploy.commands import command_of

SERVERS = (*(f"ours-{count}" for count in WORKERS), *(f"cerbos-{rules}" for rules in CERBOS_RULES))
_CHECK_EVERY = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Seed, serve, measure, print; whatever was started is ended."""
    asked = _read(arguments)
    # So that the servers end with the bench also when it is asked to end.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        wrk = find_wrk()
    except WrkMissing as error:
        sys.exit(str(error))
    plan = Plan(
        classes=[Class(one) for one in asked.kinds],
        connections=asked.connections,
        rounds=asked.rounds,
        seconds=asked.seconds,
        warm_up=asked.warm_up,
    )
    try:
        with own_services() as cache:
            _say("seeding 200 features, 50 tenants, 1,000 people with a session each ...")
            people = seed()
            if LOOKS in asked.servers:
                _say("having everybody sign in on three days, so that they have a usual look ...")
                seed_looks(people, looks_of)
            with durable(cache) as ground:
                found = _measure(asked, wrk, plan, people, ground)
    except (DemoError, EmbeddedError) as error:
        sys.exit(str(error))
    if asked.json is not None:
        asked.json.write_text(json.dumps(found.as_json(), indent=1) + "\n")
    if asked.svg is not None:
        here = report.machine()
        note = f"{found.at[:10]}, {here['cores']} cores, {here['processor']}, {plan.rounds} x {plan.seconds:g} s"
        asked.svg.write_text(svg(found.rows, found.titles, note=note))
    return 1 if found.faults else 0


def _measure(
    asked: argparse.Namespace, wrk: str, plan: Plan, people: Sequence[Person], ground: Ground
) -> report.Report:
    from isolation.clock import now  # noqa: PLC0415 - Django is set up by the seeding

    found = report.Report(
        at=now().isoformat(timespec="seconds"),
        ground=ground,
        commands={name: " ".join(command_of(name, os.environ)) for name in ("decide", *BESIDE)},
        titles={},
    )
    _print(report.ground_lines(ground))
    if not asked.without_stages:
        found.stages = stages.measure(people)
        close_connections()
        _print(report.stage_lines(found.stages))
    if plan.rounds and asked.servers:
        with serving(people, only=asked.servers, cache=ground.cache, say=_say) as served:
            _go_through(wrk, plan, served, found)
    return found


def _go_through(wrk: str, plan: Plan, served: Serving, found: report.Report) -> None:
    trail = Trail()
    try:
        found.titles = {one.key: one.title for one in served.contestants}
        _check(served, found)
        rounds = Rounds(wrk, served.contestants, trail=trail, roots=served.roots() | embedded_roots(), say=_say)
        rounds.come_to_rest()
        before = trail.by_outcome()
        trail.begin()
        rounds.warm_up(plan)
        measured = []
        cells = plan.rounds * len(plan.classes) * len(plan.connections) * len(served.contestants)
        for number, one in enumerate(rounds.go(plan), 1):
            measured.append(one)
            _say(
                f"{number:3}/{cells} {found.titles[one.key]:20} {one.of:9} {one.connections:3} connections "
                f"{one.load.per_second:8.0f} req/s   p50 {one.load.p50:7.2f} ms   p99 {one.load.p99:7.2f} ms"
                + ("" if one.is_quiet else "   (something was still at work when it began)")
            )
        after = trail.by_outcome()
        found.measured, found.rows = measured, rows(measured)
        found.answered = rounds.answered
        found.recorded = {outcome: count - before.get(outcome, 0) for outcome, count in after.items()}
        found.trail_bytes = trail.size()
        _check(served, found)
        found.faults += _faults(found, rounds.answered_as)
    finally:
        trail.close()
    _print(report.table_lines(found.rows, found.titles))
    _print(report.count_lines(found))


def _check(served: Serving, found: report.Report) -> None:
    """Ask everybody a sample, and what must be refused; what is wrong is a fault."""
    for one in served.contestants:
        wrong = one.list_wrong(step=_CHECK_EVERY)
        found.wrong = {**found.wrong, one.key: found.wrong.get(one.key, 0) + len(wrong)}
        found.faults += [f"FAULT: {one.title} answers {said!r} where {want!r} is right" for want, said in wrong[:3]]


def _faults(found: report.Report, answered_as: Mapping[str, int]) -> list[str]:
    faults = [
        f"FAULT: {found.titles[row.key]} refused {row.refused} requests and broke {row.broken} connections "
        f"({row.of}, {row.connections} connections)"
        for row in found.rows
        if row.refused or row.broken
    ]
    for outcome in sorted({ours for ours, _ in ANSWERS.values()}):
        missing = answered_as.get(outcome, 0) - found.recorded.get(outcome, 0)
        if missing > 0:
            faults.append(f"FAULT: {missing} answers of {outcome} are not in the trail")
    strange = set(found.recorded) - {ours for ours, _ in ANSWERS.values()}
    faults += [f"FAULT: {found.recorded[one]} were decided as {one}" for one in sorted(strange) if found.recorded[one]]
    return faults


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.evaluate", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10, help="of load in each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=float, default=10, help="seconds of load before the first measurement")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--kinds", choices=[*Class], nargs="+", default=[*Class])
    parser.add_argument("--servers", choices=(*SERVERS, LOOKS), nargs="*", default=SERVERS, help="leave some out")
    parser.add_argument("--without-stages", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--svg", type=Path, metavar="FILE")
    return parser.parse_args(arguments)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        _say(line)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
