"""What a task does row by row goes on behind one that fails, which is counted, and tried again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection
from prometheus_client import REGISTRY

import audit.api
from authlevels.models import Elevation, Token, Unready, UntoldEnd
from authlevels.readiness import look_over_tenants
from authlevels.telling import tell_each
from authlevels.token_ends import drop_expired
from authlevels.untold_ends import tell_ends
from isolation.api import tenant_transaction
from tests.authlevels.acme import BOBS_SECRET, NOON, Acme, later

MINUTES = timedelta(minutes=1)


@contextmanager
def refusing(superuser: psycopg.Connection, table: str, when: str, only: str) -> Iterator[None]:
    """Have the database refuse a change of one row, as it would for some fault that nobody thought of."""
    superuser.execute(
        "CREATE FUNCTION bad_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this row is bad'; END $$;"
        f" CREATE TRIGGER bad_row BEFORE {when} ON {table} FOR EACH ROW WHEN ({only}) EXECUTE FUNCTION bad_row()"
    )
    try:
        yield
    finally:
        superuser.execute(f"DROP TRIGGER bad_row ON {table}; DROP FUNCTION bad_row()")


def failed(work: str) -> float:
    return REGISTRY.get_sample_value("tiergate_row_failures_total", {"work": work}) or 0.0


@pytest.fixture
def elevation(acme: Acme) -> Elevation:
    acme.step_up(acme.assert_bob(), BOBS_SECRET, at=later(30))
    with tenant_transaction(acme.tenant_id):
        return Elevation.objects.get()


def rows_of(acme: Acme, model: Any, **column: Any) -> list[Any]:
    """Three rows that wait, the oldest first."""
    when, first = column.popitem()
    with tenant_transaction(acme.tenant_id):
        return [
            model.objects.create(tenant_id=acme.tenant_id, **column, **{when: first + number * MINUTES})
            for number in range(3)
        ]


def told_of(acme: Acme, kind: audit.api.Kind) -> int:
    with tenant_transaction(acme.tenant_id):
        return len(audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[kind]))


def test_the_ends_behind_one_that_cannot_be_told_are_told(
    acme: Acme, superuser: psycopg.Connection, elevation: Elevation
) -> None:
    bad, *_others = rows_of(acme, UntoldEnd, elevation_id=elevation.id, why="membership_ended", ended_at=NOON)
    before = failed("end")
    with refusing(superuser, "authlevels_untold_end", "DELETE", f"OLD.id = '{bad.id}'"):
        assert [tell_ends(at=later(300)) for _again in range(2)] == [2, 0]
        assert told_of(acme, audit.api.Kind.ELEVATION_ENDED) == 2
        assert failed("end") == before + 2
    assert tell_ends(at=later(360)) == 1
    assert told_of(acme, audit.api.Kind.ELEVATION_ENDED) == 3


def test_the_tokens_behind_one_that_cannot_be_dropped_are_dropped(
    acme: Acme, superuser: psycopg.Connection, elevation: Elevation
) -> None:
    about = {"session_id": elevation.session_id, "elevation_id": elevation.id, "issued_at": later(60)}
    said = {"audience": "https://api.example", "scopes": ["reports"], "kid": "one", "issued_to": "credential:x"}
    bad, *_others = rows_of(acme, Token, **about, **said, expires_at=later(120))
    before = failed("token")
    with refusing(superuser, "authlevels_token", "UPDATE", f"OLD.id = '{bad.id}'"):
        assert [drop_expired(at=later(600)) for _again in range(2)] == [2, 0]
        assert failed("token") == before + 2
    assert drop_expired(at=later(600)) == 1
    assert told_of(acme, audit.api.Kind.SCOPE_DROPPED) == 3


def test_the_tenants_behind_one_that_cannot_be_looked_over_are_looked_over(
    acme: Acme, globex: Acme, superuser: psycopg.Connection
) -> None:
    gone = {"subject_type": "user", "subject_id": "gone", "level": "aal2", "since": NOON}
    for tenant in (acme, globex):
        with tenant_transaction(tenant.tenant_id):
            Unready.objects.create(tenant_id=tenant.tenant_id, **gone)
    before = failed("readiness")
    with refusing(superuser, Unready._meta.db_table, "DELETE", f"OLD.tenant_id = '{acme.tenant_id}'"):
        look_over_tenants(at=later(60))
    assert failed("readiness") == before + 1
    with tenant_transaction(globex.tenant_id):
        assert not Unready.objects.exists()


def test_a_database_that_is_away_ends_the_run_and_is_no_rows_fault(acme: Acme) -> None:
    before = failed("end")
    tried: list[UUID] = []

    def broken_off(_tenant_id: UUID, row_id: UUID) -> int:
        tried.append(row_id)
        connection.close()
        raise OperationalError("the server closed the connection unexpectedly")

    with pytest.raises(DatabaseError):
        tell_each("end", [(acme.tenant_id, UUID(int=number)) for number in range(3)], broken_off)
    assert (len(tried), failed("end")) == (1, before)
