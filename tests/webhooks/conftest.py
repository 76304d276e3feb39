"""Northwind's catalogue and the tenant acme, as for what is held."""

from tests.licensing.conftest import acme, catalogue

__all__ = ["acme", "catalogue"]
