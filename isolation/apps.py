"""The room as Django knows it."""

from django.apps import AppConfig


class IsolationConfig(AppConfig):
    """Row-level security: no tables of its own, only what guards the others'."""

    name = "isolation"
