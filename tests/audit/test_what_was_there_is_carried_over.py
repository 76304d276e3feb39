"""The trail of before the months is the trail of after: every entry, with the number that it had."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from config.embedded import paths, roles
from config.embedded.processes import wait_until

_EARLIER = (
    "INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, session_id, payload) "
    "SELECT gen_random_uuid(), (ARRAY['11111111-1111-1111-1111-111111111111',"
    " '22222222-2222-2222-2222-222222222222'])[1 + n % 2]::uuid, 'decision', now() - n * interval '20 days', 'user',"
    " 'u' || n, gen_random_uuid(), jsonb_build_object('n', n) FROM generate_series(1, 40) AS n"
)
_ALL = "SELECT to_jsonb(e) - 'xid' FROM audit_entry e ORDER BY seq"


@pytest.fixture
def database() -> Iterator[str]:
    """A database of its own, which is dropped."""
    name = f"{paths.database_name()}_earlier"
    with roles.superuser_connection() as server:
        roles.drop_database(server, name)
        roles.ensure_database(server, name)
        yield name
        roles.drop_database(server, name)


def _manage(database: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=paths.CHECKOUT,
        env=os.environ | {"TIERGATE_EMBEDDED_DATABASE": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.storm
def test_entries_keep_everything_and_the_numbers_go_on(database: str) -> None:
    _manage(database, "migrate", "audit", "0001", "--verbosity", "0")
    with psycopg.connect(paths.database_url(paths.OWNER, database=database), autocommit=True) as owner:
        owner.execute(_EARLIER)
        before = owner.execute(_ALL).fetchall()
        assert len(before) == 40
        _manage(database, "migrate", "--verbosity", "0")
        assert owner.execute(_ALL).fetchall() == before
        parts = owner.execute(
            "SELECT count(DISTINCT tableoid), bool_or(tableoid::regclass::text ~ 'other') FROM audit_entry"
        )
        months, went_astray = parts.fetchone() or (0, True)
        assert months > 20
        assert went_astray is False
        owner.execute(_EARLIER)
        numbers = owner.execute("SELECT min(seq), max(seq) FROM audit_entry WHERE seq > 40").fetchone()
        assert numbers == (41, 80)
    sealed = 0

    def is_sealed() -> bool:
        # A transaction of another test on this server may hold it back for a moment.
        nonlocal sealed
        sealed += int(_manage(database, "audit", "seal").partition(" entries sealed")[0])
        return sealed >= 80

    assert wait_until(is_sealed, seconds=120)
    assert sealed == 80
    assert "All 80 sealed entries stand" in _manage(database, "audit", "verify")
