"""The words that a score is explained in. Codes are public and stable: add, never rename."""

from collections.abc import Mapping
from functools import cache
from typing import Final

FIRST_TIME: Final = "first_time"

# How finely a feature is told: what is new is named by its coarsest, and what is usual beside it by the next that is known.
_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    # feature: (the code's word, the words for people)
    "network": ("network", "network"),
    "asn": ("provider", "provider"),
    "country": ("country", "country"),
    "browser": ("browser_version", "browser version"),
    "family": ("browser", "browser"),
    "system": ("system", "operating system"),
    "network_class": ("network_kind", "kind of network"),
    "hour": ("hour", "hour of the day"),
    "device": ("device", "device"),
    "device_use": ("device_browser", "browser on this device"),
}
_FROM: Final = frozenset({"network", "asn", "country", "network_class"})

OTHER: Final[Mapping[str, str]] = {
    FIRST_TIME: "nothing is known of this person yet",
    "comes_often": "comes often, and attackers choose nobody for that",
    "no_device": "without a device token, which usually comes along",
    "browser_updated": "newer version of the usual browser",
    "impossible_travel": "too far from where the person was for the time between",
    "fast_travel": "far from where the person was for the time between",
    "failures_of_person": "several failed attempts for this person in the last minutes",
    "failures_of_network": "many failed attempts from this network in the last hour",
    "stuffing": "failed attempts for many different people from this network",
    "listed_address": "the address is on a reputation list",
    "tor": "comes through Tor; the person usually does not",
    "hosting": "comes from a hosting provider; the person usually does not",
    "vpn": "comes through a VPN; the person usually does not",
    "device_alone": "a known device alone does not vouch for the person",
    "stolen_device": "the known device's token with another browser, from an unusual network",
}


@cache
def code_of(feature: str, *, state: str) -> str:
    """Give the code of what a chain says, e.g. ``"new_network"``. state: ``new``, ``rare`` or ``usual``."""
    return f"{state}_{_NAMES[feature][0]}"


@cache
def words_of(feature: str, *, state: str, usual: str | None = None) -> str:
    """Say what a chain found in a sentence, e.g. ``"first time from this network; usual country"``.

    feature: the coarsest that is new or rare, or else the finest that is known. usual: the finest coarser one that is usual.
    """
    name = _NAMES[feature][1]
    where = "from" if feature in _FROM else "at" if feature == "hour" else "with"
    if state == "usual":
        return f"usual {name}"
    said = f"first time {where} this {name}" if state == "new" else f"seldom {where} this {name}"
    return f"{said}; usual {_NAMES[usual][1]}" if usual else said
