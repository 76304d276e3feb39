"""Taking in networks that somebody lists: what is none is counted and told, and what no list can mean is refused."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network, summarize_address_range
from typing import Final

from riskengine.addresses import is_inner_network, is_public_network
from riskengine.data.errors import DataRefused
from riskengine.data.kinds import CAN_BLOCK, Mark

type Network = IPv4Network | IPv6Network

MOST_BYTES: Final = 64 * 1024 * 1024
MOST_NETWORKS: Final = 500_000
_LONGEST_LINE: Final = 500
_SHOWN: Final = 3
_WIDEST: Final = {4: 8, 6: 16}
"""No provider of anything has a wider network; a list that names one is broken, or means harm."""
_MOST_OF_V4: Final = 2**32 // 16
"""How many addresses of IPv4 a list may complain of: a sixteenth of all."""
_MOST_STRANGE: Final = 5
"""One line in so many may be no network: more, and the file is something else."""
_HYPHEN: Final = re.compile(r"\s*-\s*")
_TORS_OTHERS: Final = ("ExitNode ", "Published ", "LastStatus ")


class Taken:
    """The networks of a list, each until when it is on it (None: until the list lacks it), and what was left out.

    strange: how many lines are no network, of which the first few are shown. inner: how many are not public.
    over: how many ended before.
    """

    def __init__(self, mark: Mark, *, at: datetime) -> None:
        self.networks: dict[Network, datetime | None] = {}
        self.lines = self.strange = self.inner = self.over = 0
        self.shown: list[str] = []
        self._mark = mark
        self._at = at

    def add(self, network: Network, until: datetime | None) -> None:
        """Take a network; of the same one twice the later end holds.

        :raises DataRefused: it is wider than any list can mean, or there are too many.
        """
        if is_inner_network(network):
            self.inner += 1
            return
        if network.prefixlen < _WIDEST[network.version]:
            raise DataRefused(f"It names {network}, which is wider than any list can mean. Nothing of it is taken.")
        if not is_public_network(network):
            self.inner += 1
            return
        if until is not None and until <= self._at:
            self.over += 1
            return
        if network in self.networks:
            before = self.networks[network]
            until = None if before is None or until is None else max(before, until)
        elif len(self.networks) >= MOST_NETWORKS:
            raise DataRefused(f"It names more than {MOST_NETWORKS:,} networks.")
        self.networks[network] = until

    def pass_over(self, number: int, line: str) -> None:
        """Count a line that is no network, and remember the first few; they may hold anything, and are shown printable."""
        self.strange += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(f"line {number}: {line.strip()[:60]!a}")

    def check(self) -> None:
        """Look at the whole.

        :raises DataRefused: most of it is something else, there is nothing in it, or it complains of half the world.
        """
        if self.strange * _MOST_STRANGE > self.lines:
            raise DataRefused(
                f"{self.strange} of its {self.lines} lines are no network ({'; '.join(self.shown)}): this is no list of networks."
            )
        if not self.networks:
            raise DataRefused("It names no network that can be listed. Drop the list, if that is what it should say.")
        if self._mark in CAN_BLOCK and _count_of_v4(self.networks) > _MOST_OF_V4:
            raise DataRefused("It complains of more than a sixteenth of all addresses, which no list can mean.")


def take_lines(
    lines: Iterable[str], *, mark: Mark, has_expiry: bool, expires_after: timedelta | None, at: datetime
) -> Taken:
    """Read a list: on each line a network, an address, or two with a hyphen between; behind a comma whatever there is.

    Lines may end in a comment after ``#`` or ``;``, and begin with ``ExitAddress`` as the Tor project's do.
    has_expiry: behind the comma stands until when, as RFC 3339. expires_after: when a line says nothing of it.
    :raises DataRefused: see `Taken`.
    """
    taken = Taken(mark, at=at)
    default = None if expires_after is None else at + expires_after
    for number, line in enumerate(lines, start=1):
        said = line[:_LONGEST_LINE].partition("#")[0].partition(";")[0].strip()
        if not said or said.startswith(_TORS_OTHERS):
            continue
        taken.lines += 1
        first, _, rest = said.removeprefix("ExitAddress ").partition(",")
        try:
            networks = list(networks_of(_HYPHEN.sub("-", first).split(maxsplit=1)[0]))
            ends = rest.partition(",")[0].strip() if has_expiry else ""
            until = instant_of(ends) if ends else default
        except (ValueError, IndexError):
            taken.pass_over(number, line)
            continue
        for one in networks:
            taken.add(one, until)
    taken.check()
    return taken


def networks_of(text: str) -> Iterator[Network]:
    """Read a network, an address, or a range ``first-last``, as one network or those that make it up.

    A network that is written with bits behind its prefix is the one that it lies in.
    :raises ValueError: it is none.
    """
    if "%" in text:
        raise ValueError("An address with a scope is of one link.")
    first, hyphen, last = text.partition("-")
    if not hyphen:
        yield _unmapped(ip_network(text, strict=False))
        return
    begins, ends = ip_address(first.strip()), ip_address(last.strip())
    if begins.version != ends.version:
        raise ValueError("A range begins and ends with one kind of address.")
    yield from summarize_address_range(begins, ends)


def instant_of(text: str) -> datetime:
    """Read an instant of RFC 3339; without a zone it is UTC's.

    :raises ValueError: it is none.
    """
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _count_of_v4(networks: Iterable[Network]) -> int:
    """Count the addresses of IPv4 that networks have together."""
    count = reached = 0
    spans = ((int(one[0]), int(one[-1])) for one in networks if isinstance(one, IPv4Network))
    for first, last in sorted(spans):
        if last >= reached:
            count += last + 1 - max(first, reached)
            reached = last + 1
    return count


def _unmapped(network: Network) -> Network:
    """Return the IPv4 network that one of IPv6 is written for; else itself."""
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:  # noqa: PLR2004 - ::ffff:0:0/96
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((int(mapped), network.prefixlen - 96))
    return network
