"""Odd input is sent to the small vendor that the decisions' tests know."""

from tests.decisions.conftest import client, world

__all__ = ["client", "world"]
