"""Is the process in this container well?"""

import http.client
import os
import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from deploy.commands import is_server, port

_TIMEOUT_SECONDS: Final = 3.0


def is_healthy(environment: Mapping[str, str]) -> bool:
    """Ask the process that this container runs: a server for `/livez`, a worker whether it takes messages.

    The process is known by ``TIERGATE_PROCESS``; beat has nobody to ask, and ends with its container.
    """
    process = environment.get("TIERGATE_PROCESS") or "web"
    if is_server(process):
        return _is_alive(environment)
    return _takes_messages() if process == "worker" else True


def _is_alive(environment: Mapping[str, str]) -> bool:
    # The server answers to its own names alone.
    name = urlsplit(environment.get("TIERGATE_BASE_URL", "")).hostname or "localhost"
    address = environment.get("TIERGATE_HOST") or "127.0.0.1"
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(reached, port(environment), timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/livez", headers={"Host": name})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _takes_messages() -> bool:
    from config.celery import app  # noqa: PLC0415 - a server's check need not load the settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    name = f"celery@{socket.gethostname()}"
    return bool(app.control.ping(destination=[name], timeout=_TIMEOUT_SECONDS))
