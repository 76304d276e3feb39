"""Lists are put in force whole or not at all, told in the trail, and seen by every process soon."""

import threading
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection

from riskengine import api as risk
from riskengine.data import keeping, lists
from riskengine.data.bringing import drop
from riskengine.data.errors import DataNotFound, DataRefused
from riskengine.data.keeping import Keeper
from riskengine.data.lists import lists_naming
from riskengine.data.models import NetworkList
from riskengine.data.taking import networks_of
from tests.authlevels.acme import NOON
from tests.riskengine.data.asking import SOON, is_listed, listed, told
from tests.riskengine.data.conftest import Bring

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
