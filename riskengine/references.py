"""What persons are compared with: how usual values are in their tenant and everywhere, and where bands begin. Held in the process."""

import os
import threading
import time
from base64 import b64decode
from collections import OrderedDict
from typing import Final
from uuid import UUID

import msgspec
import structlog
from django.db import DatabaseError
from msgspec import Struct

from isolation.api import tenant_row
from riskengine.bands import BUILT_IN, Cutoffs
from riskengine.errors import RiskUnavailable
from riskengine.population import NOBODY_COUNTED, Counts, Population

REFRESHED_SECONDS: Final = 300.0
"""Tasks count anew once a day: what is minutes old is as good."""
CAPACITY: Final = 1_000

_COLUMNS: Final = "riskengine_usual(%s)"
_log = structlog.get_logger(__name__)


class Usual(Struct, frozen=True, kw_only=True):
    """What one tenant's people are compared with."""

    population: Population
    cutoffs: Cutoffs


class _Row(Struct):
    people: str | None
    cutoffs: Cutoffs | None
    platform_cutoffs: Cutoffs | None
    platform_counted_at: str | None


class _Entry(Struct):
    usual: Usual
    read_at: float


_decode: Final = msgspec.json.Decoder(_Row).decode
decode_counts: Final = msgspec.msgpack.Decoder(Counts).decode
encode_counts: Final = msgspec.msgpack.Encoder().encode


class _Memory:
    """The tenants used last, and the platform, which they share."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Remember nothing, in a process that was just forked too."""
        self.lock = threading.Lock()
        self.held: OrderedDict[UUID, _Entry] = OrderedDict()
        self.platform: tuple[str | None, Counts] = (None, NOBODY_COUNTED)
        self.reading: set[UUID] = set()


_memory: Final = _Memory()
os.register_at_fork(after_in_child=_memory.begin_anew)


def of_tenant(tenant_id: UUID) -> Usual:
    """Give what a tenant's people are compared with, of a few minutes ago.

    What is older is read anew by whoever asks next, while others go on with it; so it is where the database is away.
    :raises RiskUnavailable: it was never read, and cannot be now.
    """
    found = _memory.held.get(tenant_id)
    if found is not None and time.monotonic() - found.read_at < REFRESHED_SECONDS:
        return found.usual
    with _memory.lock:
        is_read_by_another = found is not None and tenant_id in _memory.reading
        if not is_read_by_another:
            _memory.reading.add(tenant_id)
    if found is not None and is_read_by_another:
        return found.usual
    try:
        usual = _read(tenant_id)
    except DatabaseError as error:
        if found is None:
            raise RiskUnavailable("What is usual in the tenant cannot be read.") from error
        _log.warning("risk_usual_not_read", tenant=str(tenant_id), error=str(error))
        return found.usual
    finally:
        with _memory.lock:
            _memory.reading.discard(tenant_id)
    with _memory.lock:
        _memory.held[tenant_id] = _Entry(usual, time.monotonic())
        _memory.held.move_to_end(tenant_id)
        while len(_memory.held) > CAPACITY:
            _memory.held.popitem(last=False)
    return usual


def forget_usual() -> None:
    """Read everything anew at its next use."""
    _memory.begin_anew()


def _read(tenant_id: UUID) -> Usual:
    held_of, platform = _memory.platform
    (found,) = tenant_row(tenant_id, _COLUMNS, [tenant_id])
    row = _decode(found)
    if row.platform_counted_at != held_of:
        platform = _read_platform()
        with _memory.lock:
            _memory.platform = (row.platform_counted_at, platform)
    own = NOBODY_COUNTED if row.people is None else decode_counts(b64decode(row.people))
    return Usual(
        population=Population(tenant=own, platform=platform), cutoffs=row.cutoffs or row.platform_cutoffs or BUILT_IN
    )


def _read_platform() -> Counts:
    from riskengine.models import PlatformPopulation  # noqa: PLC0415

    state = PlatformPopulation.objects.values_list("state", flat=True).first()
    return NOBODY_COUNTED if state is None else decode_counts(bytes(state))
