"""How Django finds the commands of this room."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """How it is put together; no tables."""

    name = "config"
