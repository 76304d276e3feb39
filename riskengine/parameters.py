"""What the scorer is tuned by: numbers that were chosen on made-up histories, and nothing else."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Level(Struct, frozen=True, kw_only=True):
    """How one feature counts.

    kappa: how much is left for what was never seen, in observations; delta: and how much more for each that once was new.
    spread: how far attackers are from coming as people at large do: so far any value is as likely with them as one of which nothing is
    known (`population.PRIOR`), so that one that is new costs more where few have it.
    least and most: the bounds of its log-odds, before the weight.
    """

    kappa: float
    delta: float = 0.0
    spread: float = 0.0
    weight: float = 1.0
    least: float = -2.0
    most: float = 6.0


class Parameters(Struct, frozen=True, kw_only=True):
    """All levels by feature.

    vouching: how far a known device may lower a score, and no farther. kinds: what a kind of network adds that attackers are fond of.
    """

    levels: Mapping[str, Level]
    vouching: float = 2.0
    kinds: Mapping[str, float]


PARAMETERS: Final = Parameters(
    levels={
        "country": Level(kappa=0.5, weight=1.0),
        "asn": Level(kappa=0.5, delta=0.5, weight=1.0),
        "network": Level(kappa=0.5, delta=0.5, weight=1.0),
        "system": Level(kappa=0.5, delta=0.5, weight=1.0),
        "family": Level(kappa=0.5, delta=0.5, weight=1.0),
        "browser": Level(kappa=0.5, delta=0.5, weight=0.3),
        "network_class": Level(kappa=0.5, delta=0.5, weight=0.5),
        "hour": Level(kappa=6.0, weight=0.4, least=-1.5, most=2.5),
        "device": Level(kappa=0.5, delta=0.5, weight=1.0, least=-4.0),
        "device_use": Level(kappa=0.2, weight=1.0),
    },
    kinds={"tor": 2.0, "hosting": 1.0, "vpn": 0.5},
)
"""Chosen on the training seed of `python -m bench.risk --tune`."""
