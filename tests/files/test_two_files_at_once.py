"""Files that are applied by processes at the same time, or by one that dies on the way."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from config.embedded import paths, roles
from tests.files.conftest import SMALL, TENANTS, Apply

pytestmark = pytest.mark.django_db

PATIENCE = 30


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str, str], subprocess.Popen[str]]]:
    """Return `start("catalog", text)`, which applies a text in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(command: str, text: str) -> subprocess.Popen[str]:
        file = tmp_path / f"{command}-{len(started)}.yaml"
        file.write_text(text)
        process = subprocess.Popen(
            [sys.executable, "manage.py", command, "apply", str(file)],
            cwd=paths.CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@contextmanager
def locked(table: str) -> Iterator[Callable[..., None]]:
    """Hold up whoever comes to a table; yields what waits until processes are held up, there or by each other."""
    with (
        roles.superuser_connection(paths.database_name()) as holder,
        roles.superuser_connection(paths.database_name()) as watcher,
    ):

        def wait_for(*processes: subprocess.Popen[str]) -> None:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                for process in processes:
                    assert process.poll() is None, process.communicate()
                # A pause between two looks, so that the looking holds up nobody.
                watcher.execute("SELECT pg_sleep(0.02)")
                row = watcher.execute(
                    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
                    "WHERE NOT l.granted AND d.datname = current_database()"
                ).fetchone()
                if row is not None and row[0] >= len(processes):
                    return
            pytest.fail("the processes should be held up by now")

        with holder.transaction():
            holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
            yield wait_for


@pytest.mark.storm
@pytest.mark.parametrize(
    ("command", "text", "table", "kind"),
    [
        ("catalog", SMALL, "licensing_plan_term", "catalog.applied"),
        ("tenants", TENANTS, "licensing_override", "tenant.changed"),
    ],
)
def test_of_two_equal_files_one_is_applied_and_the_other_changes_nothing(
    apply: Apply,
    start: Callable[[str, str], subprocess.Popen[str]],
    superuser: psycopg.Connection,
    command: str,
    text: str,
    table: str,
    kind: str,
) -> None:
    if command == "tenants":
        apply("catalog", SMALL)
    with locked(table) as wait_for:
        both = [start(command, text), start(command, text)]
        wait_for(*both)
    told = [process.communicate(timeout=PATIENCE) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sorted(out.splitlines()[0][0] for out, _err in told) == ["+", "="]
    entries = superuser.execute("SELECT count(*) FROM audit_entry WHERE kind = %s", (kind,)).fetchone()
    superuser.rollback()
    assert entries == (1,)


@pytest.mark.storm
@pytest.mark.parametrize(
    ("command", "text", "table"),
    [("catalog", SMALL, "licensing_plan_term"), ("tenants", TENANTS, "licensing_override")],
)
def test_a_process_killed_on_the_way_leaves_nothing(
    apply: Apply,
    start: Callable[[str, str], subprocess.Popen[str]],
    footprint: Callable[[], list[object]],
    command: str,
    text: str,
    table: str,
) -> None:
    if command == "tenants":
        apply("catalog", SMALL)
    before = footprint()
    with locked(table) as wait_for:
        dying = start(command, text)
        wait_for(dying)
        dying.kill()
        dying.communicate()
    # The server notices that its client is gone, and lets go of the lock that the next one waits for.
    ran = apply(command, text, "--plan")
    assert ran.code == 0
    assert ran.out[0].startswith("+ ")
    assert footprint() == before
    assert apply(command, text).out == ran.out


@pytest.mark.storm
def test_the_command_itself_exits_with_1_and_says_why(start: Callable[[str, str], subprocess.Popen[str]]) -> None:
    process = start("catalog", "features: {a: 1}\n")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert out == ""
    assert "catalog-0.yaml:1: the file lacks actions." in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["catalog", "tenants"])
def test_a_database_without_tables_is_told_in_a_sentence(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(SMALL if command == "catalog" else TENANTS)
    connection = connections["default"]
    monkeypatch.setitem(connection.settings_dict, "NAME", "postgres")
    connection.close()
    with pytest.raises(CommandError, match="The database refused, and nothing was written: "):
        call_command(command, "apply", str(file))
    connection.close()
