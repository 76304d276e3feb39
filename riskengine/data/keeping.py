"""Which atlas this process has, and looking for a newer one."""

import os
import time
from datetime import datetime
from typing import Final

import structlog
from django.db import DEFAULT_DB_ALIAS, connections

from riskengine.data.atlas import Atlas, HeldList, HeldMap
from riskengine.data.errors import DataNotFound, DataRefused
from riskengine.data.files import read_manifest, state_of
from riskengine.data.kinds import MAPS, Mark
from riskengine.data.maps import open_map
from riskengine.data.metrics import FAILURES
from riskengine.data.models import NetworkList
from riskengine.data.ranges import Ranges
from telemetry import api as telemetry

CHECK_SECONDS: Final = 5.0
"""While somebody asks, a newer file or list is seen within so many seconds, and what it takes to read it."""
IDLE_SECONDS: Final = 60.0
"""Who asks after so long a silence waits for a look, for `BOUND_SECONDS` at most."""
BOUND_SECONDS: Final = 1.0
LISTS: Final = "lists"
"""What the database's lists are called together, where it does not answer."""

_log = structlog.get_logger(__name__)


class Keeper:
    """Holds the atlas of one process."""

    def __init__(self) -> None:
        self._atlas = Atlas()
        self._looked_at = self._tried_at = float("-inf")
        self._look = telemetry.Look(self._renew, name="tiergate-networks", bound_seconds=BOUND_SECONDS)

    def atlas(self) -> Atlas:
        """Return what is in force, looking for something newer when that is due."""
        now = time.monotonic()
        if now - self._tried_at < CHECK_SECONDS:
            return self._atlas
        is_late = now - self._looked_at > IDLE_SECONDS
        # One asker waits at a time: where a database hangs, the others go on with what there is.
        self._tried_at = now
        if is_late:
            self._look.ask()
        else:
            self._look.begin()
        return self._atlas

    def glance(self) -> Atlas:
        """Return what is in force, as `atlas` does, and wait for nothing."""
        now = time.monotonic()
        if now - self._tried_at >= CHECK_SECONDS:
            self._tried_at = now
            self._look.begin()
        return self._atlas

    def look_now(self) -> Atlas:
        """Look for something newer now, and return what is then in force."""
        self._look.settle(seconds=BOUND_SECONDS)
        self._tried_at = time.monotonic()
        self._look.ask()
        return self._atlas

    def forget(self) -> None:
        """Hold nothing, and look anew at the next question."""
        self._look.settle(seconds=5.0)
        self._atlas = Atlas()
        self._looked_at = self._tried_at = float("-inf")

    def _renew(self) -> bool:
        before = self._atlas
        problems: dict[str, str] = {}
        maps = {kind: held for kind in MAPS if (held := _map(kind, before.maps.get(kind), problems)) is not None}
        lists = _lists(before, problems)
        for name in problems:
            FAILURES.labels(name).inc()
        if problems != before.problems:
            _log.warning("risk_data_unreadable" if problems else "risk_data_readable", **problems)
        if (maps, lists, problems) != (before.maps, before.lists, before.problems):
            self._atlas = Atlas(maps, lists, problems)
            _log.info("risk_data_in_force", maps=sorted(maps), lists=[one.name for one in lists])
        self._looked_at = time.monotonic()
        return True


def _map(kind: str, before: HeldMap | None, problems: dict[str, str]) -> HeldMap | None:
    """Open what is in force of a kind, unless it is open already; where it cannot be read, what was open goes on."""
    state = state_of(kind)
    if state is None or (before is not None and before.state == state):
        # Nothing is in force any more where nothing says so.
        return None if state is None else before
    try:
        manifest = read_manifest(kind)
        return None if manifest is None else HeldMap(manifest=manifest, state=state, map=open_map(manifest))
    except (DataRefused, DataNotFound) as error:
        problems[kind] = str(error)
        return before


def _lists(before: Atlas, problems: dict[str, str]) -> tuple[HeldList, ...]:
    """Read the lists that have changed; where the database does not answer, those that were read go on."""
    held = {(one.name, one.state): one for one in before.lists}
    try:
        known = NetworkList.objects.filter(mark__in=list(Mark)).order_by("name")
        rows = list(known.values_list("name", "version", "imported_at"))
        found = (held.get((name, (version, at))) or _read(name) for name, version, at in rows)
        return tuple(one for one in found if one is not None)
    except Exception as error:  # noqa: BLE001 - whatever it was, what was read before is better than nothing
        problems[LISTS] = f"{type(error).__name__}: the lists could not be read."
        return before.lists
    finally:
        # The thread that looks is a new one each time.
        connections[DEFAULT_DB_ALIAS].close()


def _read(name: str) -> HeldList | None:
    found = NetworkList.objects.filter(name=name).first()
    if found is None:
        return None
    return HeldList(
        name=found.name,
        mark=Mark(found.mark),
        state=(found.version, found.imported_at),
        as_of=found.as_of,
        stale_at=found.as_of + found.stale_after,
        ranges=Ranges(bytes(found.ranges)),
    )


keeper = Keeper()


def stale_data(*, at: datetime) -> list[str]:
    """Name what this process holds and does not believe in everything: too old, or not to be read. It waits for nothing."""
    return keeper.glance().stale(at=at)


def look_for_data() -> None:
    """Look for newer maps and lists now."""
    keeper.look_now()


def forget_data() -> None:
    """Hold no map and no list, and look anew at the next question."""
    keeper.forget()


def _begin_anew() -> None:
    """Leave to the parent its thread, and a lock that may have been held."""
    global keeper  # noqa: PLW0603 - none is inherited over a fork
    keeper = Keeper()


os.register_at_fork(after_in_child=_begin_anew)
