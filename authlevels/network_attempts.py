"""Counting, by network, attempts to confirm: for guesses that are spread over many accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from authlevels.attempts import NETWORK_LIMIT, charge, refund


@contextmanager
def counted_attempt(network: str, *, at: datetime, what: str = "verify") -> Iterator[None]:
    """Charge an attempt to a network before it is judged, and give it back if nothing is raised.

    What was wrong before stays counted: a right answer of one's own does not clear the way for more guesses.

    network: see ``client_address.counted_network``; "" counts nothing, for a service that passes answers on.
    what: is counted apart from anything else.
    :raises Throttled: too many wrong ones from there.
    """
    if not network:
        yield
        return
    bucket = f"network:{what}:{network}"
    charge(bucket=bucket, limit=NETWORK_LIMIT, at=at)
    yield
    refund(bucket=bucket, limit=NETWORK_LIMIT, at=at)
