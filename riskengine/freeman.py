"""The reference that our score is measured against: Freeman et al., "Who Are You?", NDSS 2016, equation 7.

    S = prod_k [ p(A|x_k) p(x_k) / p(x_k|u,L) ] * p(u|A) / p(u|L)

with p(A|x_k) = 1 (nothing is known of attackers), p(u|A) = 1 / users, p(u|L) = n_u / n. Each feature is a hierarchy of values
h_0 = x, h_1, ... from the finest to the coarsest:

    p(x) = sum_i lambda_i p(x|h_i) p(h_i)

A value that was seen c times among N has c/N (1 - M/(N+M)), one that was not 1/(N+M), where M counts what may yet come: one unseen
value in each group that was seen on the way down, and one group that was not.

`as_studied` is how Wiefling et al. (ACM TOPS 2022) worked it out, whose figures are published: each level counts with its own
frequency, only the finest of everybody's is smoothed, and a person's none at all; what a person never had in any of its levels gets a
quarter of everybody's likelihood.

It is used by the harness (`bench/risk.py`) alone: it forgets nothing, and never hears how a request ended.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

Hierarchy = tuple[str, ...]
"""The values of one feature from the finest to the coarsest, e.g. ``("203.0.113.7", "AS64500", "DE")``."""
Login = tuple[Hierarchy, ...]
"""One sign-in, feature by feature."""

NETWORK: Final = (0.6, 0.3, 0.1)
"""The lambdas of address, ASN and country."""
AGENT: Final = (0.539, 0.268, 0.188, 0.005)
"""The lambdas of user agent, browser, operating system and kind of device."""
WEIGHTS: Final = (NETWORK, AGENT)


class History:
    """Sign-ins of one person, or of everybody: how often each value was seen."""

    def __init__(self, logins: Iterable[Login] = ()) -> None:
        self.number = 0
        self.counts: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        for login in logins:
            self.add(login)

    def add(self, login: Login) -> None:
        """Count one more sign-in."""
        self.number += 1
        for feature, values in enumerate(login):
            for level, value in enumerate(values):
                self.counts[feature, level][value] += 1

    def share(self, feature: int, level: int, value: str) -> float:
        """Give p(h) of one level, smoothed: what may yet come is one in each coarser group, and one group."""
        unseen = 1 + sum(len(self.counts[feature, coarser]) for coarser in range(level + 1, len(WEIGHTS[feature])))
        return _smoothed(self.counts[feature, level][value], self.number, unseen)

    def frequencies(self, feature: int, values: Hierarchy, *, is_smoothed: bool) -> float:
        """Give the sum of the levels' own frequencies, as studied; 0 where none was seen, unless the finest is smoothed."""
        total = 0.0
        for level, (value, weight) in enumerate(zip(values, WEIGHTS[feature], strict=True)):
            if is_smoothed and level == 0:
                share = self.share(feature, 0, value)
            else:
                share = self.counts[feature, level][value] / self.number
            total += weight * share
        return total


class Grouped(History):
    """Sign-ins of which it is also counted what lies within each group, as the formula has it."""

    def __init__(self, logins: Iterable[Login] = ()) -> None:
        # (feature, level, group's level) -> group -> values of the level within it.
        self._within: defaultdict[tuple[int, int, int], defaultdict[str, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        self._together: defaultdict[tuple[int, int], Counter[tuple[str, str]]] = defaultdict(Counter)
        super().__init__(logins)

    def add(self, login: Login) -> None:
        """Count one more sign-in."""
        super().add(login)
        for feature, values in enumerate(login):
            for level, group in enumerate(values):
                self._together[feature, level][values[0], group] += 1
                for finer in range(1, level):
                    self._within[feature, finer, level][group].add(values[finer])

    def likelihood(self, feature: int, values: Hierarchy) -> float:
        """Give p(x), interpolated over the levels of the hierarchy."""
        total = 0.0
        for level, (group, weight) in enumerate(zip(values, WEIGHTS[feature], strict=True)):
            given = 1.0
            if level:
                inside = sum(len(self._within[feature, finer, level].get(group, ())) for finer in range(1, level))
                had = self._together[feature, level][values[0], group]
                given = _smoothed(had, self.counts[feature, level][group], inside + 1)
            total += weight * given * self.share(feature, level, group)
        return total


def _smoothed(had: int, of_all: int, unseen: int) -> float:
    if not had:
        return 1.0 / (of_all + unseen)
    return had / of_all * (1.0 - unseen / (of_all + unseen))


def score(login: Login, person: Grouped, everybody: Grouped, *, users: int) -> float:
    """Give S by the formula. Higher is riskier; only its order means anything.

    :raises ZeroDivisionError: when the person has no history: there is nothing to compare with.
    """
    risk = (1.0 / users) / (person.number / everybody.number)
    for feature, values in enumerate(login):
        risk *= everybody.likelihood(feature, values) / person.likelihood(feature, values)
    return risk


def as_studied(login: Login, person: History, everybody: History, *, users: int) -> float:
    """Give S as Wiefling et al. worked it out.

    :raises ZeroDivisionError: when the person has no history: there is nothing to compare with.
    """
    risk = (1.0 / users) / (person.number / everybody.number)
    for feature, values in enumerate(login):
        of_all = everybody.frequencies(feature, values, is_smoothed=True)
        own = person.frequencies(feature, values, is_smoothed=False)
        risk *= of_all / (own or of_all / 4)
    return risk
