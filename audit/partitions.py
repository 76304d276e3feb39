"""Make the tables of the coming months before they are needed."""

from datetime import date, datetime
from typing import Final

from django.db import connections

from audit.checkpoints import SWEEP

AHEAD: Final = 3
"""Months beyond the present one whose tables are there: how long the task may fail before entries go astray."""


def make_parts(*, at: datetime) -> dict[str, str]:
    """Make what is missing of this month's table and the coming ones', and of months that went astray.

    An entry that finds no table of its month lies in the catch-all: it is stored, sealed and read like any other.
    When its month gets a table, it is moved there as it is. Returns what was done by month: ``there``, ``made``, or
    ``made, 12 moved``.

    :raises django.db.OperationalError: the catch-all stays in use; the next run asks again.
    """
    coming = {_month(at, ahead) for ahead in range(AHEAD + 1)}
    done = {}
    with connections[SWEEP].cursor() as cursor:
        cursor.execute("SELECT audit_stray_months()")
        for month in sorted(coming | {row[0] for row in cursor.fetchall()}):
            cursor.execute("SELECT audit_make_part(%s)", [month])
            done[f"{month:%Y-%m}"] = str(cursor.fetchone()[0])
    return done


def _month(at: datetime, ahead: int) -> date:
    month = at.month - 1 + ahead
    return date(at.year + month // 12, month % 12 + 1, 1)
