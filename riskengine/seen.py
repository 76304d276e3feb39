"""How one request looks, in the values that are counted: what is scored, and what is learned."""

from typing import Final

from msgspec import Struct

from tiergate import NetworkClass

CHAINS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("network", ("network", "asn", "country")),
    ("agent", ("browser", "family", "system")),
    ("class", ("network_class",)),
    ("hour", ("hour",)),
    ("device", ("device_use", "device")),
)
"""Each chain by name, its features from the finest to the coarsest: what is new at one may be usual at the next."""


class Seen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request's looks; None where nothing is known, which neither counts for anybody nor against them.

    network: a /24 or an IPv6 /64, e.g. ``"203.0.113.0/24"``. asn: e.g. ``"AS64500"``. country: ISO 3166-1 alpha-2.
    place: degrees of latitude and longitude. is_listed: on a reputation list that is in force.
    browser: family and major version, e.g. ``"Firefox 151"``. family: e.g. ``"Firefox"``. system: operating system and kind
    of device, e.g. ``"Linux desktop"``.
    hour: 0 to 23, by the tenant's clock.
    device: the id in a device token whose signature was checked; one that was just made is a new one, and not None.
    """

    network: str | None = None
    asn: str | None = None
    country: str | None = None
    network_class: NetworkClass | None = None
    is_relay: bool = False
    is_satellite: bool = False
    is_listed: bool = False
    place: tuple[float, float] | None = None
    browser: str | None = None
    family: str | None = None
    system: str | None = None
    hour: int | None = None
    device: str | None = None

    @property
    def device_use(self) -> str | None:
        """The device together with the browser that shows its token, of any version: a copied token comes with another one."""
        if self.device is None or self.family is None:
            return None
        return f"{self.device} {self.family} {self.system or ''}"

    def value(self, feature: str) -> str | None:
        """Give the value of a feature of `CHAINS` as it is counted; None where it is not known."""
        found = getattr(self, feature)
        return None if found is None or found == "unknown" else str(found)


NOTHING_SEEN: Final = Seen()
