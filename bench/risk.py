"""How well does the risk engine tell attackers from people, and how often does it ask people?

Run with ``python -m bench.risk``. People and attackers are made up (`bench/risk_world`), from a seed. The world is first tuned, on the
training seed, until the reference scorer (Freeman et al., as Wiefling et al. worked it out) asks people about as often as it did on
31.3 million real sign-ins; then both scorers are compared on other seeds. ``--csv PATH`` reads real sign-ins instead: the data set of Wiefling
et al. (github.com/das-group/rba-dataset). ``--tune`` chooses the scorer's parameters anew, ``--speed`` measures what a score costs.
"""

import argparse
import sys
from pathlib import Path

from msgspec.structs import replace

from bench.risk_world import comparing, dataset, fitting, speed
from bench.risk_world.people import World
from bench.risk_world.published import distance
from bench.risk_world.telling import say
from bench.risk_world.tuning import medians, tuned
from bench.risk_world.year import year
from riskengine.parameters import PARAMETERS

TRAINED = (1, 51, 52)
"""The seeds of the years on which the world and the parameters are tuned."""
TESTED = (101, 102, 103, 104, 105)
"""The seeds of the years that are told of, and that nothing is chosen by. Those of whoever has chosen by what they saw are no longer among
them: 2 and 3 were, and are not."""
LIVELY = World(churn=0.5, abroad=0.02, foreign=0.5, naive_home=0.01, vpn_near=0.05, targeted_near=0.2, current=0.1)
"""A world in which everything changes several times as often, and attackers come closer: to see what is left then."""


def main(arguments: list[str] | None = None) -> int:
    """Print every figure; 1 where a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.risk", description=__doc__)
    parser.add_argument("--users", type=int, default=1500, help="people in each made-up year")
    parser.add_argument(
        "--years", type=int, default=len(TESTED), help="how many years are tested, each of its own seed"
    )
    parser.add_argument("--csv", type=Path, help="the CSV file of the RBA data set")
    parser.add_argument("--rows", type=int, default=2_000_000, help="how many of its rows are read")
    parser.add_argument("--tune", action="store_true", help="choose the scorer's parameters on the training seed")
    parser.add_argument("--speed", action="store_true", help="measure what a score costs, and nothing else")
    options = parser.parse_args(arguments)
    if options.speed:
        speed.main()
        return 0
    if options.csv is not None:
        comparing.compare([dataset.read(options.csv, rows=options.rows)], f"Real sign-ins, {options.csv.name}")
        return 0
    say(f"Tuning the made-up world on seed {TRAINED[0]}, {options.users} people:")
    world = tuned(World(people=options.users), seed=TRAINED[0], rounds=1, tell=_tell)
    if options.tune:
        return _tune(world)
    seeds = list(TESTED[: options.years])
    years = [year(world, seed=seed) for seed in seeds]
    offs = [distance(medians(visits)) for visits in years]
    say(f"\nOn the seeds {seeds} that are tested, the reference's medians are off those that were published by")
    say(
        ", ".join(f"{absolute:.1f} of a sign-in on average ({doublings:.2f} doublings)" for absolute, doublings in offs)
    )
    is_met = comparing.compare(years, "The world in which the reference fares as published", is_judged=True)
    comparing.compare(
        [year(replace(LIVELY, people=options.users), seed=seed) for seed in seeds[:1]],
        "A livelier world: all changes far more often, attackers come closer",
    )
    return 0 if is_met else 1


def _tune(world: World) -> int:
    worlds = (world, replace(LIVELY, people=world.people))
    fit = fitting.Fit([fitting.looks(year(one, seed=seed)) for one in worlds for seed in TRAINED], PARAMETERS)
    fit.improve(_tell, rounds=12)
    for feature, level in fit.parameters.levels.items():
        say(f"{feature}: {level}")
    say(f"{fit.parameters.often}")
    say(f"kinds: {fit.parameters.kinds}")
    return 0


def _tell(line: str) -> None:
    say(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
