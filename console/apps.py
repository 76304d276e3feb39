"""The room of pages that join other rooms."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Puts the other rooms' tables on the operator's pages, read-only."""

    name = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        """Register the tables once every room's models are there."""
        from console.operator import register_tables  # noqa: PLC0415 - needs every room's models

        register_tables()
