"""Can this process serve now?

The database is asked by a connection of its own, kept open, which is neither held up by a pool that is busy nor
refused because the pool took the last connection. A process goes on without Valkey, reading the database each time, so
that one is reported and takes nobody out of service.
"""

import atexit
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

import psycopg
import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.loader import MigrationLoader
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.operation.roles import UNFIT, is_unfit
from config.operation.rules import load_rules
from isolation.clock import now
from riskengine import api as risk
from telemetry import api as telemetry

BOUND_SECONDS: Final = 1.0
_VALKEY_SECONDS: Final = 0.25
_DJANGOS: Final = frozenset({"cursor_factory", "context", "prepare_threshold"})

_log = structlog.get_logger(__name__)


class Check(StrEnum):
    """What became of one check; the words are told to anybody."""

    OK = "ok"
    FAILED = "failed"
    NO_ANSWER = "no answer"
    UNFIT_ROLE = "unfit role"
    MISSING = "missing"
    UNKNOWN = "unknown"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What the checks found; Valkey's, and how old the data about networks is, take nobody out of service."""

    database: Check
    migrations: Check
    valkey: Check
    risk_data: Check

    @property
    def is_ready(self) -> bool:
        """Say whether this process may be sent requests."""
        return self.database == Check.OK and self.migrations == Check.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one look at the database saw; why is for the log, never for who asks."""

    database: Check
    migrations: Check = Check.UNKNOWN
    why: str = ""


_HANGS: Final = _Seen(database=Check.NO_ANSWER)


def readiness() -> Readiness:
    """Tell whether this process can serve, within about a second whatever hangs; asked often, it looks once a second."""
    seen = _database.ask() or _HANGS
    found = Readiness(
        database=seen.database,
        migrations=seen.migrations,
        valkey=_valkey.ask() or Check.DEGRADED,
        risk_data=Check.DEGRADED if risk.stale_data(at=now()) else Check.OK,
    )
    _tell(found, seen.why)
    return found


def _tell(found: Readiness, why: str) -> None:
    """Say in the log what changed, and why: who asks is told neither."""
    global _told  # noqa: PLW0603 - told once, not at each probe
    if found == _told:
        return
    _told = found
    is_well = found.is_ready and Check.OK == found.valkey == found.risk_data
    say = _log.info if is_well else _log.warning
    say("readiness_changed", **{name: str(check) for name, check in asdict(found).items()}, why=why)


class _Probe:
    """The one connection that asks; it is used by one thread at a time."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def look(self) -> _Seen:
        """Ask the database, and once more where a kept connection had died."""
        was_kept = self._connection is not None
        seen = self._look_once()
        return self._look_once() if was_kept and seen.database == Check.FAILED else seen

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _look_once(self) -> _Seen:
        try:
            if self._connection is None:
                self._connection = connect()
            if is_unfit(self._connection):
                return _Seen(database=Check.UNFIT_ROLE, why=UNFIT)
            rows = self._connection.execute("SELECT app, name FROM django_migrations").fetchall()
        except psycopg.errors.UndefinedTable:
            return _Seen(database=Check.OK, migrations=Check.MISSING, why="there are no tables")
        except psycopg.Error as error:
            self.close()
            return _Seen(database=Check.FAILED, why=f"{type(error).__name__}: {error}")
        missing = sorted(needed_migrations() - {(app, name) for app, name in rows})
        if not missing:
            # As a rule that was done at the start. One whose database came later is not ready before it has them.
            load_rules()
        return _Seen(
            database=Check.OK,
            migrations=Check.MISSING if missing else Check.OK,
            why=", ".join(f"{app}.{name} is not applied" for app, name in missing),
        )


def connect() -> psycopg.Connection[Any]:
    """Connect as the app's role, outside Django's connections and their pool.

    :raises psycopg.Error: it does not answer, or refuses.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    given = {name: value for name, value in wrapper.get_connection_params().items() if name not in _DJANGOS}
    # One that is gone without a word is noticed by these; what they do not notice, the bound of the look does.
    waits = {"connect_timeout": 2, "tcp_user_timeout": 5000, "keepalives_idle": 5, "keepalives_interval": 2}
    return psycopg.connect(
        **{**waits, **given}, autocommit=True, prepare_threshold=None, application_name="tiergate-probe"
    )


@cache
def needed_migrations() -> frozenset[tuple[str, str]]:
    """Name the last migration of each app that this code comes with; later ones do not matter to it."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _look_at_valkey() -> Check:
    try:
        with Redis.from_url(
            settings.REDIS_URL,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_VALKEY_SECONDS,
            socket_connect_timeout=_VALKEY_SECONDS,
        ) as client:
            client.ping()
    except (RedisError, OSError):
        return Check.DEGRADED
    return Check.OK


_told: Readiness | None = None
_probe = _Probe()
atexit.register(_probe.close)
_database = telemetry.Look(_probe.look, name="tiergate-readiness", bound_seconds=BOUND_SECONDS)
_valkey = telemetry.Look(_look_at_valkey, name="tiergate-readiness-valkey", bound_seconds=2 * _VALKEY_SECONDS)


def forget() -> None:
    """Look anew at the next question, and close the connection; for the end of a test."""
    if _database.settle(seconds=5):
        _probe.close()
    _valkey.settle(seconds=5)
