"""Asking our own servers whether they are there, with nothing but the standard library."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from config.demo.ports import HOST

_TIMEOUT_SECONDS = 5.0


def status_of(
    method: str, port: int, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
) -> int | None:
    """Ask a port of this machine and return the status; None when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(
            method,
            path,
            body=None if body is None else json.dumps(body),
            headers={"Host": f"localhost:{port}", "Content-Type": "application/json", **(headers or {})},
        )
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return None
    else:
        return response.status
    finally:
        connection.close()
