"""What is run for each kind of process, and with which flags.

Pure computation over the environment that is passed in: nothing here starts a process.
"""

import os
from collections.abc import Callable, Mapping
from typing import Final

DEFAULT_PORT: Final = 8000
_MOST_PORTS: Final = 65535


class LaunchError(Exception):
    """A process cannot be started; the text says why, and what would help."""


def host(environment: Mapping[str, str]) -> str:
    """Read which address a server listens on; this machine's own unless said."""
    return environment.get("TIERGATE_HOST") or "127.0.0.1"


def port(environment: Mapping[str, str]) -> int:
    """Read which port a server listens on.

    :raises LaunchError: it is none.
    """
    found = _count(environment, "TIERGATE_PORT", DEFAULT_PORT)
    if found > _MOST_PORTS:
        raise LaunchError(f"TIERGATE_PORT is {found}, which is no port.")
    return found


def command_of(process: str, environment: Mapping[str, str]) -> list[str]:
    """Write what Python is to run for a kind of process.

    :raises LaunchError: there is no such kind, or a number is none.
    """
    make = _COMMANDS.get(process)
    if make is None:
        raise LaunchError(f"There is no process {process!r}; there are {', '.join(sorted(_COMMANDS))}.")
    return make(environment)


def is_server(process: str) -> bool:
    """Say whether a kind of process listens on a port."""
    return process in {"web", "decide"}


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _granian(environment: Mapping[str, str], *, workers: int, threads: int) -> list[str]:
    return [
        *("-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", host(environment), "--port", str(port(environment))),
        *("--workers", str(_count(environment, "TIERGATE_WORKERS", workers))),
        *("--blocking-threads", str(_count(environment, "TIERGATE_THREADS", threads))),
        # A worker that dies is replaced; one that does not end when told to is ended.
        *("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "10"),
        "config.wsgi:application",
    ]


def _web(environment: Mapping[str, str]) -> list[str]:
    return _granian(environment, workers=2, threads=16)


def _decide(environment: Mapping[str, str]) -> list[str]:
    # Threads of one process share one processor, so that few are at work at a time. The others wait for bodies that
    # come slowly, or for the database; the server makes as many as it needs.
    return _granian(environment, workers=cores(), threads=256)


def _worker(environment: Mapping[str, str]) -> list[str]:
    concurrency = _count(environment, "TIERGATE_WORKERS", 2)
    return [
        *("-m", "celery", "-A", "config", "worker", "--loglevel", "INFO"),
        *("--concurrency", str(concurrency), "--without-gossip", "--without-mingle"),
    ]


def _beat(_environment: Mapping[str, str]) -> list[str]:
    # Its schedule is in the code: it has nothing to keep on a disk, which may be read-only.
    return [
        *("-m", "celery", "-A", "config", "beat", "--loglevel", "INFO"),
        *("--scheduler", "celery.beat:Scheduler", "--pidfile="),
    ]


_COMMANDS: Final[Mapping[str, Callable[[Mapping[str, str]], list[str]]]] = {
    "web": _web,
    "decide": _decide,
    "worker": _worker,
    "beat": _beat,
}


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise LaunchError(f"{name} is {text!r}, but must be a whole number, 1 or more.")
    return int(text)
