"""Is that process the server that we think it is, and how is it ended?"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from config.embedded.errors import EmbeddedError

_POLL_SECONDS = 0.02


def read_pid(path: Path) -> int | None:
    """Read the process id on a pid file's first line; None when there is none."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def is_running(pid: int, *, argument: str) -> bool:
    """Tell whether `pid` is a live process that was started with `argument` on its command line.

    A pid in a file outlives its process, and the number may belong to another one by now.
    """
    command = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            words = command.read_bytes().decode(errors="replace")
        except OSError:
            return False
        return argument in words.replace("\0", " ")
    found = subprocess.run(
        ["/bin/ps", "-ww", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return argument in found.stdout


def wait_until(is_done: Callable[[], bool], *, seconds: float) -> bool:
    """Poll a condition until it holds; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def end(pid: int, *, argument: str, gently: signal.Signals) -> None:
    """End a server with its own signal, and by force when it does not obey within ten seconds.

    :raises EmbeddedError: when the process outlives even that.
    """
    for number, seconds in ((gently, 10.0), (signal.SIGKILL, 5.0)):
        if not is_running(pid, argument=argument):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait_until(lambda: not is_running(pid, argument=argument), seconds=seconds):
            return
    message = f"process {pid} does not end."
    raise EmbeddedError(message)
