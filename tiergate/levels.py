"""Authentication assurance levels and the limits within which a proof upholds them."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct


class Level(StrEnum):
    """An authentication assurance level of NIST SP 800-63B-4; they compare by strength.

    ``NONE`` is what no proof at all amounts to: no requirement asks for it.
    """

    # INVARIANT: the values sort as text in order of strength, so that `<` and `max` hold.
    NONE = "aal0"
    AAL1 = "aal1"
    AAL2 = "aal2"
    AAL3 = "aal3"


class Limits(Struct, frozen=True, kw_only=True):
    """How long a proof upholds a level.

    absolute: the age at which it no longer counts.
    inactivity: the pause in a session after which earlier proofs no longer count; None: no such limit.
    """

    absolute: timedelta
    inactivity: timedelta | None


# NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3.
REAUTHENTICATION: Mapping[Level, Limits] = MappingProxyType(
    {
        Level.AAL1: Limits(absolute=timedelta(days=30), inactivity=None),
        Level.AAL2: Limits(absolute=timedelta(hours=24), inactivity=timedelta(hours=1)),
        Level.AAL3: Limits(absolute=timedelta(hours=12), inactivity=timedelta(minutes=15)),
    },
)

DEFAULT_ACR: Mapping[Level, str] = MappingProxyType(
    {
        Level.AAL1: "urn:tiergate:acr:aal1",
        Level.AAL2: "urn:tiergate:acr:aal2",
        Level.AAL3: "urn:tiergate:acr:aal3",
    },
)


def acr_values(level: Level, acr: Mapping[Level, str] = DEFAULT_ACR) -> str:
    """List every acr value that would do for ``level``, best first, space separated.

    There is no hierarchy on the wire, so each acceptable value is named (RFC 9470, section 3).
    """
    acceptable = [one for one in (Level.AAL3, Level.AAL2, Level.AAL1) if one >= level]
    return " ".join(acr[one] for one in acceptable)
