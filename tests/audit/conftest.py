from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import audit.api
from audit.seal_keys import get_signer
from isolation.api import tenant_transaction
from isolation.clock import now
from tests import rows
from tests.isolation.conftest import TENANTS, tenants

__all__ = ["tenants"]

# Some hours ago, since some of what is tested reads the clock.
START = now().replace(microsecond=0) - timedelta(hours=3)


class Trail:
    """A trail of two tenants, with copies of its checkpoints, and a superuser who may write over it."""

    def __init__(self, tenants: tuple[UUID, UUID], copies: Path, superuser: psycopg.Connection) -> None:
        self.acme, self.globex = tenants
        self.copies = copies
        self.superuser = superuser
        self.at = START

    def append(self, tenant: UUID | None = None, *, count: int = 1, at: datetime | None = None) -> list[UUID]:
        """Append entries, each in a transaction of its own."""
        made = []
        for n in range(count):
            with tenant_transaction(tenant or self.acme):
                made.append(
                    audit.api.append(
                        tenant_id=tenant or self.acme,
                        kind=audit.api.Kind.DECISION,
                        at=at or self.at,
                        payload={"n": n, "said": 'odd: "\\ é \U0001d6fc 1e3', "amount": 1.10},
                        subject=("user", "alice"),
                        session_id=uuid4() if n % 2 else None,
                    )
                )
        return made

    def seal(self, *, batch: int = 4) -> None:
        """Seal everything. Transactions of other tests on the same server may hold it back for a moment."""
        self.at += timedelta(minutes=1)
        for _ in range(3_000):
            audit.api.seal_all(at=self.at, copies=self.copies, batch=batch)
            if self.one(
                "SELECT count(*) FROM audit_entry e WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.seq = e.seq)"
            ) == (0,):
                return
            Event().wait(0.01)
        raise AssertionError("the trail was never sealed whole")

    def verify(self, **more: Any) -> audit.api.Report:
        return audit.api.verify(at=self.at, copies=self.copies, **more)

    def forge(self, statement: str, parameters: list[Any] | None = None) -> int:
        """Write over the database as its master can: no trigger fires."""
        with self.superuser.transaction():
            self.superuser.execute("SET LOCAL session_replication_role = replica")
            return self.superuser.execute(statement.encode(), parameters).rowcount

    def one(self, query: str, parameters: list[Any] | None = None) -> tuple[Any, ...]:
        found = self.superuser.execute(query.encode(), parameters).fetchone()
        assert found is not None
        return found

    def size(self) -> int:
        return int(self.one("SELECT count(*) FROM audit_entry")[0])

    def seq(self, entry: UUID) -> int:
        return int(self.one("SELECT seq FROM audit_entry WHERE id = %s", [entry])[0])

    def name(self, entry: UUID) -> str:
        """How a finding names an entry that stands where it stood."""
        tenant, seq = self.one("SELECT tenant_id, seq FROM audit_entry WHERE id = %s", [entry])
        return f"The entry of tenant {tenant} with seq {seq}, id {entry} (decision at "


@pytest.fixture
def trail(tenants: tuple[UUID, UUID], tmp_path: Path, superuser: psycopg.Connection, worlds: rows.Worlds) -> Trail:
    """Twenty entries of Acme and three of Globex among them, sealed in batches of four: rows and copies put back."""
    made = Trail(tenants, tmp_path / "copies", superuser)

    def make() -> tuple[datetime, dict[str, bytes]]:
        for _ in range(3):
            made.append(count=5)
            made.append(made.globex)
        made.append(count=5)
        made.seal()
        return made.at, {path.name: path.read_bytes() for path in made.copies.iterdir()}

    made.at, copied = worlds.put_back("sealed_trail", make, on=TENANTS)
    made.copies.mkdir(mode=0o700, exist_ok=True)
    for name, lines in copied.items():
        (made.copies / name).write_bytes(lines)
    return made


@pytest.fixture
def public_key(tmp_path: Path) -> Path:
    """The file that an auditor is given."""
    path = tmp_path / "public.pem"
    key = get_signer().key.public_key()
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


type Exported = Callable[..., list[str]]


@pytest.fixture
def exported(trail: Trail) -> Exported:
    """Export the trail, as lines."""

    def export(tenant: UUID | None = None, **more: Any) -> list[str]:
        return list(audit.api.export_lines(at=trail.at, tenant_id=tenant, **more))

    return export
