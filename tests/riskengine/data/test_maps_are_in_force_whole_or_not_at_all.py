"""A map is put in force whole or not at all, and one that somebody broke is not opened."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from riskengine import api as risk
from riskengine.data import files
from riskengine.data.bringing import drop
from riskengine.data.errors import DataBusy, DataNotFound, DataRefused
from riskengine.data.keeping import Keeper
from tests.authlevels.acme import NOON
from tests.riskengine.data.asking import SOON, told
from tests.riskengine.data.conftest import Bring
from tests.riskengine.data.maps import BERLIN, CITIES, place, write_mmdb


def test_a_map_that_is_not_what_it_should_be_leaves_the_one_before_in_force(networks: Bring, tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "c", CITIES)
    networks("city", path)
    whole = path.read_bytes()
    tree = bytearray(whole)
    tree[:60] = b"\xff" * 60
    for content in (
        whole[: len(whole) // 2],
        whole[:-40],
        b"\x00" * 1000,
        b"",
        b"\x1f\x8b" + whole,
        bytes(tree),
        "no,map\n",
        "a\x00b",
    ):
        with pytest.raises(DataRefused):
            networks("city", content)
    with pytest.raises(DataRefused, match="what a map of the kind asn is for"):
        networks("asn", path)
    assert risk.see(at=SOON, ip="203.0.113.7").country == "DE"
    assert len(told()) == 1
    assert not (Path(files._directory()) / ".part").exists()


def test_a_map_of_a_day_to_come_is_refused(networks: Bring, tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "c", CITIES)
    with pytest.raises(DataRefused, match="to come"):
        networks("city", path, at=NOON - timedelta(days=3))


def test_the_same_map_again_is_confirmed_and_not_written_again(networks: Bring) -> None:
    networks("country", "203.0.113.0/24,DE\n")
    place = Path(files._directory())
    (before,) = place.glob("country-*")
    state = before.stat()
    assert networks("country", "203.0.113.0/24,DE\n", at=SOON, source="anew").brought.is_same
    assert before.stat() == state
    manifest = files.read_manifest("country")
    assert manifest is not None
    assert (manifest.as_of, manifest.source) == (SOON, "anew")
    assert len(told()) == 1


def test_a_map_is_written_once_and_only_the_one_before_is_kept(networks: Bring) -> None:
    for country in ("DE", "FR", "IT", "ES"):
        networks("country", f"203.0.113.0/24,{country}\n")
    place = Path(files._directory())
    assert len(list(place.glob("country-*"))) == 2
    assert all(one.stat().st_mode & 0o222 == 0 for one in place.glob("country-*"))
    assert risk.see(at=SOON, ip="203.0.113.7").country == "ES"


def test_another_process_reads_on_in_the_old_map_until_it_looks_and_then_in_the_new(networks: Bring) -> None:
    networks("country", "203.0.113.0/24,DE\n")
    other = Keeper()
    held = other.look_now()
    for country in ("FR", "IT", "ES"):
        networks("country", f"203.0.113.0/24,{country}\n")
    assert held.looks_of("203.0.113.7", at=SOON).country == "DE"
    assert held.looks_of("203.0.113.8", at=SOON).country == "DE"
    assert other.look_now().looks_of("203.0.113.7", at=SOON).country == "ES"


def test_a_file_that_somebody_broke_in_its_place_leaves_in_force_what_was_read_and_is_told(networks: Bring) -> None:
    networks("country", "203.0.113.0/24,DE\n")
    place = Path(files._directory())
    manifest = place / "country.json"
    for broken in (
        b"{",
        b'{"kind": "country"}',
        manifest.read_bytes().replace(b"country-", b"../country-"),
        manifest.read_bytes().replace(b"ranges", b"nowhere", 1),
    ):
        manifest.write_bytes(broken)
        risk.look_for_data()
        assert risk.see(at=SOON, ip="203.0.113.7").country == "DE"
        assert risk.stale_data(at=SOON) == ["country"]
    networks("country", "203.0.113.0/24,DE\n")
    assert risk.stale_data(at=SOON) == []


def test_a_map_that_was_cut_short_beside_its_manifest_is_not_opened(networks: Bring) -> None:
    networks("country", "203.0.113.0/24,DE\n")
    (path,) = Path(files._directory()).glob("country-*")
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-8])
    assert Keeper().look_now().problems.keys() == {"country"}
    assert not networks("country", "203.0.113.0/24,DE\n").brought.is_same
    assert Keeper().look_now().problems == {}


def test_a_manifest_names_no_file_outside_the_directory(networks: Bring) -> None:
    networks("country", "203.0.113.0/24,DE\n")
    place = Path(files._directory())
    (path,) = place.glob("country-*")
    (place.parent / path.name).write_bytes(path.read_bytes())
    manifest = place / "country.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"country-", b"../country-"))
    assert Keeper().look_now().problems.keys() == {"country"}


def test_another_map_in_the_place_of_the_one_that_was_brought_in_is_not_opened(networks: Bring, tmp_path: Path) -> None:
    networks("city", write_mmdb(tmp_path / "c", CITIES))
    (path,) = Path(files._directory()).glob("city-*")
    path.unlink()
    write_mmdb(path, {"203.0.113.0/24": place("FR", BERLIN)})
    assert Keeper().look_now().problems.keys() == {"city"}


def test_a_map_that_is_dropped_is_known_no_more(networks: Bring) -> None:
    networks("country", "203.0.113.0/24,DE\n")
    drop(name="country", by="test", at=NOON)
    risk.look_for_data()
    assert risk.see(at=SOON, ip="203.0.113.7").country is None
    with pytest.raises(DataNotFound):
        drop(name="country", by="test", at=NOON)


def test_two_who_bring_maps_in_at_a_time_do_not_meet(networks: Bring) -> None:
    with files.importing(), pytest.raises(DataBusy):
        networks("country", "203.0.113.0/24,DE\n")
    networks("country", "203.0.113.0/24,DE\n")


def test_whoever_dies_at_it_leaves_nothing_that_is_taken_for_a_map(networks: Bring) -> None:
    place = Path(files._directory())
    (place / ".part").mkdir()
    (place / ".part" / "copy").write_bytes(b"half of a map")
    networks("country", "203.0.113.0/24,DE\n")
    assert sorted(one.name.partition("-")[0] for one in place.iterdir()) == [".lock", "country", "country.json"]


def test_without_a_directory_there_is_no_place_for_a_map(networks: Bring, settings: Any) -> None:
    settings.RISK_DATA = ""
    with pytest.raises(DataNotFound, match="TIERGATE_RISK_DATA"):
        networks("country", "203.0.113.0/24,DE\n")
    networks("tor", "203.0.113.7\n")
    assert risk.see(at=SOON, ip="203.0.113.7").network_class == "tor"


@pytest.mark.storm
def test_a_process_that_is_killed_while_it_brings_a_map_in_leaves_the_old_one(networks: Bring, tmp_path: Path) -> None:
    networks("country", "203.0.113.0/24,DE\n")
    rows = tmp_path / "rows.csv"
    rows.write_text("".join(f"20.{a}.{b}.0/24,FR\n" for a in range(256) for b in range(256)))
    code = "import sys; from config.commandline import run; run(['manage.py', *sys.argv[1:]])"
    place = str(files._directory())
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "TIERGATE_RISK_DATA": place}
    process = subprocess.Popen([sys.executable, "-c", code, "risk", "import", "country", str(rows)], env=environment)
    part = Path(files._directory()) / ".part"
    waiting = threading.Event()
    while process.poll() is None and not part.exists():
        waiting.wait(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    risk.look_for_data()
    assert risk.see(at=SOON, ip="203.0.113.7").country == "DE"
    assert risk.see(at=SOON, ip="20.1.1.1").country is None
    networks("country", "203.0.113.0/24,IT\n")
    assert risk.see(at=SOON, ip="203.0.113.7").country == "IT"
