"""Asking a map that is in force: where is this address, whose is it?"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import maxminddb
from maxminddb import InvalidDatabaseError

from riskengine.addresses import Address
from riskengine.data.columns import Progress
from riskengine.data.errors import DataRefused
from riskengine.data.files import Manifest, path_of
from riskengine.data.ranges import Ranges, Unreadable
from riskengine.data.told import NOTHING_TOLD, Told, told_by, told_in

_STEP: Final = 250_000
_TELLING: Final = 1000
"""Of so many records of an MMDB one must say what its kind is for."""


class Map(Protocol):
    """A file that was opened, is read wherever it is asked, and let go of when nobody holds it."""

    def find(self, address: Address) -> Told:
        """Tell what it says of a public address, in microseconds.

        :raises Exception: it is broken just there.
        """


class MmdbMap:
    """A file in MaxMind's DB format, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Open it.

        :raises DataRefused: it is none, or a part of it is missing.
        """
        self._reader = _opened(path)
        self._is_v4 = self._reader.metadata().ip_version == 4  # noqa: PLR2004 - the version

    def find(self, address: Address) -> Told:
        """Look it up."""
        if self._is_v4 and address.bits != 32:  # noqa: PLR2004 - of IPv4
            return NOTHING_TOLD
        return told_by(self._reader.get(address.text))


class RangesMap:
    """A file that was made out of CSV, mapped into memory."""

    def __init__(self, path: Path, *, is_provider: bool) -> None:
        """Open it.

        :raises DataRefused: it is none, or a part of it is missing.
        """
        try:
            with path.open("rb") as file:
                self._ranges = Ranges(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
        except (OSError, ValueError, Unreadable) as error:
            raise DataRefused(f"{path.name} cannot be read: {error}") from error
        self._is_provider = is_provider

    def find(self, address: Address) -> Told:
        """Look it up."""
        found = self._ranges.find(address.number, address.bits)
        return NOTHING_TOLD if found is None else told_in(found, is_provider=self._is_provider)


def open_map(manifest: Manifest) -> Map:
    """Open the map that a manifest names.

    :raises DataRefused: it cannot be read, or is not what the manifest says.
    """
    path = path_of(manifest)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataRefused(f"{manifest.file} is not there.") from error
    if size != manifest.size:
        raise DataRefused(f"{manifest.file} has {size} bytes, and not {manifest.size}: somebody has changed it.")
    return MmdbMap(path) if manifest.format == "mmdb" else RangesMap(path, is_provider=manifest.kind == "asn")


def is_mmdb(path: Path) -> bool:
    """Say whether a file seems to be an MMDB, whole or not: text holds no zero byte.

    :raises DataRefused: it is packed.
    """
    with path.open("rb") as file:
        begins = file.read(4096)
    if begins.startswith((b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd")):
        raise DataRefused("It is packed: unpack it first.")
    return b"\x00" in begins


def checked_mmdb(path: Path, *, kind: str, progress: Progress) -> tuple[int, float]:
    """Read an MMDB from one end to the other, and return how many networks it tells of and when it was built, as seconds of the epoch.

    :raises DataRefused: it breaks off, or does not say what its kind is for.
    """
    reader = _opened(path)
    try:
        count = telling = 0
        for record in _records(reader):
            count += 1
            telling += _tells(told_by(record), kind)
            if count % _STEP == 0:
                progress(count)
        built = float(reader.metadata().build_epoch)
    except (InvalidDatabaseError, ValueError, UnicodeDecodeError, OverflowError) as error:
        raise DataRefused(f"It breaks off: {error}") from error
    finally:
        reader.close()
    if telling * _TELLING < max(count, 1):
        raise DataRefused(f"It does not say what a map of the kind {kind} is for: {_WANTED[kind]}.")
    return count, built


_WANTED: Final = {
    "city": "location.latitude and location.longitude",
    "country": "country.iso_code",
    "asn": "autonomous_system_number",
}


def _tells(told: Told, kind: str) -> bool:
    return {"city": told.place, "country": told.country, "asn": told.asn}[kind] is not None


def _records(reader: maxminddb.Reader) -> Iterator[object]:
    for _network, record in reader:
        yield record


def _opened(path: Path) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path, maxminddb.MODE_AUTO)
    except (InvalidDatabaseError, OSError, ValueError) as error:
        raise DataRefused(f"{path.name} is no MMDB, or not all of one: {error}") from error
