"""Both scorers on the same visits, side by side with what was published."""

from collections.abc import Sequence
from statistics import mean
from typing import Final

from bench.risk_world.attackers import KINDS, STOLEN
from bench.risk_world.measures import Scored, asked, auc, first_asked, share_from, threshold
from bench.risk_world.people import Visit
from bench.risk_world.published import ASKED
from bench.risk_world.runs import BARE, BARE_BLIND, FREEMAN, FULL, FULL_BLIND, LEFT_OUT, Runs, by_year, scored
from bench.risk_world.telling import say

RATES: Final = (0.97, 0.99, 0.995, 0.999)
_TOLD: Final = (FREEMAN, BARE, FULL, LEFT_OUT)
_ASKED_OFTEN, _ASKED_SELDOM = 0.05, 0.02
# How many sign-ins somebody had before, from and to.
_HISTORIES: Final = ((1, 1), (2, 8), (9, 38), (39, 10_000))
# The targets.
_FEWER, _MOST_ASKED, _LEAST_CAUGHT = 3.0, 0.03, 0.8


def compare(years: Sequence[list[Visit]], title: str, *, is_judged: bool = False) -> bool:
    """Print the comparison, pooled over the years; say whether every target was met."""
    runs = scored(years)
    own = {name: [visit for visit in run if not visit.attack] for name, run in runs.items()}
    kinds = [kind for kind in KINDS if _scores(runs[FREEMAN], kind)]
    attempts = sum(len(_scores(runs[FREEMAN], kind)) for kind in kinds)
    people = len({visit.person for visit in own[FREEMAN]})
    say(f"\n{title}")
    say(
        f"{len(own[FREEMAN]):,} sign-ins of {people:,} people, {attempts:,} attacks; median asked of the first 12 and 39\n"
    )
    _table(runs, own, kinds, _TOLD, is_published=True)
    if len(years) > 1:
        _spread(runs, kinds)
    _by_history(runs, kinds)
    say("\nNothing is known of networks and places: network, browser, system, hour and device alone\n")
    _table(runs, own, kinds, (BARE_BLIND, FULL_BLIND))
    if FULL not in runs:
        return True
    say("\nA stolen device token: caught where people are asked at so many of their sign-ins")
    for kind in kinds:
        parts = [
            f"{rate:.0%}: {_caught(runs, own, STOLEN[kind], rate):.1%} (without it {_caught(runs, own, kind, rate):.1%})"
            for rate in (_ASKED_SELDOM, _ASKED_OFTEN)
        ]
        say(f"  {kind:10} {'   '.join(parts)}")
    return _judge(runs, own) if is_judged else True


def _scores(run: Sequence[Scored], attack: str = "") -> list[float]:
    return [visit.score for visit in run if visit.attack == attack and visit.score is not None]


def _table(
    runs: Runs,
    own: Runs,
    kinds: Sequence[str],
    names: Sequence[str],
    *,
    is_published: bool = False,
) -> None:
    head = "".join(f"  FPR at {rate:<6} {'12':>4} {'39':>4} " for rate in RATES)
    say(f"{'':34}{'AUC':>6} {head}  first asked at .99")
    for kind in kinds:
        for name in names:
            if name in runs:
                say(_row(kind, name, runs[name], own[name]))
        if is_published and kind in ASKED:
            say(_published(kind))


def _row(kind: str, name: str, run: Sequence[Scored], own: Sequence[Scored]) -> str:
    people, attacks = _scores(own), _scores(run, kind)
    cells = []
    for rate in RATES:
        cutoff = threshold(attacks, rate=rate)
        twelve, more = asked(own, cutoff, first=12), asked(own, cutoff, first=39)
        cells.append(f"  {share_from(people, cutoff):13.3f} {_number(twelve):>4} {_number(more):>4} ")
    first = first_asked(own, threshold(attacks, rate=0.99))
    return (
        f"{kind:10}{name:24}{auc(people, attacks):6.4f} {''.join(cells)}  {_number(first) if first else 'most never'}"
    )


