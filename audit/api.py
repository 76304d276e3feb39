"""The door: append what happened, read it back, forget whose it was, and prove that it stands."""

from audit.backlog import Backlog, sealing_backlog
from audit.draining import Drained, drain, stream_length
from audit.durable import append_at_once
from audit.erasing import erase_person
from audit.errors import CannotSeal, CursorOutdated, CursorUnreadable, EntryNotFound, NotSealed, PersonNotFound
from audit.exporting import export_lines
from audit.findings import Report
from audit.following import Cursor
from audit.kinds import Kind
from audit.people import (
    forget_people,
    is_tag,
    marker_of,
    people_by_key,
    reseal_people,
    seal_personal,
    tag_of,
    tagged_actor,
)
from audit.proofs import Consistency, Inclusion, prove_consistency, prove_inclusion
from audit.sealing_run import SealingRun, seal_all
from audit.stream import StreamState, append_later, flush_stream, stop_stream, stream_state
from audit.sweeping import Place, Swept, count_entries, sweep_entries
from audit.trail import MAX_PAGE, Entry, Page, append, get_entry, list_entries, read_page
from audit.verification import verify

__all__ = [
    "MAX_PAGE",
    "Backlog",
    "CannotSeal",
    "Consistency",
    "Cursor",
    "CursorOutdated",
    "CursorUnreadable",
    "Drained",
    "Entry",
    "EntryNotFound",
    "Inclusion",
    "Kind",
    "NotSealed",
    "Page",
    "PersonNotFound",
    "Place",
    "Report",
    "SealingRun",
    "StreamState",
    "Swept",
    "append",
    "append_at_once",
    "append_later",
    "count_entries",
    "drain",
    "erase_person",
    "export_lines",
    "flush_stream",
    "forget_people",
    "get_entry",
    "is_tag",
    "list_entries",
    "marker_of",
    "people_by_key",
    "prove_consistency",
    "prove_inclusion",
    "read_page",
    "reseal_people",
    "seal_all",
    "seal_personal",
    "sealing_backlog",
    "stop_stream",
    "stream_length",
    "stream_state",
    "sweep_entries",
    "tag_of",
    "tagged_actor",
    "verify",
]
