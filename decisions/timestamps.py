"""Instants as every answer writes them."""

from datetime import UTC, datetime


def instant(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return f"{(at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()[:-6]}Z"
