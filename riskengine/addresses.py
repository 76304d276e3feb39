"""Reading an internet address as it is told: one plain form of it, the network that is counted, and whose it can be."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from msgspec import Struct

_LONGEST: Final = 45  # an IPv6 address with an IPv4 one written out at its end
_V4_BITS: Final = 32
_V6_BITS: Final = 128
_V4_COUNTED: Final = 24
_V6_COUNTED: Final = 64

# Nobody's on their own: this host, links, groups, what was never given out (RFC 6890).
_NOBODYS_V4: Final = tuple(IPv4Network(one) for one in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
# Within a company or behind a carrier's translation (RFC 1918, RFC 6598): the same numbers are used in many places.
_INNER_V4: Final = tuple(IPv4Network(one) for one in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"))
_INNER_V6: Final = IPv6Network("fc00::/7")  # RFC 4193
_PUBLIC_V6: Final = IPv6Network("2000::/3")  # what is given out of IPv6 (RFC 4291, IANA)


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
    if len(text) > _LONGEST:
        return None
    try:
        found = ip_address(text)
    except (ValueError, AddressValueError):
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
    if isinstance(network, IPv6Network):
        return network.subnet_of(_PUBLIC_V6)
    return not any(network.overlaps(one) for one in (*_NOBODYS_V4, *_INNER_V4))


def is_inner_network(network: IPv4Network | IPv6Network) -> bool:
    """Say whether nothing of a network is public."""
    if isinstance(network, IPv6Network):
        return not network.overlaps(_PUBLIC_V6)
    return any(network.subnet_of(one) for one in (*_NOBODYS_V4, *_INNER_V4))


def _four(found: IPv4Address) -> Address | None:
    if any(found in one for one in _NOBODYS_V4):
        return None
    number = int(found)
    return Address(
        text=str(found),
        number=number,
        bits=_V4_BITS,
        network=f"{IPv4Address(number & ~0xFF)}/{_V4_COUNTED}",
        is_public=not any(found in one for one in _INNER_V4),
    )


def _six(found: IPv6Address) -> Address | None:
    is_public = found in _PUBLIC_V6
    if not is_public and found not in _INNER_V6:
        return None
    number = int(found)
    return Address(
        text=str(found),
        number=number,
        bits=_V6_BITS,
        network=f"{IPv6Address(number >> _V6_COUNTED << _V6_COUNTED)}/{_V6_COUNTED}",
        is_public=is_public,
    )
