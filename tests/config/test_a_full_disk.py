"""A full disk ends in one sentence, before the first start and during it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.checkouts import NewCheckout


@pytest.fixture
def small_disk(runtime: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Mount a disk of the size that the test asks for."""
    place = runtime / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}m,mode=1777", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this account may not mount a disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.storm
@pytest.mark.parametrize("small_disk", [30], indirect=True)
def test_a_disk_too_small_is_named_before_anything_is_written(small_disk: Path, new_checkout: NewCheckout) -> None:
    done = new_checkout(small_disk).run("start")
    assert done.returncode == 1
    assert done.stderr.startswith("The disk is full:")
    assert done.stderr.count("\n") == 1
    assert list(small_disk.iterdir()) == []


@pytest.mark.storm
@pytest.mark.parametrize(("small_disk", "left"), [(220, 10), (220, 60)], indirect=["small_disk"])
def test_a_disk_that_fills_meanwhile_is_named_and_a_later_start_succeeds(
    small_disk: Path, new_checkout: NewCheckout, left: int
) -> None:
    checkout = new_checkout(small_disk)
    # It is full when the first byte is written, although it was not when space was measured.
    filler = small_disk / "filler"
    filler.write_bytes(bytes((220 - left) * 1024 * 1024))
    code = "from config.embedded import supervise; supervise.NEEDED_BYTES = 0; supervise.ensure_running()"
    done = checkout.python(code)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert "EmbeddedError: The disk is full:" in last
    filler.unlink()
    again = checkout.run("start")
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.storm
@pytest.mark.parametrize("small_disk", [220], indirect=True)
def test_a_disk_that_filled_under_a_killed_server_is_named(small_disk: Path, new_checkout: NewCheckout) -> None:
    checkout = new_checkout(small_disk)
    checkout.run("start")
    pid = checkout.postgres_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(65536))
    done = checkout.run("start")
    assert done.returncode == 1
    assert done.stderr.startswith("The disk is full:")
    filler.unlink()
    again = checkout.run("start")
    assert (again.returncode, again.stderr) == (0, "")
