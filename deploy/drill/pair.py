"""A primary and its synchronous streaming replica."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.demo.ports import HOST
from config.embedded.paths import APP, BOOTSTRAP, OWNER, SWEEP
from config.embedded.processes import wait_until
from deploy.drill.cluster import ROOT, Cluster, DrillError, Machine

_WAIT_SECONDS: Final = 30.0


@dataclass(slots=True)
class Pair:
    """Two servers, one of them the other's copy."""

    primary: Cluster
    replica: Cluster

    def url(self, role: str) -> str:
        """Write the URL by which a process finds whichever of the two can be written to."""
        hosts, ports = f"{HOST},{HOST}", f"{self.primary.port},{self.replica.port}"
        account = self.primary.url(role).removeprefix("postgresql://").partition("@")[0]
        options = "target_session_attrs=read-write&connect_timeout=2"
        return f"postgresql://{account}@/tiergate?host={hosts}&port={ports}&{options}"

    def environment(self) -> dict[str, str]:
        """Say what a process is given to find its databases by."""
        return {"DATABASE_URL": self.url(APP), "DATABASE_SWEEP_URL": self.url(SWEEP)}

    def owner(self) -> str:
        """Write the owner's URL."""
        return self.url(OWNER)

    def is_caught_up(self) -> bool:
        """Say whether the replica has replayed all that the primary has written."""
        with self.primary.superuser() as primary, self.replica.superuser() as replica:
            (position,) = primary.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("",)
            found = replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (position,)).fetchone()
        return found == (True,)

    def wait_until_caught_up(self) -> None:
        """Wait for the replica.

        :raises DrillError: it does not come.
        """
        if not wait_until(self.is_caught_up, seconds=_WAIT_SECONDS):
            raise DrillError("The replica does not catch up.")

    def promote(self, *, fenced: str = "yes") -> None:
        """Make the replica the primary, with the script that an operator runs.

        fenced: what the operator says of the primary that was.

        :raises DrillError: it failed.
        """
        _script("promote", [], self.replica, DATABASE_STANDBY_URL=self.replica.url(BOOTSTRAP), FENCED=fenced)

    def fence(self) -> None:
        """Fence the primary that was, with the script that an operator runs.

        :raises DrillError: it failed.
        """
        _script("fence", [str(self.primary.data)], self.primary)

    def follow(self) -> None:
        """Make the fenced primary that was a replica of the one that is, and start it."""
        # To be rewound it first recovers, alone and reached by nobody, which a replica cannot; then it is one again.
        (self.primary.data / "standby.signal").unlink()
        source = f"{self.replica.url(BOOTSTRAP, 'postgres')}?application_name=returned"
        self.primary.run(
            "pg_rewind",
            "--target-pgdata",
            str(self.primary.data),
            "--source-server",
            source,
            "--write-recovery-conf",
            "--no-sync",
        )
        # The settings that came with the other's files name the other's port.
        self.primary.configure()
        self.primary.start()


def make_pair(machine: Machine, *, is_synchronous: bool = True) -> Pair:
    """Make a primary with roles and database, and a replica whose word its commits wait for, or not."""
    primary, replica = machine.cluster("primary"), machine.cluster("replica")
    primary.make()
    primary.start()
    primary.prepare()
    primary.copy_to_standby(replica, name="replica")
    replica.start()
    if is_synchronous:
        _wait_for_its_word(primary)
    return Pair(primary, replica)


def _wait_for_its_word(primary: Cluster) -> None:
    with primary.superuser() as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (replica)'")
        connection.execute("SELECT pg_reload_conf()")

        def is_said() -> bool:
            return connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall() == [("sync",)]

        if not wait_until(is_said, seconds=_WAIT_SECONDS):
            raise DrillError("The replica does not become synchronous.")


def _script(name: str, arguments: list[str], cluster: Cluster, **given: str) -> None:
    done = subprocess.run(
        [str(ROOT / "deploy" / name), *arguments],
        env={
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "PG_BINARIES": str(Path(cluster.program("psql")).parent),
            **given,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DrillError(f"deploy/{name} failed:\n{done.stderr.strip()}")
