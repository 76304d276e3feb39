"""The door: append what happened, read it back, and forget whose it was."""

from audit.draining import Drained, drain, stream_length
from audit.durable import append_at_once
from audit.erasing import erase_person
from audit.errors import EntryNotFound, PersonNotFound
from audit.kinds import Kind
from audit.people import forget_people, is_tag, reseal_people, seal_personal, tag_of, tagged_actor
from audit.stream import StreamState, append_later, flush_stream, stop_stream, stream_state
from audit.trail import MAX_PAGE, Entry, append, get_entry, list_entries

__all__ = [
    "MAX_PAGE",
    "Drained",
    "Entry",
    "EntryNotFound",
    "Kind",
    "PersonNotFound",
    "StreamState",
    "append",
    "append_at_once",
    "append_later",
    "drain",
    "erase_person",
    "flush_stream",
    "forget_people",
    "get_entry",
    "is_tag",
    "list_entries",
    "reseal_people",
    "seal_personal",
    "stop_stream",
    "stream_length",
    "stream_state",
    "tag_of",
    "tagged_actor",
]
