"""What the embedded services promise to whoever starts them."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded import paths
from config.embedded.processes import wait_until
from tests.config.checkouts import Checkout, NewCheckout, kill


@pytest.fixture(autouse=True)
def _quiet_afterwards(checkout: Checkout) -> Iterator[None]:
    yield
    checkout.run("stop")


@pytest.mark.storm
def test_they_start_in_a_bare_environment_under_a_closed_directory_with_a_space(checkout: Checkout) -> None:
    assert stat.S_IMODE(checkout.root.parent.stat().st_mode) == 0o700
    assert " " in str(checkout.root)
    done = checkout.run("start")
    assert (done.returncode, done.stderr) == (0, "")
    status = checkout.run("status")
    assert (status.returncode, status.stdout) == (0, "PostgreSQL: up\nValkey: up\n")


def test_status_says_when_they_are_down(checkout: Checkout) -> None:
    status = checkout.run("status")
    assert (status.returncode, status.stdout) == (3, "PostgreSQL: down\nValkey: down\n")


def test_only_the_servers_account_may_enter_their_sockets_and_data(checkout: Checkout) -> None:
    checkout.run("start")
    place = checkout.place
    server = Path(f"/proc/{checkout.postgres_pid()}").stat().st_uid
    assert server != 0
    assert {Path(f"/proc/{checkout.valkey_pid()}").stat().st_uid, place.run.stat().st_uid} == {server}
    for path in (place.run, place.data, place.keep):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    assert place.root.stat().st_uid == place.binaries.stat().st_uid == place.keep.stat().st_uid == os.geteuid()


def test_they_listen_on_no_network_address(checkout: Checkout) -> None:
    checkout.run("start")
    url = f"postgresql://{paths.BOOTSTRAP}@/postgres?host={checkout.place.run}&port={paths.PORT}"
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    sockets = {os.readlink(link) for link in Path(f"/proc/{checkout.valkey_pid()}/fd").iterdir()}  # noqa: PTH115
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    assert not sockets & {f"socket:[{inode}]" for inode in inodes}


def test_a_server_that_the_environment_points_to_is_not_taken_for_ours(checkout: Checkout) -> None:
    elsewhere = {"PGHOST": "/nowhere", "PGPORT": "1", "PGDATA": "/nowhere", "PGUSER": "someone", "PGDATABASE": "x"}
    assert checkout.run("start", **elsewhere).returncode == 0
    assert checkout.postgres_pid() is not None


@pytest.mark.storm
def test_a_second_start_adopts_healthy_servers(checkout: Checkout) -> None:
    checkout.run("start")
    before = (checkout.postgres_pid(), checkout.valkey_pid())
    assert None not in before
    assert checkout.run("start").returncode == 0
    assert (checkout.postgres_pid(), checkout.valkey_pid()) == before


@pytest.mark.storm
def test_killed_servers_are_replaced(checkout: Checkout) -> None:
    checkout.run("start")
    before = {checkout.postgres_pid(), checkout.valkey_pid()}
    for pid in before:
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    assert wait_until(checkout.is_quiet, seconds=60)
    assert checkout.run("start").returncode == 0
    after = {checkout.postgres_pid(), checkout.valkey_pid()}
    assert None not in after
    assert not before & after


@pytest.mark.storm
def test_a_server_that_lives_without_answering_is_replaced(checkout: Checkout) -> None:
    checkout.run("start")
    before = checkout.postgres_pid(), checkout.valkey_pid()
    checkout.place.postgres_socket.unlink()
    checkout.place.valkey_socket.unlink()
    done = checkout.run("start")
    assert done.returncode == 0, done.stderr
    assert checkout.run("status").returncode == 0
    assert checkout.valkey_pid() not in before


@pytest.mark.storm
def test_a_pid_file_that_names_somebody_elses_process_is_stale(checkout: Checkout) -> None:
    checkout.run("start")
    checkout.run("stop")
    stranger = f"{os.getpid()}\n{checkout.cluster}\n1700000000\n{paths.PORT}\n{checkout.place.run}\n\n  1 1\nready\n"
    (checkout.cluster / "postmaster.pid").write_text(stranger)
    Path(f"{checkout.place.postgres_socket}.lock").write_text(stranger)
    (checkout.place.run / "valkey.pid").write_text(f"{os.getpid()}\n")
    done = checkout.run("start")
    assert done.returncode == 0, done.stderr
    assert checkout.run("status").returncode == 0


@pytest.mark.storm
def test_a_killed_parent_leaves_no_server_behind(checkout: Checkout) -> None:
    kill(checkout.hold())
    assert wait_until(checkout.is_quiet, seconds=60)


@pytest.mark.storm
def test_they_stay_while_another_process_uses_them(checkout: Checkout) -> None:
    first = checkout.hold()
    second = checkout.hold()
    pids = (checkout.postgres_pid(), checkout.valkey_pid())
    kill(first)
    third = checkout.hold()
    assert (checkout.postgres_pid(), checkout.valkey_pid()) == pids
    kill(second)
    kill(third)
    assert wait_until(checkout.is_quiet, seconds=60)


def test_the_last_user_to_release_them_ends_them_at_once(checkout: Checkout) -> None:
    code = (
        "from config.embedded import ensure_running, postgres, release; ensure_running(); release();"
        "print(postgres.is_answering())"
    )
    done = checkout.python(code, TIERGATE_EMBEDDED_LINGER="30")
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert checkout.is_quiet()


@pytest.mark.storm
def test_pinned_ones_stay_after_their_last_user_until_they_are_stopped(checkout: Checkout) -> None:
    checkout.run("start")
    kill(checkout.hold())
    assert checkout.run("status").returncode == 0
    checkout.run("stop")
    assert checkout.is_quiet()


@pytest.mark.storm
def test_two_checkouts_run_side_by_side(checkout: Checkout, runtime: Path, new_checkout: NewCheckout) -> None:
    other = new_checkout(runtime)
    checkout.run("start")
    other.run("start")
    assert len({checkout.postgres_pid(), other.postgres_pid(), None}) == 3
    other.run("stop")
    assert checkout.run("status").returncode == 0


@pytest.mark.storm
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else")
def test_a_directory_that_somebody_else_planted_is_refused(runtime: Path, new_checkout: NewCheckout) -> None:
    victim = new_checkout(runtime)
    name = victim.python("from config.embedded.paths import place; print(place().root)").stdout.strip()
    Path(name).mkdir()
    os.chown(name, 12345, 12345)
    done = victim.run("start")
    assert done.returncode == 1
    assert "somebody else made it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.storm
def test_a_link_in_place_of_the_directory_is_refused(runtime: Path, new_checkout: NewCheckout) -> None:
    victim = new_checkout(runtime)
    name = victim.python("from config.embedded.paths import place; print(place().root)").stdout.strip()
    Path(name).symlink_to(victim.root, target_is_directory=True)
    done = victim.run("start")
    assert done.returncode == 1
    assert "somebody else made it" in done.stderr


def test_a_path_too_long_for_a_socket_is_named(tmp_path: Path, new_checkout: NewCheckout) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    done = new_checkout(deep).run("start")
    assert done.returncode == 1
    assert "set TIERGATE_RUNTIME_DIR to a shorter one" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="the servers run as another account only for root")
def test_a_place_that_the_servers_account_cannot_enter_is_named(runtime: Path, new_checkout: NewCheckout) -> None:
    closed = runtime / "closed"
    closed.mkdir(mode=0o700)
    done = new_checkout(closed).run("start")
    assert done.returncode == 1
    assert "cannot be entered by the account 'nobody'" in done.stderr


@pytest.mark.storm
def test_secrets_are_made_once_for_their_user_alone(checkout: Checkout) -> None:
    ask = "from config.embedded.secrets import development_secrets as d; s = d(); print(s.key, s.keyring)"
    first, second = checkout.python(ask), checkout.python(ask)
    assert len(first.stdout) > 100
    assert first.stdout == second.stdout
    assert stat.S_IMODE((checkout.place.keep / "secrets.json").stat().st_mode) == 0o600
