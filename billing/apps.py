"""The room as Django knows it."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Stripe's customers and what they pay for, its events, and the calls that it is owed."""

    name = "billing"