def _published(kind: str) -> str:
    cells = []
    for rate in RATES:
        twelve, more = ASKED[kind].get(rate, (None, None))
        cells.append(f"  {'':13} {_number(twelve):>4} {_number(more):>4} ")
    return f"{kind:10}{'published, Freeman':24}{'':6} {''.join(cells)}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _spread(runs: Runs, kinds: Sequence[str]) -> None:
    say(
        "\nYear by year, each with a cutoff of its own: FPR at .99 and median asked of the first 39; mean, least and most"
    )
    for kind in kinds:
        for name in (name for name in _TOLD if name in runs):
            shares, counts = [], []
            for run in by_year(runs[name]):
                cutoff = threshold(_scores(run, kind), rate=0.99)
                mine = [visit for visit in run if not visit.attack]
                shares.append(share_from(_scores(mine), cutoff))
                counts.append(asked(mine, cutoff, first=39) or 0.0)
            say(f"{kind:10}{name:24}{_range(shares, '.3f'):26}{_range(counts, '.1f')}")


def _range(found: Sequence[float], form: str) -> str:
    return f"{mean(found):{form}} ({min(found):{form}} to {max(found):{form}})"


def _by_history(runs: Runs, kinds: Sequence[str]) -> None:
    """Print who is asked and who is caught by how often somebody came before: pooled figures hide who pays for them."""
    heads = [f"{first} to {last}" if last < _HISTORIES[-1][1] else f"{first} on" for first, last in _HISTORIES]
    say("\nBy how many sign-ins somebody had before: asked, and attacks on them that are caught, at .99 of all")
    say(f"{'':34}{''.join(f'{head:>18}' for head in heads)}")
    for kind in kinds:
        for name in (name for name in (FREEMAN, BARE, FULL) if name in runs):
            cutoff = threshold(_scores(runs[name], kind), rate=0.99)
            cells = []
            for first, last in _HISTORIES:
                those = [visit for visit in runs[name] if first < visit.nth <= last + 1]
                mine, attacks = _scores(those), _scores(those, kind)
                asks = f"{share_from(mine, cutoff):.3f}" if mine else "-"
                cells.append(f"{asks}, {share_from(attacks, cutoff):.3f}" if attacks else f"{asks}, -")
            say(f"{kind:10}{name:24}{''.join(f'{cell:>18}' for cell in cells)}")


def _caught(runs: Runs, own: Runs, attack: str, rate: float) -> float:
    people = sorted(_scores(own[FULL]), reverse=True)
    return share_from(_scores(runs[FULL], attack), people[int(len(people) * rate) - 1])


def _judge(runs: Runs, own: Runs) -> bool:
    """Print each target with what was measured: at 99 % of attacks caught, and a stolen token at 5 % of people asked."""
    say("\nTargets, at 99 % of attacks caught")
    is_met = True
    for kind in KINDS:
        rates = {}
        for name in (FREEMAN, BARE, FULL):
            cutoff = threshold(_scores(runs[name], kind), rate=0.99)
            rates[name] = share_from(_scores(own[name]), cutoff)
        if kind != "targeted":
            fewer = rates[FREEMAN] / max(rates[FULL], 1e-9)
            is_met &= _is_said(
                fewer >= _FEWER,
                f"{kind}: {fewer:.1f} times fewer re-authentications than Freeman with a device token (3)",
            )
            is_met &= _is_said(
                rates[FULL] <= _MOST_ASKED,
                f"{kind}: asked at {rates[FULL]:.3f} of sign-ins with a device token (0.03)",
            )
        is_met &= _is_said(
            rates[BARE] <= rates[FREEMAN],
            f"{kind}: {rates[BARE]:.3f} without a device token against Freeman's {rates[FREEMAN]:.3f} (at most as many)",
        )
    caught = _caught(runs, own, STOLEN["naive"], _ASKED_OFTEN)
    return is_met & _is_said(
        caught >= _LEAST_CAUGHT,
        f"a naive attacker's stolen token is caught at {caught:.1%}, people asked at 5 % (80 %)",
    )


def _is_said(is_met: bool, sentence: str) -> bool:  # noqa: FBT001 - it is told, and switches nothing
    say(f"  {'met   ' if is_met else 'MISSED'} {sentence}")
    return is_met
