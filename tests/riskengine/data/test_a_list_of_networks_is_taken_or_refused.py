"""A list of networks is taken line by line, what is none is told, and what no list can mean is refused whole."""

from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskengine.data import taking
from riskengine.data.crowdsec import Stream, duration_of, take_stream
from riskengine.data.errors import DataRefused
from riskengine.data.kinds import Mark
from riskengine.data.taking import Taken, networks_of, take_lines
from tests.authlevels.acme import NOON


def take(text: str, *, mark: Mark = Mark.HOSTING, has_expiry: bool = False, expires: timedelta | None = None) -> Taken:
    return take_lines(text.splitlines(), mark=mark, has_expiry=has_expiry, expires_after=expires, at=NOON)


def names(taken: Taken) -> list[str]:
    return [str(one) for one in taken.networks]


@pytest.mark.parametrize(
    ("line", "networks"),
    [
        ("203.0.113.7", ["203.0.113.7/32"]),
        ("203.0.113.7/24", ["203.0.113.0/24"]),
        ("  203.0.113.0/24  # a comment", ["203.0.113.0/24"]),
        ("203.0.113.0/24;SBL123", ["203.0.113.0/24"]),
        ("2001:db8::/32,GB,GB-EN,London,", ["2001:db8::/32"]),
        ("203.0.113.4-203.0.113.5", ["203.0.113.4/31"]),
        ("203.0.113.4 - 203.0.113.6", ["203.0.113.4/31", "203.0.113.6/32"]),
        ("::ffff:203.0.113.0/120", ["203.0.113.0/24"]),
        ("ExitAddress 203.0.113.9 2026-11-22 10:00:00", ["203.0.113.9/32"]),
        ("203.0.113.7\tsince yesterday", ["203.0.113.7/32"]),
    ],
)
def test_a_line_names_a_network_in_the_ways_that_lists_have(line: str, networks: list[str]) -> None:
    assert names(take(line)) == networks


def test_what_is_no_network_is_counted_and_the_first_are_shown_printable() -> None:
    good = "\n".join(f"203.0.113.{number}" for number in range(30))
    taken = take(f"{good}\nfoo\n\x1b[31mbar\n256.1.1.1\n1.2.3\n203.0.113.0/33\n# fine\n\n")
    assert (taken.strange, len(taken.networks), taken.lines) == (5, 30, 35)
    assert taken.shown == ["line 31: 'foo'", "line 32: '\\x1b[31mbar'", "line 33: '256.1.1.1'"]


def test_a_page_that_says_why_there_is_no_list_is_no_list() -> None:
    with pytest.raises(DataRefused, match="no list of networks"):
        take("<html>\n<body>Too many requests</body>\n</html>\n203.0.113.7\n")


@pytest.mark.parametrize("text", ["", "# nothing today\n", "10.0.0.1\n192.168.0.0/16\n"])
def test_a_list_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(DataRefused):
        take(text)


