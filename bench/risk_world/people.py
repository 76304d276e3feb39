"""People who sign in through a year: at home and at work, on the road, on mobile networks, with browsers that update themselves."""

from datetime import UTC, datetime, timedelta
from math import exp
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from bench.risk_world.agents import DESKTOPS, PHONES, TABLETS, Agent, Device, make_device
from bench.risk_world.geography import CITIES, COUNTRIES, HOME, Geography, Provider, Spot, happens, zipf
from riskengine.freeman import Login
from riskengine.seen import Seen

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAYS: Final = 365.0
_WORKDAYS: Final = 5
_OFFICE: Final = range(8, 17)


class World(Struct, frozen=True, kw_only=True):
    """What the made-up world is like; what is `tuned` is chosen so that the reference scorer fares as it did on real sign-ins.

    people, attacks: how many people, and how many attacks of each kind on each of them.
    churn: how many times as often as assumed addresses, browsers and devices change (tuned).
    abroad: share of people who live in another country than most: none, as the study's service is a national one.
    foreign: how many times as often as assumed people travel abroad, or come out there.
    naive_home: share of naive attackers who happen to come from the person's country (tuned).
    vpn_near: share of VPN attackers who come out at the person's own provider (tuned).
    targeted_near: share of targeted attackers who find an address of the person's own provider, and their very browser (tuned).
    current: share of attackers whose browser is as current as people's are.
    """

    people: int = 1500
    attacks: int = 3
    churn: float = 0.1
    abroad: float = 0.0
    foreign: float = 0.4
    naive_home: float = 0.001
    vpn_near: float = 0.0
    targeted_near: float = 0.0
    current: float = 0.0


class Visit(Struct, frozen=True, kw_only=True):
    """One sign-in, or an attempt of an attacker's. attack: its kind; "" where it is the person's own."""

    at: datetime
    person: int
    login: Login
    seen: Seen
    attack: str = ""

    def agent(self) -> Agent:
        """Give what the browser said of itself."""
        text, browser, version, _kind = self.login[1]
        return Agent(
            text=text, browser=browser, family=self.seen.family or "", system=self.seen.system or "", version=version
        )


class Trip(Struct, frozen=True, kw_only=True):
    """Some days elsewhere, with the addresses there."""

    begin: float
    end: float
    spot: Spot


