"""The API is asked about the small vendor that the decisions' tests know."""

from tests.decisions.conftest import client, world

__all__ = ["client", "world"]
