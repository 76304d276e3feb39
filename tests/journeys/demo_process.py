"""A demo in a process of its own, as a bare machine would start it."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx

from config.demo.children import living
from config.demo.ports import free_ports
from config.embedded import paths
from config.embedded.processes import wait_until

DATABASE = f"tiergate_journey_{os.getpid()}"
READY = "Ctrl-C ends all of it."


def environment() -> dict[str, str]:
    """Say what a bare machine's environment holds, and which database is ours."""
    kept = {name: os.environ[name] for name in ("TIERGATE_RUNTIME_DIR",) if name in os.environ}
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": os.environ.get("HOME", "/"),
        "TIERGATE_EMBEDDED_DATABASE": DATABASE,
        "TIERGATE_EMBEDDED_VALKEY_DB": "254",
        "TIERGATE_VALKEY_PREFIX": DATABASE,
        **kept,
    }


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=paths.CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@dataclass
class DemoProcess:
    """`manage.py demo` on ports of its own."""

    ports: list[int] = field(default_factory=lambda: free_ports(3))
    lines: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    def start(self) -> None:
        """Start it, and return once it says that it runs."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "manage.py", "demo", "--port", str(self.ports[0])),
                *("--decide-port", str(self.ports[1]), "--stripe-port", str(self.ports[2])),
            ],
            cwd=paths.CHECKOUT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        is_settled = wait_until(lambda: READY in self.lines or self.process.poll() is not None, seconds=120)
        assert is_settled, self.said
        assert self.process.poll() is None, self.said
        self.groups = self.recorded()

    @property
    def said(self) -> str:
        """Return what it printed so far."""
        return "\n".join(self.lines)

    @property
    def web(self) -> str:
        """Where its pages are."""
        return f"http://localhost:{self.ports[0]}"

    def recorded(self) -> list[int]:
        """Read the process groups that it keeps on record."""
        record = paths.place().keep / "demo" / f"{DATABASE}.json"
        found: list[int] = json.loads(record.read_text()) if record.exists() else []
        return found

    def printed_questions(self) -> dict[str, str]:
        """Find the commands that it printed to paste, by the answer promised."""
        return dict(re.findall(r"^  # (\w+)\n  (curl .+)$", self.said, re.MULTILINE))

    def end(self, number: signal.Signals) -> int:
        """Send it a signal, and return its exit code."""
        os.kill(self.process.pid, number)
        code = self.process.wait(timeout=90)
        self._reader.join(timeout=60)
        return code

    def is_gone(self) -> bool:
        """Tell whether none of its processes lives, and its ports are free."""
        return not living(self.groups) and not any(is_served(port) for port in self.ports)

    def clear(self) -> None:
        """End it however it stands."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=90)
        for group in {os.getpgid(pid) for pid in living(self.groups)}:
            os.killpg(group, signal.SIGKILL)
        assert self.process.stdout is not None
        self._reader.join(timeout=60)
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


def is_served(port: int) -> bool:
    """Tell whether anybody takes connections on a port."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def paste(command: str) -> Any:
    """Run a printed command, and return the JSON that it prints; without curl, make the same request."""
    words = shlex.split(command)
    if shutil.which("curl"):
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)
    url = next(word for word in words if word.startswith("http"))
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    return httpx.post(url, headers=headers, content=words[words.index("-d") + 1]).json()