class Person:
    """Somebody with a home, habits and devices."""

    def __init__(self, number: int, world: World, geography: Geography, random: Random) -> None:
        self.number, self.world, self.geography, self.random = number, world, geography, random
        codes = [row[0] for row in COUNTRIES]
        is_abroad = happens(random, world.abroad)
        self.country = random.choices(codes, [row[3] for row in COUNTRIES])[0] if is_abroad else HOME
        self.city = zipf(random, CITIES)
        self.isp = geography.residential[self.country][zipf(random, 6)]
        self.carrier = geography.mobile[self.country][zipf(random, 3)]
        self.lease = None if happens(random, 0.4) else random.choice((4.0, 20.0, 60.0, 150.0)) / world.churn
        self.home = geography.spot(self.isp, random, city=self.city)
        self.leased_until = self._lease_end(0.0)
        self.office = self._office()
        self.works = 0.0 if self.office is None else random.uniform(0.3, 0.9)
        self.roams = random.betavariate(1.2, 5)
        self.vpn: Provider | None = None
        if happens(random, 0.06):
            where = random.choice(codes) if happens(random, 0.3 * world.foreign) else self.country
            self.vpn = random.choice(geography.vpn[where])
        self.has_relay = happens(random, 0.05)
        self.flies = happens(random, 0.02)
        self.hour_peak = random.gauss(13.0, 3.5)
        self.is_private = happens(random, 0.06)
        self.trips = self._trips()
        self.devices = self._devices()
        self._tokens = 0
        self._cookies: dict[str, tuple[str, float]] = {}

    def visits(self) -> list[Visit]:
        """Go through the person's year."""
        number = min(150, max(2, round(exp(self.random.gauss(1.55, 1.2)))))
        days = sorted(self.random.uniform(0.0, DAYS) for _ in range(number))
        return sorted((self._visit(int(day)) for day in days), key=lambda visit: visit.at)

    def visit(self, day: float, hour: int, spot: Spot, agent: Agent, token: str, *, attack: str = "") -> Visit:
        """Tell of one attempt at this person's account."""
        provider = spot.provider
        seen = Seen(
            network=spot.network,
            asn=provider.asn,
            country=provider.country,
            network_class=provider.kind,
            is_relay=provider.is_relay,
            is_satellite=provider.is_satellite,
            place=spot.place,
            browser=agent.browser,
            family=agent.family,
            system=agent.system,
            hour=hour,
            device=token,
        )
        login = (
            (spot.address, provider.asn, provider.country),
            (agent.text, agent.browser, agent.version, agent.system.rpartition(" ")[2]),
        )
        at = BEGIN + timedelta(days=int(day), hours=hour, minutes=self.random.uniform(0, 59))
        return Visit(at=at, person=self.number, login=login, seen=seen, attack=attack)

    def hour(self) -> int:
        """Draw an hour as the person's are."""
        return round(self.random.gauss(self.hour_peak, 3.0)) % 24

    def _token(self, day: float, device: Device) -> str:
        """Give the token that the device shows; browsers forget it now and then, and private windows always do."""
        name, until = self._cookies.get(device.name, ("", -1.0))
        if until < day or (self.is_private and happens(self.random, 0.8)):
            self._tokens += 1
            name = f"{self.number}-{self._tokens}"
            self._cookies[device.name] = (name, day + self.random.expovariate(1.0 / 365.0))
        return name

    def _device(self, day: float, *, is_mobile: bool) -> Device:
        """Draw a device; now and then one is replaced by another, and rarely it is somebody else's."""
        if happens(self.random, 0.008):
            return make_device(self.random, DESKTOPS, f"strange-{self.random.random()}")
        phones = [device for device in self.devices if device.is_phone]
        others = [device for device in self.devices if not device.is_phone]
        is_phone = not others or (bool(phones) and happens(self.random, 0.9 if is_mobile else 0.3))
        device = (phones if is_phone else others)[zipf(self.random, len(phones if is_phone else others))]
        if happens(self.random, 0.3 * self.world.churn * self._since(device, day) / DAYS):
            self.devices.remove(device)
            new = make_device(self.random, PHONES if is_phone else DESKTOPS, f"{device.name}+")
            # Most people buy what they had.
            if happens(self.random, 0.8):
                new = replace(new, family=device.family, system=device.system)
            self.devices.append(new)
            device = new
        self._used[device.name] = day
        return device

    def _since(self, device: Device, day: float) -> float:
        return day - self._used.setdefault(device.name, day)

    def _visit(self, day: int) -> Visit:
        hour = self.hour()
        spot, is_mobile = self._spot(day, hour)
        device = self._device(day, is_mobile=is_mobile)
        agent = device.agent(day, pace=self.world.churn)
        return self.visit(day, hour, spot, agent, self._token(day, device))

    def _spot(self, day: int, hour: int) -> tuple[Spot, bool]:
        """Say where the person is, and whether on a mobile network."""
        random, geography = self.random, self.geography
        if self.vpn is not None and happens(random, 0.7):
            return geography.spot(self.vpn, random), False
        if happens(random, self.roams):
            is_relayed = self.has_relay and happens(random, 0.5)
            return geography.spot(geography.relays[self.country] if is_relayed else self.carrier, random), True
        trip = next((trip for trip in self.trips if trip.begin <= day <= trip.end), None)
        if trip is not None:
            return trip.spot, False
        if self.flies and happens(random, 0.05):
            return geography.spot(geography.satellite, random), False
        is_office_time = day % 7 < _WORKDAYS and hour in _OFFICE
        if self.office is not None and is_office_time and happens(random, self.works):
            return self.office, False
        return self._at_home(day), False

    def _at_home(self, day: int) -> Spot:
        if self.lease is not None and day > self.leased_until:
            # The new address is often in the same network.
            network = None if happens(self.random, 0.7) else self._network_of_home()
            self.home = self.geography.spot(self.isp, self.random, city=self.city, network=network)
            self.leased_until = self._lease_end(day)
        return self.home

    def _network_of_home(self) -> int:
        first, second, third = (int(part) for part in self.home.network.split(".")[:3])
        return ((first - 10 << 16) + (second << 8) + third - self.isp.first) % self.isp.networks

    def _lease_end(self, day: float) -> float:
        return DAYS + 1 if self.lease is None else day + self.random.expovariate(1 / self.lease)

    def _office(self) -> Spot | None:
        """Give where the company's addresses come out: mostly in town, at times in another country."""
        if not happens(self.random, 0.55):
            return None
        codes = [row[0] for row in COUNTRIES[:10]]
        country = self.random.choice(codes) if happens(self.random, 0.1 * self.world.foreign) else self.country
        return self.geography.spot(self.random.choice(self.geography.business[country]), self.random)

    def _trips(self) -> list[Trip]:
        random, trips = self.random, []
        for _ in range(round(random.expovariate(1 / 2.5))):
            begin = random.uniform(0, DAYS)
            country = random.choice(COUNTRIES)[0] if happens(random, 0.4 * self.world.foreign) else self.country
            hotel = random.choice(self.geography.residential[country] + self.geography.business[country])
            trips.append(
                Trip(begin=begin, end=begin + random.expovariate(1 / 4) + 1, spot=self.geography.spot(hotel, random))
            )
        return trips

    def _devices(self) -> list[Device]:
        random = self.random
        self._used: dict[str, float] = {}
        devices = [make_device(random, DESKTOPS, "desk")]
        if happens(random, 0.75):
            devices.append(make_device(random, PHONES, "phone"))
        if self.office is not None and happens(random, 0.6):
            devices.append(make_device(random, DESKTOPS, "work"))
        if happens(random, 0.12):
            devices.append(make_device(random, TABLETS, "tablet"))
        return devices
