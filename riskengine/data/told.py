"""What a map says of a network, out of whoever's file: a country, a place, a provider; and as one number, to be packed."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from msgspec import Struct

_COUNTRY_LETTERS: Final = 2
_MOST_ASN: Final = 2**32 - 1
_STEPS: Final = 2**16 - 2
"""Degrees are packed in so many steps: 300 m of latitude, 600 m of longitude."""
_LATITUDES: Final = 90.0
_LONGITUDES: Final = 180.0


class Told(Struct, frozen=True, kw_only=True):
    """What a map says of an address; None where it says nothing, or nothing that can be."""

    asn: str | None = None
    country: str | None = None
    place: tuple[float, float] | None = None


NOTHING_TOLD: Final = Told()


def told_by(record: object) -> Told:
    """Read a record of an MMDB: as MaxMind and DB-IP write them, or flat as others do (``country_code``, ``asn``)."""
    if not isinstance(record, Mapping):
        return NOTHING_TOLD
    country, location = record.get("country"), record.get("location")
    found = country.get("iso_code") if isinstance(country, Mapping) else record.get("country_code", country)
    where: Mapping[str, Any] = location if isinstance(location, Mapping) else record
    number = record.get("autonomous_system_number", record.get("asn"))
    return Told(
        asn=asn_of(number),
        country=country_of(found),
        place=place_of(where.get("latitude"), where.get("longitude")),
    )


def country_of(found: object) -> str | None:
    """Read the two letters of a country (ISO 3166-1)."""
    if not isinstance(found, str) or len(found) != _COUNTRY_LETTERS or not found.isascii() or not found.isalpha():
        return None
    return None if found.upper() == "ZZ" else found.upper()


def asn_of(found: object) -> str | None:
    """Read the number of a provider's network (RFC 4893), with or without ``AS`` before it."""
    text = found.upper().removeprefix("AS") if isinstance(found, str) else str(found)
    if not text.isascii() or not text.isdigit() or len(text) > len(str(_MOST_ASN)):
        return None
    return f"AS{int(text)}" if 0 < int(text) <= _MOST_ASN else None


def place_of(latitude: object, longitude: object) -> tuple[float, float] | None:
    """Read degrees; nowhere where either is none, and at 0, 0, which is what some write for nowhere."""
    try:
        north, east = float(latitude), float(longitude)  # type: ignore[arg-type]  # what is no number is an error
    except (TypeError, ValueError):
        return None
    if not isfinite(north) or not isfinite(east) or abs(north) > _LATITUDES or abs(east) > _LONGITUDES:
        return None
    return None if north == east == 0.0 else (round(north, 2), round(east, 2))


def number_of(told: Told) -> int:
    """Make what a map says one number of 64 bits, for `told_in`: its provider, else its country and place."""
    if told.asn is not None:
        return int(told.asn.removeprefix("AS"))
    country = 0 if told.country is None else ord(told.country[0]) << 8 | ord(told.country[1])
    if told.place is None:
        return country
    north, east = (
        1 + round((degrees + most) / (2 * most) * _STEPS)
        for degrees, most in zip(told.place, (_LATITUDES, _LONGITUDES), strict=True)
    )
    return north << 32 | east << 16 | country


def told_in(number: int, *, is_provider: bool) -> Told:
    """Read what `number_of` made. is_provider: of a map of providers."""
    if is_provider:
        return Told(asn=f"AS{number}")
    north, east, first, second = number >> 32, number >> 16 & 0xFFFF, number >> 8 & 0xFF, number & 0xFF
    place = None
    if north and east:
        place = (
            round((north - 1) / _STEPS * 2 * _LATITUDES - _LATITUDES, 2),
            round((east - 1) / _STEPS * 2 * _LONGITUDES - _LONGITUDES, 2),
        )
    return Told(country=chr(first) + chr(second) if first else None, place=place)
