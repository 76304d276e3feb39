"""What is usual for one person: how often each value was seen, newer times counting for more.

Forward decay (Cormode et al., ICDE 2009): an observation at ``t`` weighs 2^((t - epoch) / half-life), so that nothing that is stored
need be touched as time goes by; divided by 2^((now - epoch) / half-life) it is what it is worth now.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

HALF_LIFE: Final = timedelta(days=90)
MOST_VALUES: Final = 64
"""How many values of one feature are kept: the heaviest."""


class LastSeen(Struct, frozen=True, kw_only=True):
    """Where a person was last, for travel."""

    at: datetime
    place: tuple[float, float] | None = None
    asn: str | None = None
    network: str | None = None


class Profile(Struct, frozen=True, kw_only=True):
    """One person's history in one tenant.

    epoch: what weights are told by. total: weight of all that was learned. times: how many times something was learned.
    counts: weights by feature (see `seen.CHAINS`) and value.
    """

    epoch: datetime
    total: float = 0.0
    times: int = 0
    counts: Mapping[str, Mapping[str, float]] = {}
    last: LastSeen | None = None
