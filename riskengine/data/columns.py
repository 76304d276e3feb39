"""Making a map out of CSV: rows of networks, or of first and last addresses, and what they say."""

import csv
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TextIO

from riskengine.data.errors import DataRefused
from riskengine.data.ranges import Stretch, narrowest, packed
from riskengine.data.told import NOTHING_TOLD, Told, asn_of, country_of, number_of, place_of

COLUMNS: Final = ("network", "first", "last", "country", "asn", "latitude", "longitude", "-")
USUAL: Final = {
    "city": ("network", "country", "latitude", "longitude"),
    "country": ("network", "country"),
    "asn": ("network", "asn"),
}
MOST_ROWS: Final = 3_000_000
"""Some 500 MB while they are read; of more there is an MMDB."""
_SHOWN: Final = 3
_MOST_STRANGE: Final = 20
"""One row in so many may say nothing that can be read: more, and the columns are other ones."""
_STEP: Final = 100_000
_V6_SHIFT: Final = 64

type Progress = Callable[[int], None]


class Rows:
    """The rows of a file, as they are read. strange: those that could not be; the first few are shown."""

    def __init__(self, lines: TextIO, columns: tuple[str, ...], *, wants: str, progress: Progress) -> None:
        self.four: list[Stretch] = []
        self.six: list[Stretch] = []
        self.count = self.strange = 0
        self.shown: list[str] = []
        for cells in _cells(lines):
            if not cells:
                continue
            self.count += 1
            if self.count > MOST_ROWS:
                raise DataRefused(f"It has more than {MOST_ROWS:,} rows: take its MMDB.")
            if self.count % _STEP == 0:
                progress(self.count)
            row = dict(zip(columns, (one.strip() for one in cells), strict=False))
            try:
                first, last = _ends(row)
            except ValueError:
                # The first row names the columns, in many a file.
                if self.count > 1:
                    self._pass_over(cells)
                continue
            told = _told(row, wants)
            if told != NOTHING_TOLD:
                into, shift = (self.four, 0) if first.version == 4 else (self.six, _V6_SHIFT)  # noqa: PLR2004 - the version
                into.append(Stretch(int(first) >> shift, int(last) >> shift, number_of(told)))

    def check(self) -> None:
        """Look at the whole.

        :raises DataRefused: nothing can be read, or too little.
        """
        if not (self.four or self.six) or self.strange * _MOST_STRANGE > self.count:
            raise DataRefused(
                f"{self.strange} of its {self.count} rows say nothing of a network ({'; '.join(self.shown)}). Name its columns, "
                f"in order, with --columns: {', '.join(COLUMNS[:-1])}, and - for any other."
            )

    def _pass_over(self, cells: list[str]) -> None:
        self.strange += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(f"row {self.count}: {','.join(cells)[:60]!a}")


def packed_map(lines: TextIO, columns: tuple[str, ...], *, kind: str, progress: Progress) -> tuple[bytes, Rows]:
    """Read a map out of CSV and pack it.

    columns: what each cell is, of `COLUMNS`. kind: ``city``, ``country`` or ``asn``. progress: is told how many rows were read, now and then.
    :raises DataRefused: it is no such CSV.
    """
    try:
        rows = Rows(lines, columns, wants=kind, progress=progress)
    except UnicodeDecodeError as error:
        raise DataRefused("It is neither an MMDB nor text.") from error
    rows.check()
    return packed(rows.four, rows.six, rank=narrowest), rows


def _cells(lines: Iterable[str]) -> Iterator[list[str]]:
    """Read CSV; what breaks its rules is a row of one cell."""
    reader = csv.reader(line.replace("\x00", "\ufffd") for line in lines)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield ["?"]


def _ends(row: dict[str, str]) -> tuple[IPv4Address, IPv4Address] | tuple[IPv6Address, IPv6Address]:
    """Read of which addresses a row tells.

    :raises ValueError: of none.
    """
    if "network" in row:
        network = ip_network(row["network"], strict=False)
        return network.network_address, network.broadcast_address  # type: ignore[return-value]  # both of one kind
    first, last = ip_address(row.get("first", "")), ip_address(row.get("last", ""))
    if first.version != last.version or int(last) < int(first):
        raise ValueError("It ends before it begins.")
    return first, last  # type: ignore[return-value]  # as above


def _told(row: dict[str, str], wants: str) -> Told:
    if wants == "asn":
        return Told(asn=asn_of(row.get("asn", "")))
    place = place_of(row.get("latitude"), row.get("longitude")) if wants == "city" else None
    return Told(country=country_of(row.get("country", "")), place=place)
