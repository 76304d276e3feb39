"""What goes wrong between two companies: each fault by chance, the chance by a seed."""

import random
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from config.fake_stripe.wire import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often, as a share of 1, something befalls a delivery or a call.

    duplicate: an event is sent once more, though it was taken. reorder, reorder_seconds: it is held back for up to so
    long, so that later ones overtake it. delay, delay_seconds: the same, for long. drop: it is never sent; only the
    list of events has it. fail: what the receiver answers gets lost, and the event is sent again. api_before,
    api_after: a call of the API is answered with 500, before or after it took effect. hold: nothing is sent until it
    is off again. retry_seconds, retries: the wait after a failed delivery, which doubles each time up to
    ``retry_most`` seconds, and how many there are.
    """

    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_seconds: float = 0.5
    delay: float = 0.0
    delay_seconds: float = 3.0
    drop: float = 0.0
    fail: float = 0.0
    api_before: float = 0.0
    api_after: float = 0.0
    hold: bool = False
    retry_seconds: float = 0.2
    retry_most: float = 30.0
    retries: int = 20

    def turned(self, knobs: dict[str, Any]) -> Self:
        """Turn some knobs.

        :raises Refusal: one is unknown, or its value of another kind.
        """
        known = {field.name: type(field.default) for field in fields(self)}
        for name, value in knobs.items():
            kind = known.get(name)
            if kind is None:
                raise Refusal(f"There is no knob {name}; there are {', '.join(sorted(known))}.", param=name)
            if isinstance(value, bool) != (kind is bool) or not isinstance(value, (int, float)) or value < 0:
                raise Refusal(f"The knob {name} takes a {kind.__name__}.", param=name)
        return replace(self, **knobs)


@dataclass(frozen=True, slots=True)
class Plan:
    """What befalls one event on its way to one endpoint; decided when it happens, so that a seed decides it.

    holds: how long each copy of it is held back, in seconds; none where it is dropped. lost: how many of the answers
    get lost.
    """

    holds: tuple[float, ...]
    lost: int


class Fate:
    """Decides what befalls, by a chance of its own: how many ids are made in between does not matter to it."""

    def __init__(self, seed: int) -> None:
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Begin again, with this seed."""
        self._events = random.Random(f"events {seed}")  # noqa: S311 - a seed must make the same run again
        self._calls = random.Random(f"calls {seed}")  # noqa: S311 - as above

    def of_event(self, faults: Faults) -> Plan:
        """Decide about one event and endpoint."""
        chance = self._events
        # Always the same number of draws, so that turning one knob leaves the other faults where they were.
        dropped, twice, held, late, lost = (chance.random() for _ in range(5))
        spans = (chance.random(), chance.random())
        if dropped < faults.drop:
            return Plan((), 0)
        hold = spans[0] * faults.reorder_seconds if held < faults.reorder else 0.0
        if late < faults.delay:
            hold += spans[1] * faults.delay_seconds
        again = (hold + spans[1] * faults.reorder_seconds,) if twice < faults.duplicate else ()
        return Plan((hold, *again), 1 if lost < faults.fail else 0)

    def of_call(self, faults: Faults) -> tuple[bool, bool]:
        """Decide about one call: does it fail before it takes effect, or after?"""
        before, after = self._calls.random(), self._calls.random()
        return before < faults.api_before, after < faults.api_after
