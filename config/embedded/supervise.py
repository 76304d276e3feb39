"""Who keeps the services up, and who ends them?

Every process that uses the services holds a shared lock, the *lease*, for as long as it lives;
the kernel gives it back however the process ends. One *watcher* waits for the moment when nobody
holds it, and some seconds later ends the servers. So a killed parent leaves nothing behind, two
users at once do not end each other's servers, and a next start adopts healthy servers (it does
not matter who started them) and replaces others.

`python -m config.embedded start` pins the services: they then stay until `stop`.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from config.embedded import binaries, postgres, roles, valkey
from config.embedded.errors import EmbeddedError
from config.embedded.paths import CHECKOUT, Place, database_name, place
from config.embedded.private import lay_out
from config.embedded.processes import wait_until

# What a fresh cluster, its first log and the programs take; below that nothing is begun.
NEEDED_BYTES = 200 * 1024 * 1024
LINGER_SECONDS = 15.0

_leases: dict[Path, int] = {}


def is_embedded() -> bool:
    """Tell whether this process uses the embedded services: no others are named."""
    return not (os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"))


def ensure_running() -> None:
    """Bring both services up, and keep them up while this process lives; at once when they are.

    Does nothing when `DATABASE_URL` or `REDIS_URL` name services.

    :raises EmbeddedError: when they cannot run here, with a sentence that says what would help.
    """
    if not is_embedded():
        return
    here = place()
    with _disk_said(here):
        _require_space(here)
        account = lay_out(here)
        _take_lease(here)
        with _locked(here.keep / "start.lock"):
            programs = binaries.install(here)
            postgres.start(here, account, programs)
            with roles.superuser_connection() as connection:
                roles.ensure_roles(connection)
                roles.ensure_database(connection, database_name())
            valkey.start(here, account, programs)
        _ensure_watcher(here)


def release() -> None:
    """Give up this process's lease, and end the services at once when nobody else uses them."""
    here = place()
    descriptor = _leases.pop(here.root, None)
    if descriptor is None:
        return
    os.close(descriptor)
    if not _is_pinned(here):
        _stop_if_unused(here)


def stop() -> None:
    """End the services whoever uses them, and unpin them."""
    here = place()
    if not here.keep.is_dir():
        return
    lay_out(here)
    _pin(here).unlink(missing_ok=True)
    with _locked(here.keep / "start.lock"):
        valkey.stop(here)
        postgres.stop(here)


def pin() -> None:
    """Keep the services up after this process, until `stop`."""
    _pin(place()).touch()


def watch() -> None:
    """Wait until nobody uses the services, linger, and end them; one process a checkout does that."""
    here = place()
    post = os.open(here.keep / "watcher.lock", os.O_RDWR | os.O_CREAT, 0o600)
    # Whoever only looks whether there is a watcher holds the lock for an instant.
    if not wait_until(lambda: _is_locked_now(post), seconds=1):
        return
    linger = float(os.environ.get("TIERGATE_EMBEDDED_LINGER") or LINGER_SECONDS)
    while True:
        with _locked(here.keep / "lease.lock"):
            pass
        time.sleep(linger)
        if _is_pinned(here) or _stop_if_unused(here, post=post):
            return


def _take_lease(here: Place) -> None:
    if here.root in _leases:
        return
    descriptor = os.open(here.keep / "lease.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    _leases[here.root] = descriptor


def _stop_if_unused(here: Place, *, post: int | None = None) -> bool:
    """Stop the services while the lease is held exclusively: a new user waits, then starts them anew.

    post: the watcher's lock, given up before the lease, so that the new user sees no watcher and
    starts one.
    """
    descriptor = os.open(here.keep / "lease.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _is_locked_now(descriptor):
            return False
        with _locked(here.keep / "start.lock"):
            valkey.stop(here)
            postgres.stop(here)
        if post is not None:
            os.close(post)
        return True
    finally:
        os.close(descriptor)


def _is_locked_now(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ensure_watcher(here: Place) -> None:
    if _is_pinned(here):
        return
    post = os.open(here.keep / "watcher.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _is_locked_now(post):
            return
    finally:
        os.close(post)
    with (here.keep / "watcher.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "config.embedded", "watch"],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _pin(here: Place) -> Path:
    return here.keep / "pinned"


def _is_pinned(here: Place) -> bool:
    return _pin(here).exists()


def _require_space(here: Place) -> None:
    parent = here.root if here.root.is_dir() else here.root.parent
    if not parent.is_dir() or any(here.data.glob("postgres-*[0-9]/PG_VERSION")):
        return
    free = shutil.disk_usage(parent).free
    there = sum(path.lstat().st_size for path in here.root.rglob("*"))
    if free + there < NEEDED_BYTES:
        raise EmbeddedError(_full(here, free))


@contextlib.contextmanager
def _disk_said(here: Place) -> Iterator[None]:
    """Turn whatever a full disk breaks, here or inside a server, into one sentence."""
    try:
        yield
    except Exception as error:
        is_full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
        # A copy of many files, and a server, only say it.
        if is_full or "No space left on device" in str(error) or "could not extend file" in str(error):
            raise EmbeddedError(_full(here, shutil.disk_usage(here.root.parent).free)) from error
        raise


def _full(here: Place, free: int) -> str:
    return (
        f"The disk is full: {here.root} needs {NEEDED_BYTES >> 20} MB and {free >> 20} MB are free. "
        "Free some, or set TIERGATE_RUNTIME_DIR to a directory on another disk."
    )
