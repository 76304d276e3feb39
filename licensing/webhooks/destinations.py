"""Where a webhook may go: outside of our own network, by TLS, to the very address that was looked at."""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from licensing.errors import InvalidEndpoint

MAX_URL: Final = 2_000
_ODD: Final = frozenset(' "<>\\^`{|}')
_HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80
# IPv6 addresses that lead to an IPv4 address somebody else may choose: NAT64, 6to4, Teredo.
_TUNNELS: Final = tuple(
    ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Destination:
    """A URL taken apart."""

    __slots__ = ("host", "is_tls", "port", "target")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.is_tls = parts.scheme == "https"
        self.host = (parts.hostname or "").rstrip(".")
        self.port = parts.port or (_HTTPS_PORT if self.is_tls else _HTTP_PORT)
        self.target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def read_url(url: str) -> str:
    """Read where an endpoint is to be.

    ``http`` is taken for this machine alone, and only where the settings say so (a demo, a test).
    :raises InvalidEndpoint: it is no plain https URL, or names an address of a network that is not public.
    """
    try:
        parts = urlsplit(url)
        destination = Destination(url)
    except ValueError as error:
        raise InvalidEndpoint("An endpoint is an https URL.") from error
    is_plain = len(url) <= MAX_URL and url.isascii() and url.isprintable() and not set(url) & _ODD
    is_url = is_plain and destination.host and parts.scheme in {"https", "http"}
    if not is_url or parts.fragment or "@" in parts.netloc:
        raise InvalidEndpoint("An endpoint is an https URL, without a name, a password or a fragment.")
    address = _literal(destination.host)
    if settings.EMBEDDED and address is not None and address.is_loopback:
        return url
    if not destination.is_tls:
        raise InvalidEndpoint("An endpoint is reached by https.")
    if address is not None and not is_public(address):
        raise InvalidEndpoint("An endpoint lies in a public network.")
    return url


def is_public(address: Address) -> bool:
    """Say whether an address is one that anybody in the internet may have: never our own network or this machine."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in tunnel for tunnel in _TUNNELS) or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def addresses_of(destination: Destination) -> Sequence[Address]:
    """Look a host up, and return its addresses if every one of them may be gone to.

    One that may not taints all: whoever answers with a public and a private address is up to something.
    :raises InvalidEndpoint: one is not public. :raises OSError: the name leads nowhere.
    """
    found = socket.getaddrinfo(destination.host, destination.port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses or not all(_is_allowed(one, destination) for one in addresses):
        raise InvalidEndpoint("The endpoint's name leads into a network that is not public.")
    return list(dict.fromkeys(addresses))


def _is_allowed(address: Address, destination: Destination) -> bool:
    if settings.EMBEDDED and address.is_loopback:
        return _literal(destination.host) == address
    return destination.is_tls and is_public(address)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
