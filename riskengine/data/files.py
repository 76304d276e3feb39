"""Maps of networks in a directory of this host: named by their content, written once, and put in force by a small file beside them.

A process maps a file into its memory and goes on reading it after it was replaced. So none is ever written to again: a
new one has another name, and `<kind>.json`, replaced in one step, says which one is in force.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Final, Literal

import msgspec
from django.conf import settings

from riskengine.data.errors import DataBusy, DataNotFound, DataRefused
from riskengine.data.kinds import MAPS

type Format = Literal["mmdb", "ranges"]

MOST_BYTES: Final = 2 * 1024**3
_NAMED_BY: Final = 16
_LOCK: Final = ".lock"
_PART: Final = ".part"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force of one kind.

    file: its name in the directory. digest: SHA-256 of what was brought in, which for CSV is not the file that it was made
    into. size: bytes of the file. networks: how many it tells of. as_of: when what it says was so. stale_after: seconds.
    source, licence, attribution: as whoever brought it in said.
    """

    kind: str
    file: str
    format: Format
    digest: str
    size: int
    networks: int
    as_of: datetime
    imported_at: datetime
    stale_after: float
    source: str = ""
    licence: str = ""
    attribution: str = ""

    @property
    def stale_at(self) -> datetime:
        """Tell when it is too old to be believed in everything."""
        return self.as_of + timedelta(seconds=self.stale_after)


_decode: Final = msgspec.json.Decoder(Manifest).decode


def directory() -> Path | None:
    """Return where maps lie on this host; None where there is no such place."""
    return Path(settings.RISK_DATA) if settings.RISK_DATA else None


def read_manifest(kind: str) -> Manifest | None:
    """Read what is in force of a kind; None where nothing is.

    :raises DataRefused: what should say it cannot be read.
    """
    place = directory()
    if place is None:
        return None
    try:
        found = _decode((place / f"{kind}.json").read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DataRefused(f"{kind}.json cannot be read: {error}") from error
    if found.kind != kind or Path(found.file).name != found.file:
        raise DataRefused(f"{kind}.json does not say which file is in force.")
    return found


def state_of(kind: str) -> tuple[int, int, int] | None:
    """Tell one state of what is in force of a kind from any other, without reading it; None where nothing is."""
    place = directory()
    try:
        found = None if place is None else os.stat(place / f"{kind}.json")  # noqa: PTH116 - asked often
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)


def path_of(manifest: Manifest) -> Path:
    """Return where a map lies.

    :raises DataNotFound: there is no directory for maps.
    """
    return _directory() / manifest.file


@contextmanager
def importing() -> Iterator[Path]:
    """Be the only one who brings maps in here, and get a directory on the same file system for what is not ready yet.

    :raises DataBusy: another one is. :raises DataNotFound: there is no directory for maps.
    :raises DataRefused: it cannot be written.
    """
    place = _directory()
    if settings.EMBEDDED:
        place.mkdir(parents=True, exist_ok=True)
    try:
        lock = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DataRefused(f"{place} cannot be written: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataBusy("Another import is at work in this directory; try again when it is done.") from error
        part = place / _PART
        # Whoever died here left it.
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)
    finally:
        os.close(lock)


def put_in_force(made: Path, manifest: Manifest) -> None:
    """Put a map in force in one step, and throw away all of its kind but it and the one before it.

    made: the file, whole and read-only from now on, within what `importing` gave.
    """
    place = _directory()
    before = _file_before(manifest.kind)
    made.chmod(0o444)
    _sync(made)
    made.rename(place / manifest.file)
    _sync(place)
    written = made.parent / "manifest"
    written.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    written.chmod(0o644)
    _sync(written)
    written.replace(place / f"{manifest.kind}.json")
    _sync(place)
    for other in place.glob(f"{manifest.kind}-*"):
        if other.name not in {manifest.file, before}:
            other.unlink()


def confirm(manifest: Manifest, part: Path) -> None:
    """Say anew when a map that stays was brought in, and where it came from."""
    written = part / "manifest"
    written.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    written.chmod(0o644)
    _sync(written)
    written.replace(_directory() / f"{manifest.kind}.json")


def drop_map(kind: str) -> bool:
    """Take a map out of force, and return whether there was one. Processes that have it open read it until they look again."""
    with importing():
        place = _directory()
        manifest = place / f"{kind}.json"
        was_there = manifest.exists()
        manifest.unlink(missing_ok=True)
        for other in place.glob(f"{kind}-*"):
            other.unlink()
        _sync(place)
    return was_there


def name_for(kind: str, digest: str, suffix: Format) -> str:
    """Name a map by what it was made of."""
    return f"{kind}-{digest[:_NAMED_BY]}.{suffix}"


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _directory() -> Path:
    place = directory()
    if place is None:
        raise DataNotFound("TIERGATE_RISK_DATA names no directory for maps of networks.")
    return place


def _file_before(kind: str) -> str:
    try:
        manifest = read_manifest(kind)
    except DataRefused:
        return ""
    return "" if manifest is None else manifest.file


def _sync(path: Path) -> None:
    """Have what was written outlive a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


assert all("-" not in kind for kind in MAPS), "a map's file is found by what stands before the hyphen"  # noqa: S101 - a law of this file
