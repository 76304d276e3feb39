"""The kinds of data that can be brought in: what each says of a network, and after how long it says it no more."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Mark(StrEnum):
    """What it says of a network that it is on a list."""

    LISTED = "listed"
    TOR = "tor"
    VPN = "vpn"
    RELAY = "relay"
    HOSTING = "hosting"
    MOBILE = "mobile"
    BUSINESS = "business"
    RESIDENTIAL = "residential"
    SATELLITE = "satellite"


CAN_BLOCK: Final = frozenset({Mark.LISTED, Mark.TOR})
"""Marks that are not believed once their list is stale: an address is somebody else's by then."""


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of data.

    mark: what a list says; None for a map, which says where a network is or whose. stale_after: by which age it has
    been forgotten to bring in a newer one.
    """

    mark: Mark | None
    stale_after: timedelta
    help: str


def _list(mark: Mark, days: int, text: str) -> Kind:
    return Kind(mark=mark, stale_after=timedelta(days=days), help=text)


def _map(text: str) -> Kind:
    return Kind(mark=None, stale_after=timedelta(days=60), help=text)


CROWDSEC: Final = "crowdsec"

MAPS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "city": _map("where a network is: an MMDB with places, or CSV network,country,latitude,longitude"),
        "country": _map("in which country a network is: an MMDB, or CSV network,country"),
        "asn": _map("whose a network is: an MMDB, or CSV network,asn"),
    }
)
LISTS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "reputation": _list(
            Mark.LISTED, 3, "networks that others complain of, each with an expiry behind a comma or none"
        ),
        CROWDSEC: _list(Mark.LISTED, 1, "decisions as CrowdSec's stream tells them, JSON"),
        "tor": _list(Mark.TOR, 2, "addresses that Tor leaves by, or the Tor project's list of exit addresses"),
        "vpn": _list(Mark.VPN, 30, "networks of VPN providers"),
        "relay": _list(Mark.RELAY, 90, "networks by which browsers' own relays leave, as Apple lists them"),
        "hosting": _list(Mark.HOSTING, 90, "networks of hosting providers"),
        "mobile": _list(Mark.MOBILE, 180, "networks of mobile providers, shared by many"),
        "business": _list(Mark.BUSINESS, 180, "networks by which companies leave"),
        "residential": _list(Mark.RESIDENTIAL, 180, "networks of homes"),
        "satellite": _list(Mark.SATELLITE, 180, "networks of satellites, ships and planes"),
    }
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({**MAPS, **LISTS})
