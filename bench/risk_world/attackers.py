"""Four kinds of attackers, who all have the password: naive, through a VPN, targeted, and with a stolen device token."""

from random import Random
from typing import Final

from msgspec.structs import replace

from bench.risk_world.agents import DESKTOPS, PHONES, Agent, make_device
from bench.risk_world.geography import COUNTRIES, Geography, Spot, happens, zipf
from bench.risk_world.people import Person, Visit, World

KINDS: Final = ("naive", "vpn", "targeted")
STOLEN: Final = {"naive": "naive, stolen cookie", "vpn": "VPN, stolen cookie", "targeted": "targeted, stolen cookie"}


class Attackers:
    """Draws attempts at people's accounts."""

    def __init__(self, world: World, geography: Geography, random: Random) -> None:
        self.world, self.geography, self.random = world, geography, random
        self._codes = [row[0] for row in COUNTRIES]
        self._shares = [row[4] for row in COUNTRIES]
        self._tokens = 0

    def attempts(self, victim: Person, before: Visit, day: float) -> list[Visit]:
        """Make one attempt of each kind on the same day, with and without the token of the device that was used last.

        before: the sign-in of the victim's that they come after: what a targeted attacker knows, and whose token is stolen.
        """
        visits = []
        for kind in KINDS:
            spot, agent, hour = self._looks(kind, victim, before, day)
            self._tokens += 1
            visits.append(victim.visit(day, hour, spot, agent, f"attacker-{self._tokens}", attack=kind))
            visits.append(victim.visit(day, hour, spot, agent, before.seen.device or "", attack=STOLEN[kind]))
        return visits

    def _looks(self, kind: str, victim: Person, before: Visit, day: float) -> tuple[Spot, Agent, int]:
        match kind:
            case "naive":
                is_home = happens(self.random, self.world.naive_home)
                country = victim.country if is_home else self.random.choices(self._codes, self._shares)[0]
                return self._anywhere(country), self._popular(day), self.random.randrange(24)
            case "vpn":
                is_near = happens(self.random, self.world.vpn_near)
                spot = self.geography.spot(victim.isp, self.random) if is_near else self._exit(victim.country)
                return spot, self._popular(day), self.random.randrange(24)
            case _:
                is_near = happens(self.random, self.world.targeted_near)
                isp = victim.isp if is_near else self.geography.residential[victim.country][zipf(self.random, 6)]
                spot = self.geography.spot(isp, self.random, city=victim.city)
                agent = before.agent() if is_near else self._popular(day)
                return spot, agent, victim.hour()

    def _anywhere(self, country: str) -> Spot:
        """Draw where attackers' requests of a country come from."""
        geography, random = self.geography, self.random
        kind = random.choices(("hosting", "vpn", "residential", "mobile", "tor"), (0.4, 0.2, 0.3, 0.05, 0.05))[0]
        match kind:
            case "hosting":
                provider = random.choice(geography.hosting[country])
            case "vpn":
                provider = random.choice(geography.vpn[country])
            case "residential":
                provider = geography.residential[country][zipf(random, 6)]
            case "mobile":
                provider = random.choice(geography.mobile[country])
            case _:
                of_country = [provider for provider in geography.tor if provider.country == country]
                provider = random.choice(of_country or geography.hosting[country])
        return geography.spot(provider, random)

    def _exit(self, country: str) -> Spot:
        """Draw where a VPN comes out in a country: at its own computers, or rented ones."""
        kind = self.geography.vpn if happens(self.random, 0.6) else self.geography.hosting
        return self.geography.spot(self.random.choice(kind[country]), self.random)

    def _popular(self, day: float) -> Agent:
        """Draw a user agent as common as it is."""
        kinds = DESKTOPS[:2] if happens(self.random, 0.75) else PHONES
        device = make_device(self.random, kinds, "attacker")
        if not happens(self.random, self.world.current):
            device = replace(device, lag=self.random.uniform(0, 700))
        return device.agent(day, pace=self.world.churn)
