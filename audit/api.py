"""The door: append what happened, read it back, and forget whose it was."""

from audit.erasing import erase_person
from audit.errors import EntryNotFound, PersonNotFound
from audit.kinds import Kind
from audit.people import forget_people, is_tag, reseal_people, seal_personal, tag_of, tagged_actor
from audit.trail import MAX_PAGE, Entry, append, get_entry, list_entries

__all__ = [
    "MAX_PAGE",
    "Entry",
    "EntryNotFound",
    "Kind",
    "PersonNotFound",
    "append",
    "erase_person",
    "forget_people",
    "get_entry",
    "is_tag",
    "list_entries",
    "reseal_people",
    "seal_personal",
    "tag_of",
    "tagged_actor",
]
