"""Data about networks is put in force whole or not at all, told in the trail, and seen by every process soon."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

import audit.api
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine import api as risk
from riskengine.data import files, keeping, lists
from riskengine.data.bringing import Said, bring, drop
from riskengine.data.errors import DataBusy, DataNotFound, DataRefused
from riskengine.data.keeping import Keeper
from riskengine.data.lists import lists_naming
from riskengine.data.models import ListedNetwork, NetworkList
from riskengine.data.taking import networks_of
from tests.authlevels.acme import NOON
from tests.riskengine.data.conftest import Bring
from tests.riskengine.data.maps import BERLIN, CITIES, place, write_mmdb

SOON = NOON + timedelta(minutes=1)


def told() -> list[audit.api.Entry]:
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        found = audit.api.list_entries(tenant_id=licensing.VENDOR_TENANT_ID, limit=audit.api.MAX_PAGE)
    return [one for one in found if one.kind.startswith("risk.data")]


def listed(name: str = "reputation") -> set[str]:
    return set(ListedNetwork.objects.filter(named_by=name).values_list("network", flat=True))


def is_listed(ip: str, *, at: datetime = SOON) -> bool:
    return risk.see(at=at, ip=ip).is_listed


# -- Lists


def test_a_list_is_replaced_by_the_next_one_and_what_changed_is_counted(networks: Bring) -> None:
    networks("reputation", "203.0.113.1\n203.0.113.2\n203.0.113.3\n")
    brought = networks("reputation", "203.0.113.2\n203.0.113.3,2027-01-01\n203.0.113.4\n").brought
    assert (brought.networks, brought.changed, brought.gone) == (3, 2, 1)
    assert listed() == {"203.0.113.2/32", "203.0.113.3/32", "203.0.113.4/32"}
    assert [is_listed(f"203.0.113.{last}") for last in (1, 2, 3, 4, 5)] == [False, True, True, True, False]


def test_the_same_file_again_changes_nothing_but_that_it_is_still_true(networks: Bring) -> None:
    networks("reputation", "203.0.113.1\n")
    before = NetworkList.objects.get()
    later = NOON + timedelta(days=2)
    assert networks("reputation", "203.0.113.1\n", at=later).brought.is_same
    after = NetworkList.objects.get()
    assert (after.version, bytes(after.ranges), len(told())) == (before.version, bytes(before.ranges), 1)
    assert after.as_of == later
    assert is_listed("203.0.113.1", at=NOON + timedelta(days=4))


def test_a_list_that_is_refused_leaves_the_one_before_in_force(networks: Bring) -> None:
    networks("reputation", "203.0.113.1\n")
    for content in ("", "<html></html>\n", "0.0.0.0/0\n", "10.0.0.1\n", b"\xff\xfe\x00" * 100):
        with pytest.raises(DataRefused):
            networks("reputation", content)
    assert listed() == {"203.0.113.1/32"}
    assert is_listed("203.0.113.1")
    assert len(told()) == 1


def test_what_breaks_off_half_way_has_changed_nothing(networks: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    networks("reputation", "203.0.113.1\n")

    def fails(*_args: object, **_kwargs: object) -> bytes:
        raise OSError("the machine is gone")

    monkeypatch.setattr(lists, "packed", fails)
    with pytest.raises(OSError, match="gone"):
        networks("reputation", "203.0.113.2\n")
    assert listed() == {"203.0.113.1/32"}
    assert len(told()) == 1


def test_several_lists_of_a_kind_are_told_apart_by_name(networks: Bring) -> None:
    networks("reputation", "203.0.113.1\n")
    networks("reputation", "203.0.113.2\n", name="ours")
    assert is_listed("203.0.113.1")
    assert is_listed("203.0.113.2")
    with pytest.raises(DataRefused, match="of the kind reputation"):
        networks("tor", "203.0.113.2\n", name="ours")
    drop(name="ours", by="test", at=NOON)
    risk.look_for_data()
    assert not is_listed("203.0.113.2")
    assert listed("ours") == set()
    with pytest.raises(DataNotFound):
        drop(name="ours", by="test", at=NOON)


@pytest.mark.parametrize("name", ["../x", "X", "a b", "city", "a" * 65, "-a", "a\n"])
def test_a_list_has_a_name_that_no_path_and_no_map_has(networks: Bring, name: str) -> None:
    with pytest.raises(DataRefused, match="no name"):
        networks("reputation", "203.0.113.1\n", name=name)


def test_a_change_is_in_the_vendors_trail_with_who_what_and_where_from(networks: Bring) -> None:
    networks("reputation", "203.0.113.1\n", source="https://lists.example")
    drop(name="reputation", by="olga", at=NOON)
    brought, dropped = told()
    assert (brought.payload["name"], brought.payload["source"], brought.payload["networks"]) == (
        "reputation",
        "https://lists.example",
        1,
    )
    assert len(brought.payload["digest"]) == 64
    assert (dropped.kind, dropped.payload["name"]) == ("risk.data_dropped", "reputation")


def test_whoever_asks_why_is_told_which_list_names_an_address(networks: Bring) -> None:
    networks("reputation", "203.0.113.0/24\n203.0.113.7,2027-01-01\n203.0.112.0/24\n")
    (network,) = networks_of("203.0.113.7")
    found = lists_naming(network, at=SOON)
    assert [(name, mark, around) for name, mark, around, _ in found] == [
        ("reputation", "listed", "203.0.113.0/24"),
        ("reputation", "listed", "203.0.113.7/32"),
    ]


# -- CrowdSec's stream


def stream(new: dict[str, str], deleted: tuple[str, ...] = ()) -> bytes:
    def one(value: str, duration: str) -> dict[str, str]:
        return {"scope": "Range" if "/" in value else "Ip", "value": value, "duration": duration, "type": "ban"}

    return msgspec.json.encode(
        {"new": [one(*item) for item in new.items()], "deleted": [one(value, "-1s") for value in deleted] or None}
    )


def test_a_stream_adds_and_takes_back_and_what_is_over_is_forgotten(networks: Bring) -> None:
    networks("crowdsec", stream({"203.0.113.1": "4h", "203.0.113.2": "1h", "203.0.112.0/24": "4h"}), is_whole=True)
    later = NOON + timedelta(hours=2)
    brought = networks("crowdsec", stream({"203.0.113.4": "4h"}, ("203.0.113.1", "203.0.113.99")), at=later).brought
    assert (brought.networks, brought.changed, brought.gone) == (2, 1, 2)
    assert listed("crowdsec") == {"203.0.113.4/32", "203.0.112.0/24"}
    at = later + timedelta(minutes=1)
    assert [is_listed(f"203.0.113.{last}", at=at) for last in (1, 2, 4)] == [False, False, True]


def test_one_decision_that_ends_does_not_end_a_wider_or_a_newer_one(networks: Bring) -> None:
    networks("crowdsec", stream({"203.0.113.0/24": "4h", "203.0.113.1": "4h"}), is_whole=True)
    networks("crowdsec", stream({}, ("203.0.113.1",)))
    assert is_listed("203.0.113.1")
    networks("crowdsec", stream({"203.0.113.0/24": "2h"}, ("203.0.113.0/24",)))
    assert is_listed("203.0.113.1")
    networks("crowdsec", stream({}, ("203.0.113.0/24",)))
    assert not is_listed("203.0.113.1")


def test_the_whole_stream_replaces_what_was_there(networks: Bring) -> None:
    networks("crowdsec", stream({"203.0.113.1": "4h"}), is_whole=True)
    networks("crowdsec", stream({"203.0.113.2": "4h"}), is_whole=True)
    assert listed("crowdsec") == {"203.0.113.2/32"}


def test_a_stream_of_nothing_says_that_all_is_as_it_was(networks: Bring) -> None:
    networks("crowdsec", stream({"203.0.113.1": "400h"}), is_whole=True)
    at = NOON + timedelta(hours=20)
    networks("crowdsec", b'{"new": null, "deleted": null}', at=at)
    assert is_listed("203.0.113.1", at=at + timedelta(hours=20))
    assert len(told()) == 1


# -- Maps


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
    built = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    with pytest.raises(DataRefused, match="to come"):
        networks("city", path, at=built - timedelta(days=3))


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


# -- Being seen


def test_what_is_brought_in_is_seen_within_a_bound_by_whoever_goes_on_asking(
    networks: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "CHECK_SECONDS", 0.0)
    keeper = Keeper()
    assert not keeper.atlas().looks_of("203.0.113.7", at=SOON).is_listed
    networks("reputation", "203.0.113.7\n")
    waiting = threading.Event()
    for _ in range(200):
        if keeper.atlas().looks_of("203.0.113.7", at=SOON).is_listed:
            break
        waiting.wait(0.05)
    assert keeper.atlas().looks_of("203.0.113.7", at=SOON).is_listed


def test_who_asks_after_a_silence_is_answered_by_what_is_in_force_now(
    networks: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper()
    keeper.look_now()
    networks("reputation", "203.0.113.7\n")
    keeper._looked_at = keeper._tried_at = float("-inf")
    keeper._look.settle(seconds=5)
    assert keeper.atlas().looks_of("203.0.113.7", at=SOON).is_listed


def test_lists_that_cannot_be_read_leave_in_force_what_was(networks: Bring, superuser: Any) -> None:
    networks("reputation", "203.0.113.7\n")
    superuser.execute("UPDATE riskengine_list SET ranges = 'x', version = version + 1")
    risk.look_for_data()
    assert is_listed("203.0.113.7")
    assert risk.stale_data(at=SOON) == ["lists"]
    superuser.execute("ALTER TABLE riskengine_list RENAME TO elsewhere")
    try:
        risk.look_for_data()
        assert is_listed("203.0.113.7")
    finally:
        superuser.execute("ALTER TABLE elsewhere RENAME TO riskengine_list")


def test_the_thread_that_looks_leaves_no_connection_behind(networks: Bring) -> None:
    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            (found,) = cursor.fetchone()
        return int(found)

    before = count()
    for _ in range(10):
        risk.look_for_data()
    # The server may still be about to end the last one or two.
    assert count() < before + 5


# -- The command


def run(*words: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("risk", *words, stdout=out, stderr=out)
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0


def test_the_command_tells_what_it_took_what_it_left_out_and_how_all_stands(networks: Bring, tmp_path: Path) -> None:
    assert "Nothing is known of networks" in run("status")[0]
    (tmp_path / "t").write_text("".join(f"203.0.113.{last}\n" for last in range(9)) + "garbage\n10.0.0.1\n")
    said, _ = run(
        "import", "reputation", str(tmp_path / "t"), "--attribution", "IPs by lists.example, https://lists.example"
    )
    assert "reputation: 9 networks, 9 new or changed, 0 gone." in said
    assert "1 lines are no network: line 10: 'garbage'." in said
    assert "1 networks are not public" in said
    said, code = run("status")
    assert code == 0
    assert "https://lists.example" in said
    assert "good" in said
    said, _ = run("look", "203.0.113.7")
    assert "is_listed" in said
    assert "named by    reputation (listed): 203.0.113.7/32" in said
    run("drop", "reputation")
    assert "Nothing is known of networks" in run("status")[0]


def test_the_command_says_in_its_exit_code_that_something_is_stale_or_broken(networks: Bring, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("203.0.113.7\n")
    run("import", "tor", str(tmp_path / "t"), "--as-of", "2026-01-01")
    said, code = run("status")
    assert code == 2
    assert "stale" in said
    assert "Bring in anew: tor." in said
    networks("country", "203.0.113.0/24,DE\n")
    (Path(files._directory()) / "country.json").write_text("{")
    said, code = run("status")
    assert code == 2
    assert "broken" in said


@pytest.mark.parametrize(
    "words",
    [
        ("import", "tor", "/nowhere"),
        ("import", "tor", "/dev/zero"),
        ("import", "country", "/"),
        ("look", "nonsense"),
        ("look", "127.0.0.1"),
        ("drop", "nothing"),
        ("import", "nothing", "x"),
        ("import", "tor", "x", "--stale-after", "soon"),
        ("import", "country", "x", "--columns", "country"),
    ],
    ids=" ".join,
)
def test_what_the_command_cannot_do_it_says_in_a_sentence(networks: Bring, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"."):
        run(*words)


def test_nobody_has_a_command_write_where_it_likes_by_what_they_say_of_a_file(networks: Bring) -> None:
    with pytest.raises(DataRefused, match="printable"):
        networks("reputation", "203.0.113.1\n", source="x\x1b[2J")
    with pytest.raises(DataRefused, match="printable"):
        networks("country", "203.0.113.0/24,DE\n", attribution="x" * 501)


def test_a_list_is_told_from_a_file_that_is_larger_than_any(
    networks: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(DataRefused, match="larger than 64 MiB"):
        bring(path, kind="tor", said=Said(), by="test", at=NOON)


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
