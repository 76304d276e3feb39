"""Pitfall 12; authentik CVE-2024-47070, CVE-2023-36456."""

from typing import Any

import pytest
from django.test import RequestFactory

from authlevels import api


@pytest.mark.parametrize(
    ("proxies", "forwarded", "want"),
    [
        (0, "203.0.113.9", None),
        (0, None, None),
        (1, None, None),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (2, "203.0.113.9", None),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (1, "203.0.113.9:443", None),
        (1, "[2001:db8::1]", None),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "fe80::1%eth0", None),
        (1, "unknown", None),
        (1, "", None),
        (1, ",", None),
        (1, "203.0.113.9, ", None),
        (1, "203.0.113.009", None),
        (1, "0x7f.1", None),
        (1, "2130706433", None),
        (1, "127.0.0.1\t", "127.0.0.1"),
    ],
)
def test_an_address_is_the_one_our_outermost_proxy_saw_or_unknown(
    settings: Any, proxies: int, forwarded: str | None, want: str | None
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.9.9.9")
    assert api.person_address(request) == want
    assert api.counted_network(request) == ("2001:db8::/64" if want == "2001:db8::1" else want or "10.9.9.9")


def test_a_caller_cannot_leave_its_network_by_writing_a_header(settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    networks = {
        api.counted_network(
            RequestFactory().get(
                "/", headers={"X-Forwarded-For": f"{number}.1.1.1, 203.0.113.9"}, REMOTE_ADDR="10.0.0.1"
            )
        )
        for number in range(20)
    }
    assert networks == {"203.0.113.9"}
