"""Load by wrk: prepared requests over so many connections for so many seconds."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.questions import Prepared
from config.demo.ports import HOST

_SCRIPT = Path(__file__).with_name("wrk.lua")
_GRACE_SECONDS = 30


class WrkMissing(Exception):
    """Say how wrk is had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a server made of a load. p50, p99, longest: milliseconds. refused: answers other than 2xx and 3xx."""

    answered: int
    per_second: float
    p50: float
    p99: float
    longest: float
    refused: int
    broken: int


def find_wrk() -> str:
    """Return where wrk is.

    :raises WrkMissing: it is not.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise WrkMissing("This measures with wrk: install it with `apt-get install wrk` or `brew install wrk`.")
    return wrk


def write_requests(path: Path, prepared: Sequence[Prepared]) -> Path:
    """Write requests where wrk's script reads them, a line each."""
    path.write_text("".join(f"{one.authorization}\t{one.body}\n" for one in prepared))
    return path


def apply_load(wrk: str, *, port: int, path: str, requests: Path, connections: int, seconds: float) -> Load:
    """Let one thread of wrk send the requests in turn, each connection waiting for its answer before it asks again."""
    done = subprocess.run(
        [
            *(wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(_SCRIPT)),
            *(f"http://{HOST}:{port}", "--", path, str(requests)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + _GRACE_SECONDS,
    )
    told = next((line.removeprefix("told ") for line in done.stdout.splitlines() if line.startswith("told ")), None)
    if done.returncode or told is None:
        raise RuntimeError(f"wrk failed:\n{done.stdout}{done.stderr}")
    said = json.loads(told)
    return Load(
        answered=said["requests"],
        per_second=said["requests"] / (said["microseconds"] / 1e6),
        p50=said["p50"] / 1000,
        p99=said["p99"] / 1000,
        longest=said["longest"] / 1000,
        refused=said["refused"],
        broken=said["broken"],
    )
