"""Both scorers on the same visits, side by side with what was published."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from bench.risk_world import replay
from bench.risk_world.attackers import KINDS, STOLEN
from bench.risk_world.measures import Scored, asked, auc, first_asked, share_from, threshold
from bench.risk_world.people import Visit
from bench.risk_world.published import ASKED
from bench.risk_world.telling import say
from riskengine.population import Population
from riskengine.profile import Profile
from riskengine.scoring import score

RATES: Final = (0.97, 0.99, 0.995, 0.999)
_FREEMAN, _BARE, _FULL = "Freeman", "ours, no device token", "ours, device token"
_ASKED_OFTEN, _ASKED_SELDOM = 0.05, 0.02
# The targets.
_FEWER, _MOST_ASKED, _LEAST_CAUGHT = 3.0, 0.03, 0.8

Runs = dict[str, list[Scored]]


def compare(years: Sequence[list[Visit]], title: str, *, is_judged: bool = False) -> bool:
    """Print the comparison, pooled over the years; say whether every target was met."""
    runs = scored(years)
    has_tokens = any(visit.seen.device is not None for visits in years for visit in visits)
    own = {name: [visit for visit in run if not visit.attack] for name, run in runs.items()}
    kinds = [kind for kind in KINDS if _scores(runs[_FREEMAN], kind)]
    attempts = sum(len(_scores(runs[_FREEMAN], kind)) for kind in kinds)
    people = len({visit.person for visit in own[_FREEMAN]})
    say(f"\n{title}")
    say(
        f"{len(own[_FREEMAN]):,} sign-ins of {people:,} people, {attempts:,} attacks; median asked of the first 12 and 39\n"
    )
    head = "".join(f"  FPR at {rate:<6} {'12':>4} {'39':>4} " for rate in RATES)
    say(f"{'':34}{'AUC':>6} {head}  first asked at .99")
    for kind in kinds:
        for name in (_FREEMAN, _BARE, _FULL) if has_tokens else (_FREEMAN, _BARE):
            say(_row(kind, name, runs[name], own[name]))
        if kind in ASKED:
            say(_published(kind))
    if not has_tokens:
        return True
    say("\nA stolen device token: caught where people are asked at so many of their sign-ins")
    for kind in kinds:
        parts = [
            f"{rate:.0%}: {_caught(runs, own, STOLEN[kind], rate):.1%} (without it {_caught(runs, own, kind, rate):.1%})"
            for rate in (_ASKED_SELDOM, _ASKED_OFTEN)
        ]
        say(f"  {kind:10} {'   '.join(parts)}")
    return _judge(runs, own) if is_judged else True


def scored(years: Sequence[list[Visit]]) -> Runs:
    """Score every visit of every year by each scorer; people of different years are different people."""
    runs: Runs = defaultdict(list)
    for number, visits in enumerate(years):
        shift = number * 10_000_000
        for visit, before, risk in replay.by_freeman(visit for visit in visits if visit.attack not in STOLEN.values()):
            runs[_FREEMAN].append(Scored(visit.person + shift, before + 1, visit.attack, risk))
        for visit, before, (bare, full) in replay.by_ours(visits, _both):
            if visit.attack not in STOLEN.values():
                runs[_BARE].append(Scored(visit.person + shift, before + 1, visit.attack, bare))
            runs[_FULL].append(Scored(visit.person + shift, before + 1, visit.attack, full))
    return runs


def _both(visit: Visit, profile: Profile, population: Population) -> tuple[float | None, float | None]:
    full = score(visit.seen, profile, population, None, at=visit.at).score
    if visit.seen.device is None:
        return full, full
    return score(replace(visit.seen, device=None), profile, population, None, at=visit.at).score, full


def _scores(run: Sequence[Scored], attack: str = "") -> list[float]:
    return [visit.score for visit in run if visit.attack == attack and visit.score is not None]


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


def _caught(runs: Runs, own: Runs, attack: str, rate: float) -> float:
    people = sorted(_scores(own[_FULL]), reverse=True)
    return share_from(_scores(runs[_FULL], attack), people[int(len(people) * rate) - 1])


def _judge(runs: Runs, own: Runs) -> bool:
    """Print each target with what was measured: at 99 % of attacks caught, and a stolen token at 5 % of people asked."""
    say("\nTargets, at 99 % of attacks caught")
    is_met = True
    for kind in ("naive", "vpn"):
        rates = {}
        for name in (_FREEMAN, _BARE, _FULL):
            cutoff = threshold(_scores(runs[name], kind), rate=0.99)
            rates[name] = share_from(_scores(own[name]), cutoff)
        fewer = rates[_FREEMAN] / max(rates[_FULL], 1e-9)
        is_met &= _is_said(
            fewer >= _FEWER, f"{kind}: {fewer:.1f} times fewer re-authentications than Freeman with a device token (3)"
        )
        is_met &= _is_said(
            rates[_FULL] <= _MOST_ASKED, f"{kind}: asked at {rates[_FULL]:.3f} of sign-ins with a device token (0.03)"
        )
        is_met &= _is_said(
            rates[_BARE] <= rates[_FREEMAN],
            f"{kind}: {rates[_BARE]:.3f} without a device token against Freeman's {rates[_FREEMAN]:.3f} (at most as many)",
        )
    caught = _caught(runs, own, STOLEN["naive"], _ASKED_OFTEN)
    return is_met & _is_said(
        caught >= _LEAST_CAUGHT,
        f"a naive attacker's stolen token is caught at {caught:.1%}, people asked at 5 % (80 %)",
    )


def _is_said(is_met: bool, sentence: str) -> bool:  # noqa: FBT001 - it is told, and switches nothing
    say(f"  {'met   ' if is_met else 'MISSED'} {sentence}")
    return is_met
