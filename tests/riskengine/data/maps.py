"""Maps of networks as their makers write them, tiny and made up, of networks that are nobody's (RFC 5737, RFC 3849)."""

from pathlib import Path
from typing import Any

import time_machine
from mmdb_writer import MmdbF64, MmdbU32, MMDBWriter
from netaddr import IPNetwork, IPSet

from tests.authlevels.acme import NOON

BERLIN, AUCKLAND = (52.52, 13.4), (-36.85, 174.76)


def place(country: str, where: tuple[float, float]) -> dict[str, Any]:
    """Make a record as MaxMind and DB-IP do."""
    return {
        "country": {"iso_code": country},
        "location": {"latitude": MmdbF64(where[0]), "longitude": MmdbF64(where[1])},
    }


def provider(number: int) -> dict[str, Any]:
    """Make a record of whose a network is."""
    return {"autonomous_system_number": MmdbU32(number), "autonomous_system_organization": "Example"}


CITIES = {"203.0.113.0/24": place("DE", BERLIN), "2001:db8::/32": place("NZ", AUCKLAND)}
PROVIDERS = {"203.0.113.0/24": provider(64500), "2001:db8::/32": provider(64501)}


def write_mmdb(path: Path, records: dict[str, Any], *, ip_version: int = 6) -> Path:
    """Write an MMDB, built at `NOON`: whoever brings it in then would find a later one to be from days to come."""
    writer = MMDBWriter(ip_version, "Tiergate-Test", languages=["en"], ipv4_compatible=ip_version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([IPNetwork(network)]), record)
    with time_machine.travel(NOON, tick=False):
        writer.to_db_file(str(path))
    return path
