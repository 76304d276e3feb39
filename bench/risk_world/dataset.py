"""Reads the RBA data set of Wiefling et al. (github.com/das-group/rba-dataset, CC BY 4.0): real people's sign-ins, with values made up anew.

It has no attacks on its people to speak of, so they are made as in the study: a naive attacker comes with the address and browser of any
request that is marked as an attacker's, one through a VPN of one from the person's country, and a targeted one with those of
somebody else with the same provider.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from msgspec.structs import replace

from bench.risk_world.geography import dice
from bench.risk_world.people import Visit
from riskengine.seen import Seen

_NEEDED: Final = (
    *("Login Timestamp", "User ID", "IP Address", "Country", "ASN", "User Agent String", "Browser Name and Version"),
    *("OS Name and Version", "Device Type", "Login Successful", "Is Attack IP"),
)


def read(path: Path, *, rows: int, attacks: int = 1, seed: int = 1) -> list[Visit]:
    """Read so many rows of the file: successful sign-ins of people with more than one, and attacks on each of them, in order of time.

    :raises ValueError: when the file has not the data set's columns.
    """
    own: defaultdict[int, list[Visit]] = defaultdict(list)
    by_attackers: list[Visit] = []
    numbers: dict[str, int] = {}
    for visit, is_attacker, is_success in _rows(path, rows, numbers):
        if is_attacker:
            by_attackers.append(visit)
        elif is_success:
            own[visit.person].append(visit)
    people = {person: sorted(visits, key=_when) for person, visits in own.items() if len(visits) > 1}
    made = _attacks(people, by_attackers, attacks, dice(f"attacks {seed}"))
    return sorted([*(visit for visits in people.values() for visit in visits), *made], key=_when)


def _rows(path: Path, rows: int, numbers: dict[str, int]) -> Iterator[tuple[Visit, bool, bool]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} has no column {', '.join(missing)}")
        for number, row in enumerate(reader):
            if number >= rows:
                return
            person = numbers.setdefault(row["User ID"], len(numbers))
            yield _visit(row, person), _is_true(row["Is Attack IP"]), _is_true(row["Login Successful"])


def _visit(row: dict[str, str], person: int) -> Visit:
    at = datetime.fromisoformat(row["Login Timestamp"]).replace(tzinfo=UTC)
    asn, address = f"AS{row['ASN']}", row["IP Address"]
    family, _, version = row["Browser Name and Version"].rpartition(" ")
    system, _, _version = row["OS Name and Version"].rpartition(" ")
    login = (
        (address, asn, row["Country"]),
        (row["User Agent String"], row["Browser Name and Version"], row["OS Name and Version"], row["Device Type"]),
    )
    seen = Seen(
        network=address.rpartition(".")[0] + ".0/24",
        asn=asn,
        country=row["Country"] or None,
        browser=f"{family or version} {version.partition('.')[0]}" if family else version or None,
        family=family or version or None,
        system=f"{system or row['OS Name and Version']} {row['Device Type']}".strip() or None,
        hour=at.hour,
    )
    return Visit(at=at, person=person, login=login, seen=seen)


def _attacks(people: dict[int, list[Visit]], by_attackers: list[Visit], number: int, random: Random) -> Iterator[Visit]:
    """Attack each person at some point of their history, by each kind of attacker for whom there is an address."""
    by_country: defaultdict[str | None, list[Visit]] = defaultdict(list)
    by_provider: defaultdict[str | None, list[Visit]] = defaultdict(list)
    for visit in by_attackers:
        by_country[visit.seen.country].append(visit)
    for visits in people.values():
        by_provider[visits[0].seen.asn].append(visits[0])
    for person, visits in people.items():
        for _ in range(number):
            nth = random.randrange(1, len(visits))
            at = visits[nth].at - timedelta(seconds=1)
            before = visits[nth - 1].seen
            neighbours = [one for one in by_provider[before.asn][:1000] if one.person != person]
            for kind, found in (
                ("naive", by_attackers),
                ("vpn", by_country[before.country]),
                ("targeted", neighbours),
            ):
                if found:
                    yield replace(random.choice(found), at=at, person=person, attack=kind)


def _when(visit: Visit) -> datetime:
    return visit.at


def _is_true(text: str) -> bool:
    return text.strip().lower() == "true"
