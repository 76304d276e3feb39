"""The demo's processes: each leads a group of its own, so that it can be ended with all that it started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.demo.errors import DemoError
from config.embedded.paths import CHECKOUT
from config.embedded.processes import wait_until

_GENTLY_SECONDS = 10.0
_BY_FORCE_SECONDS = 5.0
_TAIL_LINES = 20


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the demo. name: what it is for. log: where it writes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """Read the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-_TAIL_LINES:])

    def refuse_dead(self) -> None:
        """Make sure that it lives.

        :raises DemoError: with its last words.
        """
        code = self.process.poll()
        if code is not None:
            raise DemoError(f"The demo's {self.name} process ended by itself ({_ending(code)}):\n{self.last_words()}")


def start(name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Child:
    """Start a process in a group of its own, that ends when this one does."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            bound_to_us(command),
            cwd=CHECKOUT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return Child(name, process, log)


def bound_to_us(command: Sequence[str]) -> list[str]:
    """Write a command so that it ends when this process does."""
    return [sys.executable, "-m", "config.demo.child", str(os.getpid()), sys.executable, *command]


def end_all(children: Iterable[Child]) -> None:
    """End processes with all that they started: asked first, then by force.

    :raises DemoError: some outlive even that.
    """
    known = list(children)
    groups = [child.process.pid for child in known]

    def is_over() -> bool:
        reaped = [child.process.poll() is not None for child in known]
        return all(reaped) and not living(groups)

    for number, seconds in ((signal.SIGTERM, _GENTLY_SECONDS), (signal.SIGKILL, _BY_FORCE_SECONDS)):
        if is_over():
            return
        for group in groups:
            _signal(group, number)
        if wait_until(is_over, seconds=seconds):
            return
    raise DemoError(f"These processes do not end: {sorted(living(groups))}.")


def end_left_over(groups: Iterable[int]) -> None:
    """End the groups that an earlier demo left behind, if they are truly its own."""
    ours = [group for group in groups if _is_of_this_checkout(group)]
    for number, seconds in ((signal.SIGTERM, _GENTLY_SECONDS), (signal.SIGKILL, _BY_FORCE_SECONDS)):
        for group in ours:
            _signal(group, number)
        if wait_until(lambda: not living(ours), seconds=seconds):
            return


def living(groups: Iterable[int]) -> dict[int, str]:
    """List the live processes of process groups, with their command lines."""
    wanted = set(groups)
    if not wanted:
        return {}
    return {pid: words for pid, group, words in _processes() if group in wanted}


def _is_of_this_checkout(group: int) -> bool:
    """Say whether a group is one that a demo of this checkout began: numbers are used again."""
    return any(sys.prefix in words for words in living([group]).values())


def _processes() -> Iterable[tuple[int, int, str]]:
    if not Path("/proc/self/stat").exists():
        found = subprocess.run(
            ["/bin/ps", "-A", "-ww", "-o", "pid=,pgid=,stat=,command="], capture_output=True, text=True, check=False
        )
        for line in found.stdout.splitlines():
            pid, group, state, words = line.split(None, 3)
            if not state.startswith("Z"):
                yield int(pid), int(group), words
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name in brackets may hold anything; what follows it does not.
            state, _parent, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            words = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if state != "Z":
            yield int(entry.name), int(group), words


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # macOS says so of a group whose members are all dead.
        return


def _ending(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
