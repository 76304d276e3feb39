"""The room as Django knows it."""

from django.apps import AppConfig


class LicensingConfig(AppConfig):
    """Tenants, the catalogue, subscriptions, overrides, and snapshots of them."""

    name = "licensing"
