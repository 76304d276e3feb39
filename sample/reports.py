"""The reports of a workspace. Their figures are computed from its id, so that every workspace has its own."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from typing import Final
from uuid import UUID

from sample.errors import ReportNotFound

_TITLES: Final = {"q1": "Revenue, first quarter", "q2": "Revenue, second quarter", "people": "People on the payroll"}
_ROWS: Final = ("Berlin", "Lisbon", "Toronto")
_NAMES: Final = ("Noor Haddad", "Jonas Weber", "Mei Tanaka")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report of one workspace. rows: a place or person and an amount in minor units each."""

    id: str
    title: str
    rows: tuple[tuple[str, int], ...]


def list_reports(tenant_id: UUID) -> list[Report]:
    """List a workspace's reports."""
    return [get_report(tenant_id, report_id) for report_id in _TITLES]


def get_report(tenant_id: UUID, report_id: str) -> Report:
    """Return one report of a workspace.

    :raises ReportNotFound: it has none by that id.
    """
    title = _TITLES.get(report_id)
    if title is None:
        raise ReportNotFound("This workspace has no such report.")
    names = _NAMES if report_id == "people" else _ROWS
    seed = sha256(f"{tenant_id}/{report_id}".encode()).digest()
    amounts = [int.from_bytes(seed[start : start + 3]) % 900_000 + 100_000 for start in (0, 3, 6)]
    return Report(id=report_id, title=title, rows=tuple(zip(names, amounts, strict=True)))


def as_csv(report: Report, *, columns: Sequence[str] = ("name", "amount_minor")) -> str:
    """Write a report as RFC 4180 lines."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(report.rows)
    return text.getvalue()
