"""Have the decisions that were answered arrived in the trail? Asked of PostgreSQL itself, past every rule of ours."""

import time

from config.embedded import paths, roles
from config.embedded.processes import wait_until

# The number that the next entry gets, but for one: moves with every insert, and costs nothing to read.
_LAST = "SELECT pg_sequence_last_value(pg_get_serial_sequence('audit_entry', 'seq'))"
_BY_OUTCOME = (
    "SELECT payload->'decision'->>'outcome', count(*) FROM audit_entry WHERE kind = 'decision' GROUP BY 1 ORDER BY 1"
)
_SIZE = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('audit_entry') WHERE isleaf"
_DRAIN_SECONDS = 300
_STANDSTILL_SECONDS = 20


class Trail:
    """Counts what the trail of the bench's database gains."""

    def __init__(self) -> None:
        self._server = roles.superuser_connection(paths.database_name())
        self._before = 0

    def begin(self) -> None:
        """Count from here on."""
        self._before = self.inserted()

    def inserted(self) -> int:
        """Count the rows ever inserted, those of failed transactions too."""
        row = self._server.execute(_LAST).fetchone()
        return int(row[0] or 0) if row else 0

    def wait_for(self, answered: int) -> float | None:
        """Wait until as many rows were inserted since the beginning; seconds waited, None when nothing comes any more."""
        began = progressed = time.monotonic()
        least = self.missing(answered)

        def is_over() -> bool:
            nonlocal least, progressed
            missing = self.missing(answered)
            if missing < least:
                least, progressed = missing, time.monotonic()
            return missing <= 0 or time.monotonic() - progressed > _STANDSTILL_SECONDS

        wait_until(is_over, seconds=_DRAIN_SECONDS)
        return time.monotonic() - began if self.missing(answered) <= 0 else None

    def missing(self, answered: int) -> int:
        """Count what is not there yet of ``answered`` records."""
        return answered - (self.inserted() - self._before)

    def by_outcome(self) -> dict[str, int]:
        """Count the recorded decisions exactly, each outcome."""
        return {str(outcome): int(count) for outcome, count in self._server.execute(_BY_OUTCOME).fetchall()}

    def size(self) -> int:
        """Measure the trail in bytes, with its indexes."""
        row = self._server.execute(_SIZE).fetchone()
        return int(row[0] or 0) if row else 0

    def close(self) -> None:
        """Give the connection back."""
        self._server.close()
