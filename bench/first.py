"""Prints how many decisions a second one worker answers over HTTP, warm, each recorded in PostgreSQL.

Run with ``make bench``. One granian process with one blocking thread, as the hot path runs; 8 connections of wrk on
the same machine. For each outcome: a warm-up, then rounds; the median of the rounds, with the least and the most.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from bench.seed import Seeded, seeded
from config.demo.children import end_all, start
from config.demo.ports import HOST, free_ports
from config.embedded.processes import wait_until

CONNECTIONS = 8
ROUNDS = 3
_SECONDS = 10
_READY_SECONDS = 30
_PATH = "/access/v1/evaluation"

_SCRIPT = """
wrk.method = "POST"
wrk.body = [==[%s]==]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
"""
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Round:
    """One round. per_second: requests. p50, p99: milliseconds."""

    per_second: float
    p50: float
    p99: float


def main(seconds: int = _SECONDS) -> None:
    """Measure and print; whatever was started is ended."""
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("This measures with wrk: install it with `apt-get install wrk` or `brew install wrk`.")
    with seeded() as made, _serving() as port, tempfile.TemporaryDirectory() as scripts:
        _say(f"one worker, {CONNECTIONS} connections, {os.cpu_count()} cores, {ROUNDS} rounds of {seconds} s")
        for outcome, question in made.questions.items():
            _require(port, made, outcome, question)
            script = Path(scripts) / f"{outcome}.lua"
            script.write_text(_SCRIPT % (json.dumps(question), made.secret))
            _measured(wrk, port, script, seconds=seconds)
            rounds = [_measured(wrk, port, script, seconds=seconds) for _ in range(ROUNDS)]
            _require(port, made, outcome, question)
            _say(
                f"{outcome:8} {_spread([one.per_second for one in rounds], '7.0f')} req/s"
                f"   p50 {_spread([one.p50 for one in rounds], '5.2f')} ms"
                f"   p99 {_spread([one.p99 for one in rounds], '5.2f')} ms"
            )


@contextmanager
def _serving() -> Iterator[int]:
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as logs:
        server = start(
            "decide",
            [
                *("-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port), "--no-ws"),
                *("--workers", "1", "--blocking-threads", "1", "config.wsgi:application"),
            ],
            environment=os.environ,
            log=Path(logs) / "decide.log",
        )
        try:

            def is_ready() -> bool:
                server.refuse_dead()
                return _answer(port, {}, "") is not None

            if not wait_until(is_ready, seconds=_READY_SECONDS):
                sys.exit(f"The server does not answer:\n{server.last_words()}")
            yield port
        finally:
            end_all([server])


def _answer(port: int, question: dict[str, Any], secret: str) -> Any:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
        connection.request("POST", _PATH, body=json.dumps(question), headers=headers)
        return json.loads(connection.getresponse().read())
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _require(port: int, made: Seeded, outcome: str, question: dict[str, Any]) -> None:
    told = _answer(port, question, made.secret)
    if not isinstance(told, dict) or told.get("context", {}).get("outcome") != outcome:
        sys.exit(f"The question meant to end in {outcome} is answered {told}.")


def _measured(wrk: str, port: int, script: Path, *, seconds: int) -> Round:
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script)]
    told = subprocess.run([*command, f"http://{HOST}:{port}{_PATH}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        sys.exit(f"Some requests failed:\n{told}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if rate is None:
        sys.exit(f"wrk says nothing of a rate:\n{told}")
    return Round(per_second=float(rate[1]), p50=_milliseconds(told, "50%"), p99=_milliseconds(told, "99%"))


def _milliseconds(told: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s|m)\b", told)
    if found is None:
        sys.exit(f"wrk says nothing of its {share}:\n{told}")
    return float(found[1]) * _UNITS[found[2]]


def _spread(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
