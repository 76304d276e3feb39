"""Until when does time alone leave what rules say as it is?"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from tiergate.assurance import change_at_any_level
from tiergate.durations import of_seconds
from tiergate.facts import Facts
from tiergate.policy.rules import Rule
from tiergate.policy.tree import Call, Literal, Name, Node, parts
from tiergate.proofs import Proof

_COMPARED: Final = frozenset({"_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"})
_SECOND: Final = timedelta(seconds=1)
_TICK: Final = timedelta(microseconds=1)
# Longer than any session or proof lives, in seconds.
_LONGEST: Final = 10**10

type Bounds = frozenset[int | datetime] | None
"""With what a field is compared, and nothing else is done with it; None where something else is."""


class Clock:
    """What some rules read that changes with time alone."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        found: dict[str, Bounds] = {}
        for rule in rules:
            for name, bound in () if rule.when is None else _bounds(rule.when.tree):
                known = found.get(name, frozenset())
                found[name] = None if bound is None or known is None else known | {bound}
        self._now: Bounds = found.get("time.now", frozenset())
        self._session: Bounds = found.get("session.age", frozenset())
        self._proof: Bounds = found.get("assurance.age", frozenset())
        self._is_by_hour = "time.hour" in found or "time.weekday" in found
        self._is_by_now = "time.now" in found
        self._is_by_session = "session.age" in found
        self._is_by_proofs = any(name.startswith("assurance.") for name in found)

    def next_change(self, facts: Facts) -> datetime | None:
        """Give the next instant at which what the rules say may change by time alone, inactivity apart; None: never."""
        at, session = facts.at, facts.session
        found = self._of_the_day(facts)
        if session is not None and self._is_by_session and session.started_at is not None:
            found += _of_age(self._session, session.started_at, at)
        if session is not None and self._is_by_proofs:
            found += self._of_proofs(session.proofs, at)
        return min([one for one in found if one > at], default=None)

    def _of_the_day(self, facts: Facts) -> list[datetime]:
        """List instants before the earliest of which, of those that are to come, no rule reads another time."""
        at, offset = facts.at, facts.circumstances.offset
        found: list[datetime] = []
        if self._is_by_hour and offset is not None and facts.circumstances.zone is not None:
            # Zones change their offset at a full hour, so that nothing changes before it; a day ends at one, too.
            passed = (at.minute * 60 + at.second + offset) % 3600
            found.append(at.replace(microsecond=0) + of_seconds(3600 - passed))
        if self._now is None:
            found.append(at + _SECOND)
        elif self._is_by_now:
            # What holds up to an instant has changed right after it.
            instants = [one for one in self._now if isinstance(one, datetime) and one >= at]
            found += [one if one > at else at + _TICK for one in instants]
        return found

    def _of_proofs(self, proofs: Sequence[Proof], at: datetime) -> list[datetime]:
        """List likewise what becomes of proofs."""
        found: list[datetime] = []
        for proof in proofs:
            found += _of_age(self._proof, proof.at, at)
        change = change_at_any_level(proofs, at=at)
        return found if change is None else [*found, change]


def _bounds(node: Node) -> Iterator[tuple[str, int | datetime | None]]:
    """Go through the fields that a condition reads, each with what it is compared with there."""
    match node:
        case Name():
            yield node.name, None
        case Call(function=function, arguments=(one, other)) if function in _COMPARED:
            for field, against in ((one, other), (other, one)):
                bound = _bound(against)
                if isinstance(field, Name) and bound is not None:
                    yield field.name, bound
                    return
            yield from _bounds(one)
            yield from _bounds(other)
        case _:
            for part in parts(node):
                yield from _bounds(part)


def _bound(node: Node) -> int | datetime | None:
    """Give a whole number or an instant that is written out; None for anything else."""
    match node:
        case Literal(value=int() as value, kind="int"):
            return value
        case Call(function="timestamp", arguments=(Literal(value=str() as text),)):
            try:
                instant = datetime.fromisoformat(text)
            except ValueError:
                return None
            return instant if instant.utcoffset() is not None else None
    return None


def _of_age(bounds: Bounds, since: datetime, at: datetime) -> Sequence[datetime]:
    """Give the instants at which what is compared with an age changes: as it reaches a bound, and as it passes it."""
    if bounds is None or (bounds and since > at):
        # An age of less than nothing is not known, until it is.
        return (at + _SECOND,)
    return [
        since + (one + more) * _SECOND
        for one in bounds
        if isinstance(one, int) and 0 <= one <= _LONGEST
        for more in (0, 1)
    ]
