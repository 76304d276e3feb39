"""Backup and restore by the operator's own scripts, on servers made for it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded.paths import APP, BOOTSTRAP, OWNER, SWEEP
from deploy.drill.cluster import ROOT, Cluster, DrillError, Machine, machine
from deploy.drill.installation import made_secrets
from deploy.drill.restore import backup, restore, restore_drill


@pytest.fixture(scope="module")
def here() -> Iterator[Machine]:
    with machine(made_secrets()) as found:
        yield found


@pytest.fixture(scope="module")
def cluster(here: Machine) -> Cluster:
    made = here.cluster("one")
    made.make()
    made.start()
    made.prepare()
    return made


def test_the_roles_are_made_with_their_passwords_and_no_more_than_they_need(cluster: Cluster) -> None:
    with cluster.superuser() as connection:
        found = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin"
            " FROM pg_roles WHERE rolname LIKE 'tiergate_%%' AND rolname <> %s ORDER BY 1",
            (BOOTSTRAP,),
        ).fetchall()
    assert found == [
        (APP, False, False, False, False, False, True),
        ("tiergate_backup", False, True, False, False, False, True),
        (OWNER, False, False, False, False, False, True),
        (SWEEP, False, False, False, False, False, True),
    ]
    for role in (APP, SWEEP, OWNER, "tiergate_backup"):
        with psycopg.connect(cluster.url(role)) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (role,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(cluster.url(role).replace(cluster.passwords[f"{role.upper()}_PASSWORD"], "guessed"))


def test_they_may_be_made_again(cluster: Cluster) -> None:
    cluster.prepare()


def test_a_password_that_is_not_set_makes_no_role(here: Machine) -> None:
    lacking = here.cluster("lacking")
    lacking.make()
    lacking.start()
    for passwords in ({}, {**here.passwords, "TIERGATE_APP_PASSWORD": ""}):
        without = Cluster(lacking.root, lacking.port, lacking.account, lacking.programs, passwords)
        with pytest.raises(DrillError, match=r"roles\.sql failed"):
            without.prepare()
    with lacking.superuser("postgres") as connection:
        assert connection.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'tiergate_app'").fetchone() == (0,)
    lacking.destroy()


@pytest.mark.parametrize(("role", "sql"), [(APP, "CREATE TABLE x ()"), (SWEEP, "CREATE TABLE x ()")])
def test_who_serves_changes_no_shape(cluster: Cluster, role: str, sql: str) -> None:
    with psycopg.connect(cluster.url(role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.encode())


def test_the_backups_role_writes_nothing_even_where_it_is_let(cluster: Cluster) -> None:
    with cluster.superuser() as connection:
        connection.execute("CREATE TABLE let (id int); GRANT ALL ON let TO tiergate_backup")
        with (
            psycopg.connect(cluster.url("tiergate_backup")) as other,
            pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        ):
            other.execute("INSERT INTO let VALUES (1)")
        connection.execute("DROP TABLE let")


def test_an_empty_database_is_no_backup(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="holds no tenants"):
        backup(cluster, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_dump_of_many_things_is_looked_through_to_its_end(cluster: Cluster, tmp_path: Path) -> None:
    """A search that stops at its first hit breaks the pipe of whoever still writes, and a good dump was called an empty one."""
    with psycopg.connect(cluster.url(OWNER), autocommit=True) as connection:
        connection.execute("CREATE TABLE licensing_tenant ()")
        connection.execute(
            "DO $$ BEGIN FOR n IN 1..2000 LOOP EXECUTE format('CREATE TABLE z%s ()', n); END LOOP; END $$"
        )
        try:
            assert backup(cluster, tmp_path).is_file()
        finally:
            connection.execute("DROP TABLE licensing_tenant")
            for first in range(1, 2001, 500):
                names = ", ".join(f"z{number}" for number in range(first, first + 500))
                connection.execute(f"DROP TABLE {names}".encode())


def test_a_dump_that_was_changed_or_lost_its_digest_is_not_restored(cluster: Cluster, tmp_path: Path) -> None:
    dump = tmp_path / "a.dump"
    dump.write_bytes(b"PGDMP")
    with pytest.raises(DrillError, match="sha256 is missing"):
        restore(cluster, dump)
    (tmp_path / "a.dump.sha256").write_text(f"{'0' * 64}  a.dump\n")
    with pytest.raises(DrillError, match="not what was written"):
        restore(cluster, dump)


def test_nothing_is_restored_over_what_is_there(cluster: Cluster, tmp_path: Path) -> None:
    dump = tmp_path / "a.dump"
    dump.write_bytes(b"")
    (tmp_path / "a.dump.sha256").write_text(
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.dump\n"
    )
    with psycopg.connect(cluster.url(OWNER), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept ()")
        with pytest.raises(DrillError, match="is not empty"):
            restore(cluster, dump)
        connection.execute("DROP TABLE kept")


@pytest.mark.parametrize("script", ["backup", "restore"])
def test_a_script_without_its_url_says_so(script: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(ROOT / "deploy" / script), str(tmp_path)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is not set" in done.stderr


@pytest.mark.storm
def test_what_was_dumped_destroyed_and_restored_is_the_same_and_answers_the_same() -> None:
    told: list[str] = []
    found = restore_drill(told.append)
    assert found.differences == []
    assert found.before.rows["audit_entry"] > 20
    assert {outcome for outcome, _ in found.after.answered.values()} == {"allow", "upgrade", "step_up", "deny"}
    # So that no number of before comes to mean another state.
    for table in ("licensing_generation", "authlevels_standing"):
        assert found.before.content[table] != found.after.content[table]
