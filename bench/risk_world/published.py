"""What was measured on real sign-ins: Wiefling et al., "Pump Up Password Security!", ACM TOPS 2022 (31.3 million, 3.3 million people).

Median number of re-authentications among somebody's first 12 and first 39 sign-ins, of Freeman's score with address and user agent, by attacker
and by the rate of attacks that is caught.
"""

from collections.abc import Mapping
from math import log2
from typing import Final

ASKED: Final[Mapping[str, Mapping[float, tuple[float, float]]]] = {
    "naive": {0.999: (7, 6), 0.995: (3, 2), 0.99: (2, 1)},
    "vpn": {0.999: (7, 8), 0.995: (4, 3), 0.99: (3, 2)},
    "targeted": {0.999: (8, 9), 0.995: (5, 4), 0.99: (4, 3), 0.98: (2, 2)},
}
FIRST: Final = (12, 39)


def distance(found: Mapping[str, Mapping[float, tuple[float, float]]]) -> tuple[float, float]:
    """Give how far medians are from those that were published: mean absolute difference, and mean doublings of k + 1."""
    pairs = [
        (one, other)
        for kind, rates in ASKED.items()
        for rate, published in rates.items()
        for one, other in zip(found[kind][rate], published, strict=True)
    ]
    absolute = sum(abs(one - other) for one, other in pairs) / len(pairs)
    doublings = sum(abs(log2((one + 1) / (other + 1))) for one, other in pairs) / len(pairs)
    return absolute, doublings
