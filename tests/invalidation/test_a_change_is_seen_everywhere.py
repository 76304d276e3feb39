"""A change is seen by every process within a second and a half, whether or not it was told of it."""

import random

import pytest

from bench.changes import KINDS
from bench.deciders import Deciders
from bench.invalidation import Lateness, cut, measure

pytestmark = pytest.mark.storm

PROMISED_SECONDS = 1.5
"""A second of trust, and as much again by half for a machine that is busy with other things. Asked later than this
after the change, nobody may hear of the old state."""
TURNS = 2


@pytest.mark.parametrize("channel", ["push", "refused", "swallowed"])
def test_nobody_who_asks_later_hears_of_the_old_state(under_load: Deciders, channel: str) -> None:
    drawn = random.Random(channel)  # noqa: S311 - chooses instants, no secrets
    kinds = {name: kind(f"{name} {channel}") for name, kind in KINDS.items()}
    turns = {name: kind.turns() for name, kind in kinds.items()}
    found = {name: Lateness() for name in KINDS}
    for _ in range(TURNS):
        under_load.link.mend()
        measure(under_load, turns, found, wave=True, phase=0.0)
        cut(under_load, channel)
        measure(under_load, turns, found, wave=True, phase=drawn.uniform(0, 1))
    for name, one in found.items():
        assert len(one.seconds) == 2 * TURNS
        assert not one.odd, (name, one.odd)
        assert one.relapses == 0, name
        assert one.unseen == 0, f"{name}: not every process has seen it"
        assert max(one.stale) < PROMISED_SECONDS, (name, one.stale)
