"""The one edge clock: rules and door functions are handed the instant instead of asking for it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Read the wall clock, as an aware UTC instant."""
    return datetime.now(UTC)
