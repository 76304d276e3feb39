"""Read a YAML file into plain JSON values that remember their lines.

It reads less than YAML allows, since a file that decides who may do what must mean one thing: scalars are those
of JSON (YAML 1.2's core without its odd numbers), so that ``on``, ``no`` and ``2026-11-22`` are text; no aliases,
which can make a small file huge; no tags, which can name code; no key twice, of which one would be lost.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from licensing.catalog_file.mistakes import FileRefused, Mistake, Place, dotted, shown

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 24
MAX_MISTAKES: Final = 200
_MAX_WHOLE: Final = 2**63 - 1

_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

# libyaml's parser where the wheel has it: the other one takes half a minute for a megabyte.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that could be read.

    value: plain JSON values. lines: place in the file -> line, from 1 on; of a member, its key's line.
    unread: places whose values are not known, because of mistakes that are told already.
    """

    name: str
    value: Any
    lines: Mapping[Place, int]
    unread: frozenset[Place] = frozenset()
    mistakes: tuple[Mistake, ...] = ()

    def line(self, path: Place) -> int:
        """Give the line of a place, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def mistake(self, path: Place, sentence: str) -> Mistake:
        """Make a mistake of a place; the sentence goes on where the place's name ends."""
        return Mistake(self.line(path), f"{dotted(path)} {sentence}")

    def is_unread(self, path: Place) -> bool:
        """Say whether a place lies in something that could not be read."""
        return any(path[:length] in self.unread for length in range(len(path) + 1))


def read_file(path: str) -> Document:
    """Read a YAML file from disk.

    :raises FileRefused: it cannot be opened, is larger than a mebibyte, or is no YAML in UTF-8.
    """
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise FileRefused(path, [Mistake(1, f"The file cannot be read: {why}.")]) from error
    return read_text(path, raw)


