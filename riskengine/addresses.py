"""Reading an internet address as it is told: one plain form of it, the network that is counted, and whose it can be."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from msgspec import Struct

LONGEST: Final = 45
"""Characters of an IPv6 address with an IPv4 one written out at its end."""
_V4_BITS: Final = 32
_V6_BITS: Final = 128
_COUNTED_V6: Final = 64

type _Span = tuple[int, int]


def _span(text: str) -> _Span:
    network = IPv6Network(text) if ":" in text else IPv4Network(text)
    return int(network.network_address), int(network.broadcast_address)


# Nobody's on their own: this host, links, groups, what was never given out (RFC 6890).
_NOBODYS: Final = tuple(map(_span, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
# Within a company or behind a carrier's translation (RFC 1918, RFC 6598): the same numbers are used in many places.
_INNER: Final = tuple(map(_span, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
_NOT_PUBLIC: Final = (*_NOBODYS, *_INNER)
_INNER_V6: Final = _span("fc00::/7")  # RFC 4193
_PUBLIC_V6: Final = _span("2000::/3")  # what is given out of IPv6 (RFC 4291, IANA)


class Address(Struct, frozen=True, kw_only=True):
    """An address in its plain form.

    number: as a whole number. bits: 32 or 128. network: its /24 or IPv6 /64. is_public: it names one place in the
    internet, so that lists and maps of networks can say something of it.
    """

    text: str
    number: int
    bits: int
    network: str
    is_public: bool


def address_of(text: str) -> Address | None:
    """Read an address; None for what is none, or nobody's.

    No port, no scope, no brackets, no leading zeros. An IPv4 address that is mapped into IPv6 is the IPv4 address
    (RFC 4291, section 2.5.5.2): else one person would have two.
    """
    if len(text) > LONGEST:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return None
        if found.ipv4_mapped is None:
            return _six(found)
        found = found.ipv4_mapped
    return _four(found)


def is_public_network(network: IPv4Network | IPv6Network) -> bool:
    """Say whether all of a network is public: what a list may name."""
    first, last = int(network.network_address), int(network.broadcast_address)
    if isinstance(network, IPv6Network):
        return _PUBLIC_V6[0] <= first and last <= _PUBLIC_V6[1]
    return not any(first <= ends and begins <= last for begins, ends in _NOT_PUBLIC)


def is_inner_network(network: IPv4Network | IPv6Network) -> bool:
    """Say whether nothing of a network is public."""
    first, last = int(network.network_address), int(network.broadcast_address)
    if isinstance(network, IPv6Network):
        return last < _PUBLIC_V6[0] or first > _PUBLIC_V6[1]
    return any(begins <= first and last <= ends for begins, ends in _NOT_PUBLIC)


def _four(found: IPv4Address) -> Address | None:
    number = int(found)
    if any(begins <= number <= ends for begins, ends in _NOBODYS):
        return None
    text = str(found)
    return Address(
        text=text,
        number=number,
        bits=_V4_BITS,
        network=f"{text.rpartition('.')[0]}.0/24",
        is_public=not any(begins <= number <= ends for begins, ends in _INNER),
    )


def _six(found: IPv6Address) -> Address | None:
    number = int(found)
    is_public = _PUBLIC_V6[0] <= number <= _PUBLIC_V6[1]
    if not is_public and not _INNER_V6[0] <= number <= _INNER_V6[1]:
        return None
    return Address(
        text=str(found),
        number=number,
        bits=_V6_BITS,
        network=f"{IPv6Address(number >> _COUNTED_V6 << _COUNTED_V6)}/{_COUNTED_V6}",
        is_public=is_public,
    )
