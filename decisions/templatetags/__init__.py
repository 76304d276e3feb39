"""Filters for this room's pages."""
