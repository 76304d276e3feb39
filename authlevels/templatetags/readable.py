"""Filters with which every page writes what a person is to confirm or agree to in the same way."""

from collections.abc import Mapping
from typing import Any

from django import template

from authlevels import challenge_fields

register = template.Library()


@register.filter
def readable(text: object) -> str:
    """Write a text of somebody's so that all of it is seen, in its order."""
    return challenge_fields.readable_text(str(text))


@register.filter
def readable_fields(display: Mapping[str, Any]) -> list[challenge_fields.ReadableField]:
    """Write the bound properties of what is shown."""
    return challenge_fields.readable_fields(display)
