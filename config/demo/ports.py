"""Which ports are free?

A server whose parent was killed goes on serving, and a new one may share its port unnoticed: so a port is
looked at before anything is started.
"""

import errno
import socket
from contextlib import ExitStack

from config.demo.errors import DemoError

HOST = "127.0.0.1"
_ADDRESSES = ((socket.AF_INET, HOST), (socket.AF_INET6, "::1"))


def refuse_occupied(port: int, *, what: str) -> None:
    """Make sure that nobody listens on a port of this machine, by either version of IP.

    :raises DemoError: somebody does.
    """
    for family, address in _ADDRESSES:
        if _is_occupied(family, address, port):
            raise DemoError(
                f"Port {port}, which the demo needs for {what}, is occupied by another program. "
                f"End that one, or choose another port: --port {port + 1000}."
            )


def free_ports(count: int) -> list[int]:
    """Find ports on which nobody listens just now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def _is_occupied(family: int, address: str, port: int) -> bool:
    try:
        probe = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return False
    with probe:
        # Connections of an earlier server that are still closing are no listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            # A machine without IPv6 cannot be listened on by it.
            return family == socket.AF_INET or error.errno == errno.EADDRINUSE
    return False
