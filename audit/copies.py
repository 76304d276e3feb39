"""Checkpoints outside the database: one line each, in files that are only added to.

Whoever can rewrite the database cannot rewrite these, so that what was sealed once stays known. A checkpoint whose
copy fails stands all the same; each run copies whatever is missing, until it stands. What has been copied is known
from the files alone.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from audit.checkpoints import as_json, checkpoints_after, digest_of, find_checkpoint
from audit.errors import CannotSeal
from audit.verifier import Checkpoint, Signed, Unreadable

_FILES: Final = "checkpoints-*.jsonl"
_AT_ONCE: Final = 200
_TAIL: Final = 1 << 16

_log = structlog.get_logger(__name__)


def copy_checkpoints(directory: Path) -> int:
    """Copy every checkpoint that the directory lacks at its end, and return how many those were.

    A line stands on the disk when this returns. One that was cut short by a dying process is left, and written again.

    :raises OSError: it cannot be written.
    """
    count = 0
    with _locked(directory):
        number = newest_copy(directory)[0]
        while waiting := checkpoints_after(number, limit=_AT_ONCE):
            for kept in waiting:
                _append(directory / f"checkpoints-{kept.told().at[:7]}.jsonl", json.dumps(as_json(kept.signed)))
            number = waiting[-1].number
            count += len(waiting)
    return count


def refuse_fork(directory: Path) -> None:
    """Make sure that the database still holds what was copied last, before anything is built on what it holds.

    :raises CannotSeal: it was set back, or written over.
    :raises OSError: the copies cannot be read.
    """
    number, digest = newest_copy(directory)
    if not number:
        return
    kept = find_checkpoint(number)
    if kept is None or digest_of(kept.signed.body) != digest:
        raise CannotSeal(
            f"The copies in {directory} know checkpoint {number}, which the database "
            + ("does not hold." if kept is None else "tells otherwise.")
        )


def newest_copy(directory: Path) -> tuple[int, str]:
    """Find the copy with the highest number: that, and the hash of its body; 0 where there is none."""
    found = (_newest_line(path) for path in directory.glob(_FILES))
    return max((one for one in found if one is not None), default=(0, ""))


def read_copies(directory: Path) -> Iterator[tuple[Path, int, Signed | None, int]]:
    """Yield each line: its file, where it begins there, what it says, and its number; None and 0 if unreadable."""
    for path in sorted(directory.glob(_FILES)):
        with path.open("rb") as file:
            start = 0
            for line in file:
                signed, number = _read(line)
                if line.strip():
                    yield path, start, signed, number
                start += len(line)


def read_copy(path: Path, start: int) -> Signed | None:
    """Read one line again."""
    with path.open("rb") as file:
        file.seek(start)
        return _read(file.readline())[0]


def _read(line: bytes) -> tuple[Signed | None, int]:
    try:
        signed = Signed.read(json.loads(line))
        return signed, Checkpoint.read(signed.body).number
    except (Unreadable, ValueError, RecursionError):
        return None, 0


def _newest_line(path: Path) -> tuple[int, str] | None:
    """Read backwards to the last whole line."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        length = min(_TAIL, end)
        while True:
            file.seek(end - length)
            lines = file.read(length).split(b"\n")
            # The first piece begins anywhere, unless it begins the file.
            for line in reversed(lines if length == end else lines[1:]):
                signed, number = _read(line)
                if signed is not None:
                    return number, digest_of(signed.body)
            if length == end:
                return None
            length = min(length * 8, end)


def _append(path: Path, line: str) -> None:
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        is_torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
        if is_torn:
            _log.warning("audit_copy_was_cut_short", file=str(path))
        data = (b"\n" if is_torn else b"") + line.encode() + b"\n"
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
