"""How Django finds the commands of this room."""

import importlib

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """How it is put together; no tables."""

    name = "config"

    def ready(self) -> None:
        """Make our Celery application the one that tasks belong to, in every process."""
        importlib.import_module("config.celery")
