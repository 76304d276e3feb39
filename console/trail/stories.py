"""Which entries belong together: a refusal, its challenge, what became of that, and what it left."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from audit.api import Entry, Kind
from authlevels import api as authlevels
from console.trail.wording import dig, instant_of

type Story = list[Entry]

PATIENCE: Final = timedelta(minutes=30)
"""How long after a refusal its story may go on: a quarter of an hour to begin, ten minutes to answer, and some."""

MOST_AT_ONCE: Final = 5_000
"""How many stories may wait behind one that is still going on; then it is told as far as it has come."""


@dataclass(slots=True, eq=False)
class _Open:
    entries: Story
    is_going_on: bool
    until: datetime | None = None
    keys: list[object] = field(default_factory=list)


def stories(entries: Iterable[Entry]) -> Iterator[Story]:
    """Gather entries, oldest first, into stories, in the order of their beginnings.

    What comes after its story was told is a story of its own.
    """
    waiting: deque[_Open] = deque()
    by_key: dict[object, _Open] = {}
    for entry in entries:
        found = next((by_key[key] for key in _continues(entry) if _is_in(by_key.get(key), entry)), None)
        if found is None:
            found = _Open([entry], is_going_on=_may_go_on(entry))
            waiting.append(found)
        else:
            found.entries.append(entry)
        if entry.kind == Kind.ELEVATION_CREATED:
            found.until = _until(entry)
        if found.is_going_on:
            for key in _leads_to(entry):
                by_key[key] = found
                found.keys.append(key)
        for key in _once(entry):
            by_key.pop(key, None)
        while waiting and _is_over(waiting[0], entry.at, len(waiting)):
            yield _told(waiting.popleft(), by_key)
    while waiting:
        yield _told(waiting.popleft(), by_key)


def _is_in(story: _Open | None, entry: Entry) -> bool:
    # What went ahead after the elevation's end went ahead for another reason.
    return story is not None and (entry.kind != Kind.DECISION or story.until is None or entry.at < story.until)


def _until(entry: Entry) -> datetime | None:
    try:
        return instant_of(entry.payload.get("expires_at"))
    except ValueError:
        return None


def _told(story: _Open, by_key: dict[object, _Open]) -> Story:
    for key in story.keys:
        if by_key.get(key) is story:
            del by_key[key]
    return story.entries


def _is_over(story: _Open, now: datetime, count: int) -> bool:
    return not story.is_going_on or now - story.entries[0].at > PATIENCE or count > MOST_AT_ONCE


def _may_go_on(entry: Entry) -> bool:
    return entry.kind == Kind.CHALLENGE_OPENED or (
        entry.kind == Kind.DECISION and dig(entry.payload, "decision", "outcome") == "step_up"
    )


def _leads_to(entry: Entry) -> Iterator[object]:
    """Name what later entries of the story refer to."""
    payload = entry.payload
    if entry.kind == Kind.DECISION:
        yield "decision", authlevels.decision_ref(entry.id)
    for member in ("challenge", "elevation"):
        if isinstance(payload.get(member), str):
            yield member, payload[member]
    if entry.kind == Kind.ELEVATION_CREATED:
        yield _goes_ahead(entry.session_id, payload.get("action"))


def _continues(entry: Entry) -> Iterator[object]:
    """Name what an entry refers to."""
    payload = entry.payload
    if entry.kind == Kind.DECISION:
        if dig(payload, "decision", "outcome") == "allow" and dig(payload, "facts", "purpose") != "display":
            yield _goes_ahead(entry.session_id, dig(payload, "facts", "action_name"))
        return
    if entry.kind == Kind.CHALLENGE_OPENED:
        yield "decision", payload.get("decision")
        return
    for member in ("challenge", "elevation"):
        if isinstance(payload.get(member), str):
            yield member, payload[member]


def _once(entry: Entry) -> Iterator[object]:
    """Name what the entry has settled: the request that went ahead is told with the refusal, those after it alone."""
    if entry.kind == Kind.DECISION and dig(entry.payload, "decision", "outcome") == "allow":
        yield _goes_ahead(entry.session_id, dig(entry.payload, "facts", "action_name"))


def _goes_ahead(session_id: UUID | None, action: object) -> object:
    return "goes_ahead", session_id, action