def read_text(name: str, raw: bytes) -> Document:
    """Read YAML from bytes; ``name`` is what its mistakes are told of.

    Mistakes after which reading can go on are left in the document, for whoever checks it to tell with theirs.

    :raises FileRefused: it is larger than a mebibyte, no YAML in UTF-8, empty, or nested without end.
    """
    text = _decoded(name, raw)
    reading = _Reading(name)
    try:
        reading.run(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        reading.note(mark.line + 1 if mark else 1, f"This is not YAML: {said}.")
        raise FileRefused(name, reading.mistakes) from error
    except yaml.YAMLError as error:
        raise FileRefused(name, [*reading.mistakes, Mistake(1, f"This is not YAML: {error}.")]) from error
    return Document(
        name=name,
        value=reading.value,
        lines=reading.lines,
        unread=frozenset(reading.unread),
        mistakes=tuple(reading.mistakes),
    )


def _decoded(name: str, raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise FileRefused(name, [Mistake(1, f"The file is larger than {MAX_BYTES} bytes.")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileRefused(name, [Mistake(line, "The file is not UTF-8.")]) from error
    odd = _UNPRINTABLE.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        raise FileRefused(name, [Mistake(line, f"The character U+{ord(odd[0]):04X} may not stand in a file.")])
    return text


class _Reading:
    """One pass over the events of a file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: Any = None
        self.lines: dict[Place, int] = {}
        self.unread: set[Place] = set()
        self.mistakes: list[Mistake] = []

    def run(self, events: Iterator[Event]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop(event, "A second document begins here; a file holds one.")
            elif isinstance(event, NodeEvent):
                self.value = self.node(event, events, ())
        if not documents or self.value is None:
            raise FileRefused(self.name, [*self.mistakes, Mistake(1, "The file is empty.")])

    def note(self, line: int, sentence: str) -> None:
        self.mistakes.append(Mistake(line, sentence))
        if len(self.mistakes) >= MAX_MISTAKES:
            raise FileRefused(self.name, [*self.mistakes, Mistake(line, "There are more mistakes than are told here.")])

    def stop(self, event: Event, sentence: str) -> None:
        raise FileRefused(self.name, [*self.mistakes, Mistake(_line(event), sentence)])

    def node(self, event: NodeEvent, events: Iterator[Event], path: Place) -> Any:
        self.lines.setdefault(path, _line(event))
        if isinstance(event, AliasEvent):
            self.note(_line(event), f"Aliases such as {shown('*' + str(event.anchor))} are not read: write it out.")
            self.unread.add(path)
            return None
        if event.anchor is not None:
            self.note(_line(event), f"Anchors such as {shown('&' + event.anchor)} are not read: leave it out.")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.note(_line(event), f"Tags such as {shown(str(tag))} are not read: quote what is text.")
            self.unread.add(path)
        if isinstance(event, ScalarEvent):
            return self.scalar(event, path)
        if len(path) >= MAX_DEPTH:
            self.stop(event, f"The file is nested more than {MAX_DEPTH} deep.")
        return self.mapping(events, path) if isinstance(event, MappingStartEvent) else self.sequence(events, path)

    def mapping(self, events: Iterator[Event], path: Place) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for event in events:
            if isinstance(event, CollectionEndEvent):
                break
            key = self.key(event, events, path)
            value_event = next(events)
            if not isinstance(value_event, NodeEvent):  # cannot be, in a stream that the parser made
                self.stop(value_event, "This is not YAML.")
                continue
            if key is None:
                self.skip(value_event, events)
            elif key in out:
                before = self.lines[(*path, key)]
                self.note(_line(event), f"{dotted((*path, key))} was given on line {before} already.")
                self.skip(value_event, events)
            else:
                self.lines[(*path, key)] = _line(event)
                out[key] = self.node(value_event, events, (*path, key))
        return out

    def key(self, event: Event, events: Iterator[Event], path: Place) -> str | None:
        """Read a key; None when it is not one, which is told."""
        if not isinstance(event, ScalarEvent):
            if isinstance(event, NodeEvent):
                self.note(_line(event), f"A key in {dotted(path)} is no text.")
                self.skip(event, events)
            return None
        if event.anchor is not None or event.tag is not None:
            self.note(_line(event), f"Anchors and tags are not read: {shown(event.value)} cannot be a key with one.")
            return None
        if _UNSTORABLE.search(event.value):
            self.note(_line(event), f"A key in {dotted(path)} holds a character that cannot be stored.")
            return None
        if _is_plain(event) and (event.value in _NULLS or event.value in _BOOLEANS or _NUMBER.fullmatch(event.value)):
            self.note(
                _line(event), f"The key {shown(event.value)} in {dotted(path)} is no text: if it is meant so, quote it."
            )
            return None
        return str(event.value)

    def sequence(self, events: Iterator[Event], path: Place) -> list[Any]:
        out: list[Any] = []
        for event in events:
            if not isinstance(event, NodeEvent):
                break
            out.append(self.node(event, events, (*path, len(out))))
        return out

    def skip(self, event: NodeEvent, events: Iterator[Event]) -> None:
        """Pass over a value whose place is not known, however deep it is."""
        depth = 0
        current: Event = event
        while True:
            if isinstance(current, (MappingStartEvent, SequenceStartEvent)):
                depth += 1
                if depth > MAX_DEPTH:
                    self.stop(current, f"The file is nested more than {MAX_DEPTH} deep.")
            elif isinstance(current, CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return
            current = next(events)

    def scalar(self, event: ScalarEvent, path: Place) -> Any:
        text = event.value
        if _UNSTORABLE.search(text):
            self.note(_line(event), f"{dotted(path)} holds a character that cannot be stored (NUL or half of a pair).")
            self.unread.add(path)
            return None
        if not _is_plain(event) or event.tag is not None:
            return text
        if text in _NULLS:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        return self.number(event, path) if _NUMBER.fullmatch(text) else text

    def number(self, event: ScalarEvent, path: Place) -> int | float | None:
        text = event.value
        if _WHOLE.fullmatch(text):
            # The length first: Python itself refuses to read thousands of digits.
            if len(text) <= len(str(-_MAX_WHOLE)) and abs(whole := int(text)) <= _MAX_WHOLE:
                return whole
        elif math.isfinite(number := float(text)):
            return number
        self.note(_line(event), f"{dotted(path)} is a number too large for 64 bits. If it is text, quote it.")
        self.unread.add(path)
        return None


def _is_plain(event: ScalarEvent) -> bool:
    # libyaml says '' where the other parser says None.
    return not event.style


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
