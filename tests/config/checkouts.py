"""Checkouts of their own, whose services tests may kill."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.embedded import paths
from config.embedded.processes import is_running, read_pid

HOLD = "import sys; from config.embedded import ensure_running; ensure_running(); print('up', flush=True); sys.stdin.read()"


@dataclass(frozen=True)
class Checkout:
    """A copy of what starts the services; only what is named here is in its environment."""

    root: Path
    runtime: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Say what a bare machine's environment holds."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.root),
            "TIERGATE_RUNTIME_DIR": str(self.runtime),
            "TIERGATE_EMBEDDED_LINGER": "0.1",
            **more,
        }

    def run(self, *verb: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m config.embedded` here."""
        return self._python(["-m", "config.embedded", *verb], more)

    def python(self, code: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run some lines of Python here."""
        return self._python(["-c", code], more)

    def _python(self, arguments: list[str], more: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def hold(self, **more: str) -> subprocess.Popen[str]:
        """Start a process that uses the services until it is killed or its input ends."""
        held = subprocess.Popen(
            [sys.executable, "-c", HOLD],
            cwd=self.root,
            env=self.environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert held.stdout is not None
        assert held.stdout.readline() == "up\n"
        return held

    @property
    def place(self) -> paths.Place:
        """Find where the services of this checkout live."""
        (found,) = self.runtime.glob("tiergate-*")
        return paths.Place(found)

    @property
    def cluster(self) -> Path:
        """Find the PostgreSQL cluster."""
        (found,) = self.place.data.glob("postgres-*[0-9]")
        return found

    def postgres_pid(self) -> int | None:
        """Return the live PostgreSQL's process id."""
        pid = read_pid(self.cluster / "postmaster.pid")
        return pid if pid and is_running(pid, argument=str(self.cluster)) else None

    def valkey_pid(self) -> int | None:
        """Return the live Valkey's process id."""
        pid = read_pid(self.place.run / "valkey.pid")
        return pid if pid and is_running(pid, argument=str(self.place.valkey_socket)) else None

    def is_quiet(self) -> bool:
        """Tell whether neither server lives."""
        return self.postgres_pid() is None and self.valkey_pid() is None


def make_checkout(root: Path, runtime: Path) -> Checkout:
    """Copy what the services need to `root`, below a directory that only we may enter."""
    root.mkdir(parents=True)
    shutil.copytree(paths.CHECKOUT / "config", root / "config", ignore=shutil.ignore_patterns("__pycache__"))
    return Checkout(root, runtime)


def kill(process: subprocess.Popen[str]) -> None:
    """End a holder as the kernel would: at once."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


NewCheckout = Callable[[Path], Checkout]
