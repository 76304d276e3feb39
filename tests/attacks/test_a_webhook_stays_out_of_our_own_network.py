"""An endpoint is somebody's word: nothing that it says, or its name leads to, takes a webhook into our own network."""

import ipaddress
import socket
import threading
from time import monotonic
from typing import Any

import pytest

from licensing.errors import InvalidEndpoint
from licensing.webhooks import sending
from licensing.webhooks.destinations import is_public, read_url
from tests.webhooks.receiver import receiving

PRIVATE = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),  # noqa: S104 - nothing is bound
    *("100.64.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:1::1", "::127.0.0.1", "fec0::1"),
]


@pytest.fixture(autouse=True)
def _in_production(settings: Any) -> None:
    settings.EMBEDDED = False


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_taken_in_whatever_dress(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidEndpoint):
        read_url(f"https://{host}/hooks")


def test_a_public_address_is_taken() -> None:
    assert is_public(ipaddress.ip_address("93.184.216.34"))
    assert is_public(ipaddress.ip_address("2606:2800:220:1:248:1893:25c8:1946"))
    assert read_url("https://hooks.example.com:8443/a?b=c") == "https://hooks.example.com:8443/a?b=c"


@pytest.mark.parametrize(
    "url",
    [
        *("http://hooks.example.com/", "http://127.0.0.1/", "ftp://hooks.example.com/", "//hooks.example.com/"),
        *("https://", "https://user:pw@hooks.example.com/", "https://hooks.example.com/#x", "file:///etc/passwd"),
        *("https://hooks.example.com/\r\nX: y", "https://hooks.example.com/a b", "https://hooks.example.com:99999/"),
        *("https://h\u00f6oks.example/", "https://hooks.example.com\\@127.0.0.1/", "gopher://hooks.example.com/"),
        "https://hooks.example.com/" + "a" * 2_000,
    ],
)
def test_nothing_but_a_plain_https_url_is_an_endpoint(url: str) -> None:
    with pytest.raises(InvalidEndpoint):
        read_url(url)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
def test_a_name_or_number_that_leads_home_is_not_gone_to(host: str) -> None:
    """What a name says is looked at when it is gone to, not when it was written down."""
    assert sending.post(f"https://{host}/", headers={}, body=b"{}").error == "not_public"


def test_one_private_address_among_public_ones_taints_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(_host: str, port: int, **_kw: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    assert sending.post("https://hooks.example.com/", headers={}, body=b"{}").error == "not_public"


def test_the_name_is_asked_once_and_the_address_that_was_looked_at_is_gone_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    asked, gone_to = [], []

    def first_public(host: str, port: int, **_kw: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def unreachable(address: tuple[str, int], **_kw: Any) -> socket.socket:
        gone_to.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", first_public)
    monkeypatch.setattr(socket, "create_connection", unreachable)
    assert sending.post("https://hooks.example.com/", headers={}, body=b"{}").error == "connection"
    assert (asked, gone_to) == (["hooks.example.com"], [("93.184.216.34", 443)])


def test_a_redirect_is_not_followed(settings: Any) -> None:
    settings.EMBEDDED = True
    with receiving() as inside, receiving() as outside:
        outside.statuses, outside.location = [307], inside.url
        sent = sending.post(outside.url, headers={}, body=b"{}")
        assert (sent.status, sent.is_delivered, inside.received) == (307, False, [])


def test_who_talks_slowly_is_cut_off(settings: Any) -> None:
    """Each byte keeps a socket's own timeout off; the time of the whole does not begin anew."""
    settings.EMBEDDED = True
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            taken, _address = server.accept()
            with taken:
                while not over.wait(0.02):
                    try:
                        taken.send(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        began = monotonic()
        sent = sending.post(f"http://127.0.0.1:{server.getsockname()[1]}/", headers={}, body=b"{}", total=0.3)
        took = monotonic() - began
        over.set()
        thread.join()
    assert (sent.status, sent.error) == (None, "timeout")
    assert took < 5
