"""The room as Django knows it."""

from django.apps import AppConfig


class RiskengineConfig(AppConfig):
    """Signals, what is usual for each person and in each tenant, and what came of looking."""

    name = "riskengine"
