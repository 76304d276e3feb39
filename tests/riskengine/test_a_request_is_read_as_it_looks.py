"""A request is read as it looks: values that can be counted, and nothing where nothing can be known."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskengine import api as risk
from riskengine.reading import hour_in

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def _network(ip: str) -> str | None:
    return risk.see(at=NOON, ip=ip).network


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("10.1.2.3", "10.1.2.0/24"),
        ("fd00:1::5", "fd00:1::/64"),
    ],
)
def test_an_address_is_counted_by_its_network(ip: str, network: str) -> None:
    assert _network(ip) == network


def test_an_address_mapped_into_ipv6_is_the_address_itself() -> None:
    assert _network("::ffff:203.0.113.77") == _network("::ffff:cb00:714d") == "203.0.113.0/24"


@pytest.mark.parametrize(
    "ip",
    [
        *("", " ", "unknown", "203.0.113.7:443", "[2001:db8::1]", "2001:db8::1%eth0", "fe80::1", "fe80::1%1"),
        *("203.0.113", "203.0.113.256", "0203.0.113.7", "203.0.113.7, 198.51.100.1", " 203.0.113.7", "203.0.113.7\n"),
        *("203.0.113.7\x00", "\x00", "0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "240.0.0.1"),  # noqa: S104 - read, not bound to
        *("::", "::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::1", "1" * 5000, "٢٠٣.0.113.7", "\ud800", "0x7f.1", "3232235777"),
    ],
)  # fmt: skip
def test_what_is_no_address_or_nobodys_is_not_known(ip: str) -> None:
    assert risk.see(at=NOON, ip=ip) == risk.NOTHING_SEEN


@given(st.text(max_size=60))
def test_no_text_as_an_address_is_an_error(ip: str) -> None:
    risk.see(at=NOON, ip=ip)


@pytest.mark.parametrize(
    ("user_agent", "looks"),
    [
        (FIREFOX, ("Firefox 145", "Firefox", "Linux desktop")),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            ("Edge 142", "Edge", "Windows desktop"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
            ("Mobile Safari 18", "Mobile Safari", "iOS phone"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
            ("Chrome Mobile 142", "Chrome Mobile", "Android phone"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
            ("Chrome 142", "Chrome", "Android tablet"),
        ),
        ("curl/8.5.0", ("curl 8", "curl", "Other")),
        ("", ("Other", "Other", "Other")),
    ],
)
def test_a_user_agent_is_read_as_browser_version_and_system(user_agent: str, looks: tuple[str, str, str]) -> None:
    seen = risk.see(at=NOON, user_agent=user_agent)
    assert (seen.browser, seen.family, seen.system) == looks


def test_a_user_agent_that_nobody_tells_is_not_known() -> None:
    assert risk.see(at=NOON).browser is None


@pytest.mark.parametrize(
    "user_agent",
    [
        *("\x00", "A\x00cme/3", "Acme\x1b[31m/3", "Acme\u202e/3", "\ud800/1", "Firefox/\ud800", "é" * 10_000, "Acme/" + "9" * 400),
        *("x" * 1_000_000, "Firefox/" + "1" * 100_000, ("(" * 500) + "Firefox/3", "Mozilla/5.0 (" * 4000, "A" * 300 + "/3"),
    ],
    ids=range(13),
)  # fmt: skip
def test_whatever_is_sent_as_a_user_agent_comes_out_as_few_printable_words(user_agent: str) -> None:
    seen = risk.see(at=NOON, user_agent=user_agent)
    for word in (seen.browser, seen.family, seen.system):
        assert word is not None
        assert word.isprintable()
        assert 0 < len(word) <= 50


@given(st.text(max_size=600))
def test_no_text_as_a_user_agent_is_an_error_or_goes_through_as_it_is(text: str) -> None:
    seen = risk.see(at=NOON, user_agent=text)
    assert "\x00" not in f"{seen.browser}{seen.system}"
    assert str(seen.browser).encode()


def test_the_hour_is_the_one_on_the_clocks_of_the_zone() -> None:
    assert hour_in(ZoneInfo("Asia/Kolkata"), at=NOON) == 17
    assert hour_in(ZoneInfo("America/New_York"), at=NOON) == 7
    assert hour_in(None, at=NOON) is None
