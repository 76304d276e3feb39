"""The door: append what happened, and read it back."""

from audit.errors import EntryNotFound
from audit.kinds import Kind
from audit.trail import MAX_PAGE, Entry, append, get_entry, list_entries

__all__ = [
    "MAX_PAGE",
    "Entry",
    "EntryNotFound",
    "Kind",
    "append",
    "get_entry",
    "list_entries",
]
