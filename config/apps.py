"""How Django finds the commands of this room."""

import importlib

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """How it is put together; no tables."""

    name = "config"

    def ready(self) -> None:
        """Make our Celery application the one that tasks belong to, and register checks and figures, in every process."""
        importlib.import_module("config.celery")
        importlib.import_module("config.operation.checks")
        importlib.import_module("config.operation.figures").register()
