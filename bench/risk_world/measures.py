"""What is told of a scorer: how well it tells attackers from people, and how often it asks people."""

from bisect import bisect_left
from collections.abc import Sequence
from statistics import median

from msgspec import Struct


class Scored(Struct, frozen=True):
    """One visit's score. nth: the person's how-manieth sign-in it is, or would be. score: None where nothing could be said."""

    person: int
    nth: int
    attack: str
    score: float | None


def auc(own: Sequence[float], attacks: Sequence[float]) -> float:
    """Give how likely an attack scores higher than a sign-in of the person's own; ties count half."""
    ordered = sorted(own)
    below = sum(bisect_left(ordered, score) for score in attacks)
    equal = sum(bisect_left(ordered, score + 1e-12) - bisect_left(ordered, score) for score in attacks)
    return (below + equal / 2) / (len(own) * len(attacks))


def threshold(attacks: Sequence[float], *, rate: float) -> float:
    """Give the highest score from which on at least this rate of attacks lies."""
    ordered = sorted(attacks, reverse=True)
    return ordered[min(len(ordered) - 1, max(0, -int(-rate * len(ordered) // 1) - 1))]


def share_from(scores: Sequence[float], cutoff: float) -> float:
    """Give the share of scores at or above a cutoff."""
    return sum(score >= cutoff for score in scores) / len(scores)


def asked(scored: Sequence[Scored], cutoff: float, *, first: int) -> float | None:
    """Give the median number of re-authentications among the first so many sign-ins, of people with that many.

    The first of all is not among what can be scored, and is not counted as asked.
    """
    asked_of: dict[int, int] = {}
    most: dict[int, int] = {}
    for visit in scored:
        most[visit.person] = max(most.get(visit.person, 0), visit.nth)
        if visit.nth <= first and visit.score is not None and visit.score >= cutoff:
            asked_of[visit.person] = asked_of.get(visit.person, 0) + 1
    counts = [asked_of.get(person, 0) for person, nth in most.items() if nth >= first]
    return median(counts) if counts else None


def first_asked(scored: Sequence[Scored], cutoff: float) -> float | None:
    """Give the median number of the sign-in at which people are first asked; None where most never are."""
    first: dict[int, float] = {}
    for visit in scored:
        first.setdefault(visit.person, float("inf"))
        if visit.score is not None and visit.score >= cutoff:
            first[visit.person] = min(first[visit.person], visit.nth)
    found = median(first.values())
    return None if found == float("inf") else found
