"""Valkey on a socket of its own, with nothing kept on disk."""

import signal
import subprocess
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.errors import EmbeddedError
from config.embedded.paths import Place
from config.embedded.private import Account
from config.embedded.processes import end, is_running, read_pid, wait_until

# Every test process takes a database of its own.
DATABASES = 256


def is_answering(place: Place) -> bool:
    """Tell whether this checkout's Valkey answers."""
    client = redis.Redis(
        unix_socket_path=str(place.valkey_socket), retry=Retry(NoBackoff(), 0), socket_timeout=2, decode_responses=True
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def start(place: Place, account: Account, binaries: Path) -> None:
    """Start Valkey unless it answers; one that lives without answering is ended first.

    :raises EmbeddedError: when it does not come up.
    """
    if is_answering(place):
        return
    stop(place)
    place.valkey_socket.unlink(missing_ok=True)
    log = place.data / "valkey.log"
    command = [
        str(binaries / "valkey-server"),
        *("--port", "0", "--unixsocket", str(place.valkey_socket), "--unixsocketperm", "700"),
        *("--databases", str(DATABASES), "--save", "", "--appendonly", "no"),
        *("--dir", str(place.data), "--logfile", str(log), "--pidfile", str(_pid_file(place)), "--daemonize", "yes"),
    ]
    done = subprocess.run(
        command, cwd="/", capture_output=True, text=True, check=False, umask=0o077, **account.as_subprocess()
    )
    if done.returncode or not wait_until(lambda: is_answering(place), seconds=15):
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
        message = f"Valkey did not start:\n{done.stdout}{done.stderr}{tail}"
        raise EmbeddedError(message)


def stop(place: Place) -> None:
    """End this checkout's Valkey if it runs."""
    pid = read_pid(_pid_file(place))
    if pid is not None and is_running(pid, argument=str(place.valkey_socket)):
        end(pid, argument=str(place.valkey_socket), gently=signal.SIGTERM)
    _pid_file(place).unlink(missing_ok=True)


def _pid_file(place: Place) -> Path:
    return place.run / "valkey.pid"
