"""What Django's checks do not look at: names nobody reads, figures of one process alone, and who connects."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.db import DEFAULT_DB_ALIAS

from config.environment import unknown_names
from config.operation.readiness import connect
from config.operation.roles import UNFIT, is_unfit


@register()
def every_name_is_read(app_configs: object, **kwargs: object) -> list[CheckMessage]:  # noqa: ARG001 - as Django calls it
    """Name each variable that looks like one of ours and changes nothing, with the one that was probably meant."""
    return [
        Warning(
            f"{name} is set, and nothing reads it.",
            hint=f"Did you mean {nearest}?" if nearest else None,
            id="config.W001",
        )
        for name, nearest in unknown_names(os.environ).items()
    ]


@register()
def figures_are_of_all_workers(app_configs: object, **kwargs: object) -> list[CheckMessage]:  # noqa: ARG001 - as above
    """Say that a server of several workers would show the figures of whichever answers."""
    if not settings.METRICS_TOKEN or settings.METRICS_DIRECTORY:
        return []
    return [
        Warning(
            "/metrics shows the figures of the one worker that answers.",
            hint="With more than one worker, set PROMETHEUS_MULTIPROC_DIR to an empty directory of this server's own.",
            id="config.W002",
        )
    ]


@register()
def maps_have_a_place(app_configs: object, **kwargs: object) -> list[CheckMessage]:  # noqa: ARG001 - as above
    """Say that no map of networks is known here, where somebody meant to have some."""
    if settings.EMBEDDED or not settings.RISK_DATA:
        return []
    if Path(settings.RISK_DATA).is_dir() and os.access(settings.RISK_DATA, os.R_OK | os.X_OK):
        return []
    return [
        Warning(
            f"TIERGATE_RISK_DATA is {settings.RISK_DATA!r}, which is no directory that can be read: no map of networks is known.",
            id="config.W003",
        )
    ]


@register(Tags.database)
def the_role_is_bound(
    app_configs: object,  # noqa: ARG001 - as above
    databases: Sequence[str] | None = None,
    **kwargs: Any,  # noqa: ARG001 - as above
) -> list[CheckMessage]:
    """Refuse a role that row-level security does not bind; a database that does not answer is not this check's."""
    return [Error(UNFIT, id="config.E001")] if DEFAULT_DB_ALIAS in (databases or ()) and connects_unfit() else []


def connects_unfit() -> bool:
    """Say whether the database answers, and DATABASE_URL's role is none that may serve."""
    try:
        with connect() as connection:
            return is_unfit(connection)
    except psycopg.Error:
        return False
