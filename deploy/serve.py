"""`deploy/entry [web|decide|worker|beat|migrate|healthy|manage …]`: run one process, and leave nothing of it behind.

Without a word it runs what ``TIERGATE_PROCESS`` names.

It is made to be a container's first process: it passes signals on, reaps orphans, and ends the group that it
started. A server whose master was killed goes on serving from its workers, and a new one would share its port
unnoticed; so an occupied port is refused, and a group that lost its leader is ended.
"""

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from config.demo.children import bound_to_us
from config.embedded.processes import wait_until
from deploy.commands import LaunchError, command_of, host, is_server, port
from deploy.health import is_healthy

ROOT: Final = Path(__file__).resolve().parents[1]
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_GENTLY_SECONDS: Final = 5.0
_BY_FORCE_SECONDS: Final = 5.0
_PR_SET_CHILD_SUBREAPER: Final = 36


def main(arguments: list[str]) -> int:
    """Do what the first word says, and return the exit code.

    :raises LaunchError: it cannot be done.
    """
    match arguments:
        case ["manage", *rest]:
            _become("manage.py", *rest)
        case ["migrate", *rest]:
            _become("manage.py", "migrate", "--no-input", *rest)
        case ["collectstatic", *rest]:
            _become("manage.py", "collectstatic", "--no-input", *rest, environment=_throwaway())
        case ["healthy"]:
            return 0 if is_healthy(os.environ) else 1
        case []:
            return _run(os.environ.get("TIERGATE_PROCESS") or "web", os.environ)
        case [process]:
            return _run(process, os.environ)
        case _:
            sys.stderr.write("usage: deploy/entry web|decide|worker|beat|migrate|healthy|manage COMMAND\n")
    return 2


def _become(*words: str, environment: Mapping[str, str] | None = None) -> None:
    os.execve(sys.executable, [sys.executable, *words], {**os.environ, **(environment or {})})  # noqa: S606 - no shell is wanted


def _run(process: str, environment: Mapping[str, str]) -> int:
    # Our own death must end it too; a container's first process cannot die before the others.
    command = bound_to_us(command_of(process, environment))
    if is_server(process):
        refuse_occupied(host(environment), port(environment))
    _adopt_orphans()
    with _metrics_directory(environment) as metrics:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment, **metrics, "TIERGATE_PROCESS": process, "PYTHONUNBUFFERED": "1"},
            process_group=0,
        )
        for number in _PASSED_ON:
            signal.signal(number, lambda number, _frame: _tell(child.pid, number))
        code = _reap_until(child.pid)
        end_group(child.pid)
    return code if code >= 0 else 128 - code


def refuse_occupied(address: str, number: int) -> None:
    """Make sure that nobody listens where a server is to listen.

    :raises LaunchError: somebody does, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of an earlier server that are still closing are no listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, number))
        except OSError as error:
            raise LaunchError(
                f"{address}:{number} cannot be listened on ({error.strerror}): end the program that does, "
                "or set TIERGATE_PORT or TIERGATE_HOST."
            ) from None


def end_group(group: int) -> None:
    """End what is left of a process group: asked first, then by force.

    :raises LaunchError: some outlive even that.
    """
    for number, seconds in ((signal.SIGTERM, _GENTLY_SECONDS), (signal.SIGKILL, _BY_FORCE_SECONDS)):
        if _is_gone(group):
            return
        with suppress(ProcessLookupError):
            os.killpg(group, number)
        if wait_until(lambda: _is_gone(group), seconds=seconds):
            return
    raise LaunchError(f"Processes of the group {group} do not end.")


def _is_gone(group: int) -> bool:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _reap_until(wanted: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == wanted:
            return os.waitstatus_to_exitcode(status)


def _tell(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _adopt_orphans() -> None:
    """Become the parent of what the server leaves behind, so that it can be waited for; Linux alone knows how."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextmanager
def _metrics_directory(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the workers of one server a fresh place to add their counts up in."""
    if environment.get("PROMETHEUS_MULTIPROC_DIR"):
        yield {}
        return
    made = tempfile.mkdtemp(prefix="tiergate-metrics-")
    try:
        yield {"PROMETHEUS_MULTIPROC_DIR": made}
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _throwaway() -> dict[str, str]:
    """Make up what settings ask for, good for a command that reaches no service and signs nothing."""
    return {
        "DATABASE_URL": "postgresql://nobody@nowhere.invalid/nothing",
        "REDIS_URL": "redis://nowhere.invalid/0",
        "TIERGATE_BASE_URL": "https://nowhere.invalid",
        "TIERGATE_SECRET_KEY": secrets.token_urlsafe(50),
        "TIERGATE_KEYRING": '{"none": "' + "A" * 43 + '="}',
    }


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LaunchError as error:
        sys.exit(str(error))
