"""Connections lent for one statement each, to whatever thread asks.

A server's threads are many, since each waits for a body that may come slowly, and the database's connections are few.
A connection of a thread's own would cost its opening and closing in every request, or stay with threads that wait.
"""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_NO_PATIENCE: Final = 5.0


class Lender:
    """The connections that one process lends. count: at most so many; 0 for no pool to take them from, or too small a one."""

    def __init__(self, alias: str) -> None:
        options = connections[alias].settings_dict["OPTIONS"]
        pool = options.get("pool") or {}
        self._alias = alias
        self._patience: float = options.get("patience", _NO_PATIENCE)
        # The other half is left to what takes more than a statement.
        self.count: int = pool.get("max_size", 0) // 2
        self._seats = threading.Semaphore(self.count)
        self._idle: deque[BaseDatabaseWrapper] = deque()

    @contextmanager
    def lent(self) -> Iterator[BaseDatabaseWrapper]:
        """Lend a connection until the block ends.

        :raises django.db.OperationalError: none came back for as long as the database's own answers are waited for.
        """
        if not self._seats.acquire(timeout=self._patience):
            raise OperationalError("Every connection for statements is in use.")
        try:
            # The one used last: its statements are prepared, and the others are never opened where few are needed.
            connection = self._taken()
        except BaseException:
            self._seats.release()
            raise
        try:
            yield connection
        except (OperationalError, InterfaceError):
            # A server that was restarted has dropped the others too: each would have failed somebody once.
            self._close_idle()
            raise
        finally:
            self._idle.append(connection)
            self._seats.release()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                idle = self._idle.pop()
                if idle.connection is not None:
                    # By the driver, so that no pool gives it out again.
                    idle.connection.close()
                idle.close()

    def _taken(self) -> BaseDatabaseWrapper:
        # Not looked at first: whoever met a lost connection may be closing the idle ones just now.
        try:
            return self._idle.pop()
        except IndexError:
            return self._made()

    def _made(self) -> BaseDatabaseWrapper:
        made = connections.create_connection(self._alias)
        # Whichever thread borrows it: one at a time.
        made.inc_thread_sharing()
        return made


_guard = threading.Lock()
_lenders: dict[str, Lender] = {}


def lender(alias: str = DEFAULT_DB_ALIAS) -> Lender | None:
    """Return what lends connections to a database; None where it has none to lend, and each thread takes its own."""
    found = _lenders.get(alias)
    if found is None:
        with _guard:
            found = _lenders.get(alias) or _lenders.setdefault(alias, Lender(alias))
    return found if found.count else None


def _begin_anew() -> None:
    """Leave the parent's connections to the parent, and a lock that may have been held."""
    global _guard  # noqa: PLW0603 - as above
    _guard = threading.Lock()
    _lenders.clear()


os.register_at_fork(after_in_child=_begin_anew)
