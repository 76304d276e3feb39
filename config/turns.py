"""Many threads read requests, one decides.

A server's thread waits for the whole body of a request, however slowly that comes, so a server needs threads to spare.
Deciding is work for the processor, of which the threads of a process share one: so they take turns. Whoever's turn it
is works with the one set of connections to the database that belongs to the turn, since one for each thread would be
more than a pool has.
"""

from threading import Lock, local
from types import TracebackType

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


class Turn:
    """One thread's at a time; whoever has it cannot take it once more."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._connections: dict[str, BaseDatabaseWrapper] = {}
        self._here = local()

    def __enter__(self) -> None:
        """Wait for the turn; its connections are this thread's from now on."""
        self._lock.acquire()
        try:
            if not self._connections or getattr(self._here, "taken", None) is not self._connections:
                self._take_connections()
        except BaseException:
            # Who could not begin does not end either, and nobody would ever have the turn again.
            self._lock.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next thread have it; never with a transaction open, which serves somebody of whom it knows nothing."""
        try:
            if any(connection.in_atomic_block for connection in self._connections.values()):
                self._give_up()
        finally:
            self._lock.release()

    def leave(self) -> None:
        """Give this thread connections of its own, for what it does out of turn."""
        taken = getattr(self._here, "taken", None)
        if taken is not None:
            self._here.taken = None
            for alias in taken:
                del connections[alias]

    def _take_connections(self) -> None:
        for own in connections.all(initialized_only=True):
            own.close()
        if not self._connections:
            self._connections = {alias: connections.create_connection(alias) for alias in connections}
            for connection in self._connections.values():
                connection.inc_thread_sharing()
        for alias, connection in self._connections.items():
            connections[alias] = connection
        self._here.taken = self._connections

    def _give_up(self) -> None:
        """Close the connections by the driver, so that no pool gives them out again, and have the next turn make others."""
        given_up, self._connections = self._connections, {}
        for connection in given_up.values():
            if connection.connection is not None:
                connection.connection.close()
            connection.close()
