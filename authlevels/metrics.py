"""How sign-ins end; those of names that nobody has are in no tenant's trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Counter

from authlevels.errors import Throttled
from tiergate import TiergateError

SIGN_INS: Final = Counter("tiergate_sign_ins_total", "Own sign-ins that were tried.", ["result"])


@contextmanager
def counted_sign_in() -> Iterator[None]:
    """Count one try by how the block ends."""
    result = "error"
    try:
        yield
        result = "passed"
    except Throttled:
        result = "throttled"
        raise
    except TiergateError:
        result = "failed"
        raise
    finally:
        SIGN_INS.labels(result).inc()
