"""Devices and the browsers on them, which update themselves as the year goes by."""

from random import Random
from typing import Final

from msgspec import Struct

# System and kind of device, share, and its browsers with their shares.
DESKTOPS: Final = (
    ("Windows desktop", 0.70, (("Chrome", 0.62), ("Edge", 0.26), ("Firefox", 0.10), ("Opera", 0.02))),
    ("Mac OS X desktop", 0.22, (("Safari", 0.52), ("Chrome", 0.40), ("Firefox", 0.08))),
    ("Linux desktop", 0.05, (("Firefox", 0.55), ("Chrome", 0.45))),
    ("Chrome OS desktop", 0.03, (("Chrome", 1.0),)),
)
PHONES: Final = (
    ("iOS phone", 0.56, (("Mobile Safari", 0.86), ("Chrome Mobile iOS", 0.14))),
    ("Android phone", 0.44, (("Chrome Mobile", 0.78), ("Samsung Internet", 0.18), ("Firefox Mobile", 0.04))),
)
TABLETS: Final = (
    ("iOS tablet", 0.7, (("Mobile Safari", 1.0),)),
    ("Android tablet", 0.3, (("Chrome", 0.8), ("Samsung Internet", 0.2))),
)
# Days between major versions, and how many models its user agents name.
_CADENCE: Final = {"Safari": 120.0, "Mobile Safari": 60.0, "Samsung Internet": 90.0}
# Systems that tell their version, which grows.
_UPDATED = frozenset({"iOS phone", "iOS tablet", "Android phone", "Mac OS X desktop"})
_MODELS: Final = {"Android phone": 60, "Android tablet": 12}


class Agent(Struct, frozen=True, kw_only=True):
    """What a browser says of itself. text: the whole of it, with patch level and model."""

    text: str
    browser: str
    family: str
    system: str
    version: str


class Device(Struct, frozen=True, kw_only=True):
    """A device of one person. lag: days until it takes an update. model, version: which make, which version of the system."""

    name: str
    family: str
    system: str
    lag: float
    model: int
    system_version: int
    is_phone: bool = False

    def agent(self, day: float, *, pace: float) -> Agent:
        """Tell what its browser says on a day of the year. pace: how many times as often as usual browsers update."""
        since = (day - self.lag) * pace + 730
        cadence = _CADENCE.get(self.family, 35.0)
        major, patch = 100 + int(since / cadence), int(since % cadence / 14)
        version = self.system_version + (int(since / 120) if self.system in _UPDATED else 0)
        return Agent(
            text=f"{self.system} {version} m{self.model} {self.family} {major}.{patch}",
            browser=f"{self.family} {major}",
            family=self.family,
            system=self.system,
            version=f"{self.system.rpartition(' ')[0]} {version}",
        )


def make_device(
    random: Random, kinds: tuple[tuple[str, float, tuple[tuple[str, float], ...]], ...], name: str
) -> Device:
    """Draw a device of a kind, as common as such are."""
    system, _share, browsers = random.choices(kinds, [share for _system, share, _browsers in kinds])[0]
    family = random.choices([browser for browser, _share in browsers], [share for _browser, share in browsers])[0]
    return Device(
        name=name,
        family=family,
        system=system,
        lag=random.expovariate(1 / 6),
        model=random.randrange(_MODELS.get(system, 1)),
        system_version=random.choice((10, 11, 11, 11, 12)),
        is_phone=kinds is PHONES,
    )
