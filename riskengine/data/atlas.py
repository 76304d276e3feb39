"""What maps and lists say of an address, as this process holds them.

A request asks memory alone. Whether there is something newer is looked at behind it, by a thread of its own, every few
seconds while somebody asks; a process that was idle looks first, and waits for it a second at most. What cannot be
read leaves in force what was.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import structlog
from msgspec import Struct

from riskengine.addresses import LONGEST, Address, address_of
from riskengine.data.files import Manifest
from riskengine.data.kinds import CAN_BLOCK, Mark
from riskengine.data.lists import FOR_EVER
from riskengine.data.maps import Map
from riskengine.data.metrics import FAILURES
from riskengine.data.ranges import Ranges
from riskengine.data.told import NOTHING_TOLD, Told
from tiergate import NetworkClass

_REMEMBERED: Final = 8192
_NEVER: Final = datetime.max.replace(tzinfo=UTC)

# What the first of several marks says of its network. A relay hides where somebody is and says nothing of what they
# come from: its addresses stand on lists of hosting and VPN providers too.
_CLASSES: Final[tuple[tuple[Mark, NetworkClass | None], ...]] = (
    (Mark.TOR, "tor"),
    (Mark.RELAY, None),
    (Mark.VPN, "vpn"),
    (Mark.HOSTING, "hosting"),
    (Mark.MOBILE, "mobile"),
    (Mark.BUSINESS, "business"),
    (Mark.RESIDENTIAL, "residential"),
)

_log = structlog.get_logger(__name__)


class Looks(Struct, frozen=True, kw_only=True):
    """What is known of an address from one instant until another. address: None for a text that is none."""

    address: Address | None = None
    asn: str | None = None
    country: str | None = None
    place: tuple[float, float] | None = None
    network_class: NetworkClass | None = None
    is_relay: bool = False
    is_satellite: bool = False
    is_listed: bool = False
    since: datetime = _NEVER
    until: datetime = _NEVER


_NO_ADDRESS: Final = Looks()


class HeldMap(Struct, frozen=True, kw_only=True):
    """A map that was opened, and how its manifest looked then."""

    manifest: Manifest
    state: tuple[int, int, int]
    map: Map


class HeldList(Struct, frozen=True, kw_only=True):
    """A list that was read, and how its row looked then."""

    name: str
    mark: Mark
    state: tuple[int, datetime]
    as_of: datetime
    stale_at: datetime
    ranges: Ranges


class Atlas:
    """The maps by kind and the lists that hold together; never changed, but replaced by another.

    problems: what could not be read, by its name, in a sentence.
    """

    def __init__(
        self,
        maps: Mapping[str, HeldMap] | None = None,
        lists: Iterable[HeldList] = (),
        problems: Mapping[str, str] | None = None,
    ) -> None:
        self.maps = dict(maps or {})
        self.lists = tuple(lists)
        self.problems = dict(problems or {})
        self._known: dict[str, Looks] = {}

    def looks_of(self, ip: str, *, at: datetime) -> Looks:
        """Tell what is known of an address at an instant. One that was asked for before is answered from memory."""
        found = self._known.get(ip)
        if found is None or not found.since <= at < found.until:
            if len(ip) > LONGEST:
                return _NO_ADDRESS
            found = self._look(ip, at)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[ip] = found
        return found

    def stale(self, *, at: datetime) -> list[str]:
        """Name what is too old to be believed in everything, and what could not be read."""
        old = [kind for kind, one in self.maps.items() if at >= one.manifest.stale_at]
        return sorted({*old, *(one.name for one in self.lists if at >= one.stale_at), *self.problems})

    def _look(self, ip: str, at: datetime) -> Looks:
        address = address_of(ip)
        if address is None or not address.is_public:
            return Looks(address=address, since=at)
        city, country, asn = (self._told(kind, address) for kind in ("city", "country", "asn"))
        place, until = city.place, _NEVER
        if place is not None:
            # How fast somebody travelled may block them, so it is not worked out by an old map.
            stale_at = self.maps["city"].manifest.stale_at
            place, until = (place, stale_at) if at < stale_at else (None, _NEVER)
        marks, ends = self._marks(address, at)
        return Looks(
            address=address,
            asn=asn.asn,
            country=city.country or country.country,
            place=place,
            network_class=next((name for mark, name in _CLASSES if mark in marks), None),
            is_relay=Mark.RELAY in marks,
            is_satellite=Mark.SATELLITE in marks,
            is_listed=Mark.LISTED in marks,
            since=at,
            until=min(until, ends),
        )

    def _told(self, kind: str, address: Address) -> Told:
        held = self.maps.get(kind)
        if held is None:
            return NOTHING_TOLD
        try:
            return held.map.find(address)
        except Exception as error:  # noqa: BLE001 - a file that is broken somewhere says nothing there, and stops nobody
            FAILURES.labels(kind).inc()
            _log.warning("risk_data_broken", data=kind, error=type(error).__name__)
            return NOTHING_TOLD

    def _marks(self, address: Address, at: datetime) -> tuple[set[Mark], datetime]:
        """Tell what lists say of an address, and until when they do."""
        marks: set[Mark] = set()
        until = _NEVER
        for one in self.lists:
            if one.mark in CAN_BLOCK and at >= one.stale_at:
                continue
            ends = one.ranges.find(address.number, address.bits)
            if ends is None or ends <= at.timestamp():
                continue
            marks.add(one.mark)
            if ends != FOR_EVER:
                until = min(until, datetime.fromtimestamp(ends, UTC))
            if one.mark in CAN_BLOCK:
                until = min(until, one.stale_at)
        return marks, until
