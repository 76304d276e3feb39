"""Countries, cities, providers and networks. The names are real so that they read well; the numbers are made up."""

from random import Random
from typing import Final

from msgspec import Struct

from tiergate import NetworkClass

HOME: Final = "NO"
# Country, latitude and longitude, share of the people who live abroad, share of attackers' addresses.
COUNTRIES: Final = (
    ("NO", 60.0, 10.0, 0.0, 0.002),
    ("SE", 59.0, 16.0, 0.267, 0.006),
    ("DK", 56.0, 11.0, 0.2, 0.004),
    ("GB", 52.0, -1.0, 0.133, 0.040),
    ("DE", 51.0, 10.0, 0.1, 0.060),
    ("US", 39.0, -95.0, 0.067, 0.200),
    ("ES", 40.0, -4.0, 0.067, 0.015),
    ("PL", 52.0, 20.0, 0.067, 0.015),
    ("NL", 52.0, 5.0, 0.033, 0.060),
    ("FR", 47.0, 2.0, 0.033, 0.050),
    ("FI", 62.0, 26.0, 0.033, 0.008),
    ("TH", 15.0, 101.0, 0.0, 0.030),
    ("IN", 22.0, 79.0, 0.0, 0.080),
    ("BR", -14.0, -52.0, 0.0, 0.080),
    ("CN", 35.0, 104.0, 0.0, 0.130),
    ("RU", 56.0, 38.0, 0.0, 0.100),
    ("VN", 16.0, 107.0, 0.0, 0.070),
    ("ID", -3.0, 117.0, 0.0, 0.050),
    ("SG", 1.0, 104.0, 0.0, 0.000),
)
CITIES: Final = 6
# What databases say of providers of a kind: they know some for what they are, and take others for something else.
_BUSINESS: Final[tuple[NetworkClass, ...]] = (*("business",) * 6, "hosting", "residential")
_HOSTING: Final[tuple[NetworkClass, ...]] = ("hosting", "hosting", "hosting", "business")
_VPN: Final[tuple[NetworkClass, ...]] = ("vpn", "vpn", "vpn", "hosting", "residential")

_TOR: Final[tuple[tuple[str, NetworkClass], ...]] = (("DE", "tor"), ("NL", "tor"), ("US", "hosting"))


class Provider(Struct, frozen=True, kw_only=True):
    """One provider in one country.

    kind: as databases have it. networks: how many /24 it has in each of its cities, or all in all where it has none.
    """

    asn: str
    country: str
    kind: NetworkClass
    networks: int
    first: int
    has_cities: bool = False
    is_relay: bool = False
    is_satellite: bool = False


class Spot(Struct, frozen=True, kw_only=True):
    """Where a request comes from: an address of a provider."""

    provider: Provider
    network: str
    address: str
    place: tuple[float, float]


class Geography:
    """All providers, each with networks of its own."""

    def __init__(self) -> None:
        self._next_asn, self._next_network = 64500, 0
        self.residential: dict[str, list[Provider]] = {}
        self.mobile: dict[str, list[Provider]] = {}
        self.business: dict[str, list[Provider]] = {}
        self.hosting: dict[str, list[Provider]] = {}
        self.vpn: dict[str, list[Provider]] = {}
        self.places = {code: (north, east) for code, north, east, _people, _attackers in COUNTRIES}
        vpn_asns = [self._asn() for _ in _VPN]
        for code in self.places:
            self.residential[code] = [self._provider(code, "residential", 24, has_cities=True) for _ in range(6)]
            self.mobile[code] = [self._provider(code, "mobile", 40) for _ in range(3)]
            self.business[code] = [self._provider(code, kind, 40) for kind in _BUSINESS]
            self.hosting[code] = [self._provider(code, kind, 120) for kind in _HOSTING]
            # The same few providers have exits everywhere.
            self.vpn[code] = [self._provider(code, kind, 25, asn=asn) for asn, kind in zip(vpn_asns, _VPN, strict=True)]
        self.tor = [self._provider(code, kind, 30) for code, kind in _TOR]
        self.relays = {code: self._provider(code, "vpn", 12, asn=vpn_asns[0], is_relay=True) for code in self.places}
        self.satellite = self._provider(HOME, "residential", 10, is_satellite=True)

    def spot(self, provider: Provider, random: Random, *, city: int | None = None, network: int | None = None) -> Spot:
        """Draw an address of a provider, in a city where it has cities, or of one of its networks."""
        city = random.randrange(CITIES) if city is None else city
        number = random.randrange(provider.networks) if network is None else network
        number += provider.first + (city * provider.networks if provider.has_cities else 0)
        name = f"{10 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        north, east = self.places[provider.country]
        # Who has no cities is told by the middle of the country.
        off = (city - CITIES / 2) * 0.9 if provider.has_cities else 0.0
        return Spot(
            provider=provider,
            network=f"{name}.0/24",
            address=f"{name}.{random.randrange(1, 255)}",
            place=(north + off, east + off / 2),
        )

    def _asn(self) -> str:
        self._next_asn += 1
        return f"AS{self._next_asn}"

    def _provider(
        self,
        country: str,
        kind: NetworkClass,
        networks: int,
        *,
        asn: str | None = None,
        has_cities: bool = False,
        is_relay: bool = False,
        is_satellite: bool = False,
    ) -> Provider:
        first = self._next_network
        self._next_network += networks * (CITIES if has_cities else 1)
        return Provider(
            asn=asn or self._asn(),
            country=country,
            kind=kind,
            networks=networks,
            first=first,
            has_cities=has_cities,
            is_relay=is_relay,
            is_satellite=is_satellite,
        )


def dice(name: str) -> Random:
    """Give chance that is the same at each run: a year can be lived through again."""
    return Random(name)  # noqa: S311 - no secret is drawn


def happens(random: Random, share: float) -> bool:
    """Say whether something happens that does in this share of cases."""
    return random.random() < share


def zipf(random: Random, number: int) -> int:
    """Draw one of so many, the first most often: shares go as 1, 1/2, 1/3 and so on."""
    return random.choices(range(number), [1 / (place + 1) for place in range(number)])[0]
