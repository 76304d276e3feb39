"""How Django finds the sample product."""

from django.apps import AppConfig


class SampleConfig(AppConfig):
    """Northwind Reports, a product that asks before it acts."""

    name = "sample"
    verbose_name = "Northwind Reports"
