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


class Often(Struct, frozen=True, kw_only=True):
    """How much it speaks for somebody that they come often: -weight * ln(1 + observations / start), and no more than `most`."""

    weight: float
    start: float
    most: float


class Parameters(Struct, frozen=True, kw_only=True):
    """All levels by feature.

    often: what it is worth that people come often whom attackers choose as seldom as anybody.
    vouching: how far a known device may lower a score, and no farther. kinds: what a kind of network adds that attackers are fond of.
    """

    levels: Mapping[str, Level]
    often: Often
    vouching: float = 2.0
    kinds: Mapping[str, float]


PARAMETERS: Final = Parameters(
    levels={
        "country": Level(kappa=0.005, delta=0.25, spread=0.5, weight=1.0, least=-0.5, most=3.0),
        "asn": Level(kappa=6.4, delta=0.0, spread=0.5, weight=0.8, least=-4.0, most=6.0),
        "network": Level(kappa=0.13, delta=0.1, spread=0.0, weight=0.7, least=-2.0, most=6.0),
        "system": Level(kappa=6.4, delta=0.0, spread=0.0, weight=0.8, least=-2.0, most=6.0),
        "family": Level(kappa=0.4, delta=0.0, spread=0.5, weight=0.3, least=-2.5, most=6.0),
        "browser": Level(kappa=0.005, delta=0.0, spread=0.25, weight=0.5, least=-0.5, most=6.0),
        "network_class": Level(kappa=16.0, delta=0.5, spread=0.0, weight=0.25, least=-0.5, most=6.0),
        "hour": Level(kappa=0.21, delta=0.5, spread=0.5, weight=0.4, least=-0.5, most=3.5),
        "device": Level(kappa=0.02, delta=0.25, spread=0.0, weight=0.4, least=-1.5, most=5.0),
        "device_use": Level(kappa=0.008, delta=0.0, spread=0.0, weight=1.6, least=-2.0, most=6.0),
    },
    often=Often(weight=0.3, start=0.25, most=2.0),
    kinds={"tor": 2.0, "hosting": 0.5, "vpn": 1.0},
)
"""Chosen by `python -m bench.risk --tune`, on its training seeds."""
