"""A connection that waits only so long, and does not ask again what does not answer.

PostgreSQL's own limits are kept by the server: one that is stopped, or behind a network that swallows everything,
keeps none. So each wait of the client ends after ``patience`` seconds. Then, and when nobody takes the call at all,
every other use in this process fails at once, and one thread looks whether the database is back.
"""

import threading
from collections.abc import Callable
from typing import Any, ClassVar, Final

import psycopg
import structlog
from django.db.backends.postgresql import base
from django.db.utils import OperationalError

_LOOK_SECONDS: Final = 0.1
_CONNECT_SECONDS: Final = 2

_log = structlog.get_logger(__name__)


def _nobody_looks() -> None:
    """Find nothing wrong, where no engine has said how to look."""


class Breaker:
    """Whether the database of this process is worth asking."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_open = False
        self.look: Callable[[], None] = _nobody_looks

    def refuse_if_open(self) -> None:
        """Go on only where the database answered last.

        :raises psycopg.OperationalError: it did not.
        """
        if self._is_open:
            raise psycopg.OperationalError("The database did not answer a moment ago, and is not asked just now.")

    def trip(self, error: Exception) -> None:
        """Ask no more until ``look`` finds the database answering."""
        with self._lock:
            if self._is_open:
                return
            self._is_open = True
        _log.warning("database_away", error=str(error))
        threading.Thread(target=self._watch, name="tiergate-database", daemon=True).start()

    def _watch(self) -> None:
        wait = threading.Event()
        while True:
            try:
                self.look()
            except Exception:  # noqa: BLE001 - whatever it is, the database is not back
                wait.wait(_LOOK_SECONDS)
                continue
            self._is_open = False
            _log.info("database_back")
            return


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose every wait ends. patience: seconds; set once, by the engine, for each database of its own."""

    patience: ClassVar[float] = 5.0
    breaker: ClassVar[Breaker] = Breaker()

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server as psycopg does, and give the connection up when patience ends.

        :raises psycopg.OperationalError: patience ended, here or a moment ago elsewhere in this process.
        """
        self.breaker.refuse_if_open()
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - it has no other name
            # What was asked may yet be done: nobody must meet its answer on this connection.
            self.pgconn.finish()
            message = f"The database did not answer within {self.patience:g} s."
            self.breaker.trip(error)
            raise psycopg.OperationalError(message) from error


def _kind_of_connection() -> type[PatientConnection]:
    """Make a kind for one database: that a replica is away says nothing of the primary."""

    class OfOneDatabase(PatientConnection):
        breaker: ClassVar[Breaker] = Breaker()

    return OfOneDatabase


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with patient connections in its pool. ``OPTIONS["patience"]``: seconds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = self.settings_dict["OPTIONS"]
        if options.get("pool"):
            self._kind = options["pool"].setdefault("connection_class", _kind_of_connection())
            self._kind.patience = options.get("patience", PatientConnection.patience)
            self._kind.breaker.look = self._look

    def get_connection_params(self) -> dict[str, Any]:
        """Leave out what is for us."""
        parameters: dict[str, Any] = super().get_connection_params()
        parameters.pop("patience", None)
        return parameters

    def ensure_connection(self) -> None:
        """Connect where there is no connection, or one that was lost: no end of a request may come to look for that."""
        if self.connection is not None and self.connection.closed and not self.in_atomic_block:
            self.close()
        super().ensure_connection()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a connection from the pool, unless the database did not answer a moment ago."""
        if not self.settings_dict["OPTIONS"].get("pool"):
            return super().get_new_connection(conn_params)
        self._kind.breaker.refuse_if_open()
        try:
            return super().get_new_connection(conn_params)
        except (psycopg.OperationalError, OperationalError) as error:
            self._kind.breaker.trip(error)
            raise

    def _look(self) -> None:
        """Connect anew, which takes a server that answers; a pool that has waited longer and longer is made anew."""
        parameters = self.get_connection_params() | {"connect_timeout": _CONNECT_SECONDS}
        psycopg.connect(**parameters).close()
        old = self._connection_pools.pop(self.alias, None)  # type: ignore[attr-defined]  # no stub knows it
        if old is not None:
            old.close(timeout=1)