@pytest.mark.parametrize("wide", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/2", "::/0", "2000::/3", "2600::/12", "::ffff:0:0/96", "0.0.0.0-255.255.255.255"])  # fmt: skip
@pytest.mark.parametrize("mark", [Mark.LISTED, Mark.HOSTING])
def test_a_list_that_names_half_the_world_is_refused_whole(wide: str, mark: Mark) -> None:
    with pytest.raises(DataRefused, match="wider than any list can mean"):
        take("\n".join(["203.0.113.7"] * 20 + [wide]), mark=mark)


def test_a_list_may_not_complain_of_half_the_world_piece_by_piece_either() -> None:
    pieces = "\n".join(f"{first}.0.0.0/8" for first in range(20, 40))
    with pytest.raises(DataRefused, match="sixteenth"):
        take(pieces, mark=Mark.LISTED)
    assert len(take(pieces, mark=Mark.MOBILE).networks) == 20


@pytest.mark.parametrize("inner", ["10.0.0.0/8", "192.168.1.1", "127.0.0.1", "172.16.0.0/12", "100.64.0.0/10", "224.0.0.0/3", "fc00::/7", "fe80::/10", "::1", "169.254.0.0/16", "172.0.0.0/8"])  # fmt: skip
def test_what_is_not_public_is_left_out_and_told(inner: str) -> None:
    taken = take(f"203.0.113.7\n{inner}\n")
    assert (names(taken), taken.inner) == (["203.0.113.7/32"], 1)


def test_a_line_may_say_until_when_it_holds_and_one_that_is_over_is_left_out() -> None:
    text = "203.0.113.1,2026-12-01T00:00:00Z\n203.0.113.2\n203.0.113.3,2020-01-01T00:00:00Z\n203.0.113.4,2026-12-01\n203.0.113.5,,x"
    taken = take(text, has_expiry=True, expires=timedelta(hours=12))
    ends = {str(network.network_address)[-1]: until for network, until in taken.networks.items()}
    assert ends["2"] == ends["5"] == NOON + timedelta(hours=12)
    assert ends["1"] == ends["4"]
    assert ends["1"] is not None
    assert taken.over == 1


def test_of_the_same_network_twice_the_later_end_holds() -> None:
    for text in ("203.0.113.1,2027-01-01\n203.0.113.1,2026-12-01", "203.0.113.1,2026-12-01\n203.0.113.1,2027-01-01"):
        (until,) = take(text, has_expiry=True).networks.values()
        assert until is not None
        assert until.year == 2027
    assert list(take("203.0.113.1,2027-01-01\n203.0.113.1", has_expiry=True).networks.values()) == [None]


def test_a_list_has_a_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MOST_NETWORKS", 3)
    with pytest.raises(DataRefused, match="more than 3"):
        take("\n".join(f"203.0.113.{number}" for number in range(4)))


@given(st.lists(st.text(max_size=40), max_size=8))
def test_no_text_is_an_error_but_a_refusal(lines: list[str]) -> None:
    with suppress(DataRefused):
        take("\n".join(lines), has_expiry=True)


# -- CrowdSec


def decision(value: str = "203.0.113.7", **said: Any) -> dict[str, Any]:
    usual = {
        "id": 1,
        "origin": "CAPI",
        "scope": "Ip",
        "type": "ban",
        "duration": "4h",
        "scenario": "crowdsecurity/ssh-bf",
    }
    return usual | {"value": value} | said


def stream(new: Any, deleted: Any = None, *, is_whole: bool = False) -> Stream:
    return take_stream(msgspec.json.encode({"new": new, "deleted": deleted}), is_whole=is_whole, at=NOON)


def test_a_stream_says_what_is_new_until_when_and_what_is_over() -> None:
    found = stream(
        [decision(), decision("203.0.112.0/24", scope="Range", duration="36m0.5s")], [decision("203.0.113.9")]
    )
    assert found.new.networks == {
        ip_network("203.0.113.7"): NOON + timedelta(hours=4),
        ip_network("203.0.112.0/24"): NOON + timedelta(minutes=36, seconds=0.5),
    }
    assert found.deleted == {ip_network("203.0.113.9")}


@pytest.mark.parametrize(
    "said", [{"scope": "Country", "value": "DE"}, {"scope": "AS"}, {"type": "throttle"}, {"simulated": True}]
)
def test_what_is_said_of_something_else_or_only_for_show_is_left_out(said: dict[str, Any]) -> None:
    found = stream([decision(**said)])
    assert (found.new.networks, found.others) == ({}, 1)


def test_a_decision_that_ended_before_is_not_taken() -> None:
    assert stream([decision(duration="-3m")]).new.networks == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"new": 5}', b"\xff", b"[" * 100_000, b'{"new": [5]}x', b"null"])  # fmt: skip
def test_what_is_no_stream_is_refused(content: bytes) -> None:
    with pytest.raises(DataRefused):
        take_stream(content, is_whole=False, at=NOON)


def test_a_stream_cannot_ban_the_world() -> None:
    with pytest.raises(DataRefused):
        stream([decision("0.0.0.0/0", scope="Range")])
    assert stream([decision(), decision("10.0.0.0/8", scope="Range")]).new.inner == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3h59m57.5s", 14397.5), ("-12s", -12), ("1ms", 0.001), ("1h0m0s", 3600), ("15µs", 15e-6), ("0s", 0), ("167h59m59s", 604799)],
)  # fmt: skip
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert duration_of(text).total_seconds() == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["", "4", "4d", "h", "-", "4h4", "99999999999h", "1e3s", "٤h", "4h\x00", "9999999999h"]
)
def test_what_is_no_duration_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        duration_of(text)


@pytest.mark.parametrize(
    "text", ["", "1.2.3.4%eth0", "fe80::1%1", "1.2.3.4-::1", "9.0.0.0-1.0.0.0", "1.2.3.4/x", "1.2.3.4-", "\x00"]
)
def test_what_is_no_network_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whoever calls asks whether it is one
        list(networks_of(text))
