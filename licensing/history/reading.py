"""Rows as they stood at an instant."""

from datetime import datetime

from django.db.models import Model

from licensing.models import Action, Feature, History, Plan

_CATALOGUE = (Feature, Action, Plan)


def rows_then[M: Model](model: type[M], *, at: datetime) -> list[M]:
    """Read a table's rows as they stood at an instant; of a tenant's table, within its transaction.

    A column that was added since is empty. What stood when the history began is taken to have stood before.
    """
    history = "licensing_catalogue_history" if model in _CATALOGUE else "licensing_history"
    table = model._meta.db_table  # noqa: SLF001 - public for all but its name
    found = model._default_manager.raw(  # noqa: SLF001 - as above
        f"SELECT was.* FROM {history} h, jsonb_populate_record(NULL::{table}, h.row) AS was "  # noqa: S608 - our own names
        "WHERE h.table_name = %s AND (h.since IS NULL OR h.since <= %s) AND (h.until IS NULL OR h.until > %s) "
        "ORDER BY h.row_id",
        [table, at, at],
    )
    return list(found)


def is_from_before(*, at: datetime) -> bool:
    """Say whether anything that a tenant held at an instant stood there already when the history began."""
    return History.objects.filter(since__isnull=True).exclude(until__lte=at).exists()
