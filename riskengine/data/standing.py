"""How the data about networks stands: what is in force, how old it is, and whether it can be read."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from riskengine.data import files
from riskengine.data.errors import DataNotFound, DataRefused
from riskengine.data.kinds import MAPS
from riskengine.data.maps import open_map
from riskengine.data.models import NetworkList


class Standing(Struct, frozen=True, kw_only=True):
    """One map of this host, or one list of the database's.

    is_stale: too old to be believed in everything. problem: why it cannot be read; "" where it can.
    """

    name: str
    kind: str
    is_map: bool
    problem: str = ""
    is_stale: bool = False
    networks: int = 0
    as_of: datetime | None = None
    imported_at: datetime | None = None
    stale_at: datetime | None = None
    digest: str = ""
    source: str = ""
    licence: str = ""
    attribution: str = ""

    @property
    def is_well(self) -> bool:
        """Say whether nobody need do anything."""
        return not self.is_stale and not self.problem


def list_standings(*, at: datetime) -> list[Standing]:
    """Tell of all that is in force, read anew from this host's directory and the database."""
    maps = [one for kind in MAPS if (one := _of_map(kind, at)) is not None]
    return [*maps, *(_of_list(row, at) for row in NetworkList.objects.order_by("name").defer("ranges"))]


def _of_map(kind: str, at: datetime) -> Standing | None:
    manifest = None
    problem = ""
    try:
        manifest = files.read_manifest(kind)
        if manifest is not None:
            open_map(manifest)
    except (DataRefused, DataNotFound) as error:
        problem = str(error)
    if manifest is None:
        return Standing(name=kind, kind=kind, is_map=True, problem=problem) if problem else None
    stale_at = manifest.stale_at
    return Standing(
        name=kind, is_map=True, problem=problem, stale_at=stale_at, is_stale=at >= stale_at, **_said(manifest)
    )


def _of_list(row: NetworkList, at: datetime) -> Standing:
    stale_at = row.as_of + row.stale_after
    return Standing(name=row.name, is_map=False, stale_at=stale_at, is_stale=at >= stale_at, **_said(row))


def _said(found: Any) -> dict[str, Any]:
    names = ("kind", "networks", "as_of", "imported_at", "digest", "source", "licence", "attribution")
    return {name: getattr(found, name) for name in names}
