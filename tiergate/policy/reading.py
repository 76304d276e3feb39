"""YAML, strictly: mappings, lists and texts; no anchors, tags, directives, double keys, or several documents.

Read by libyaml alone (PyYAML's C parser): two parsers would be two opinions of what a file means.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import yaml
from yaml.cyaml import CLoader

from tiergate.policy import limits
from tiergate.policy.nodes import Listing, Member, Members, Node, Text
from tiergate.policy.places import Style
from tiergate.policy.source import Source, find_odd

_STYLES: Final = {None: Style.PLAIN, "": Style.PLAIN, "'": Style.SINGLE, '"': Style.DOUBLE, "|": Style.LITERAL}
_MERGE: Final = "<<"
# What libyaml says of what people mistype most, and what is to be done about it.
_HINTS: Final = (
    ("mapping values are not allowed", "put a text that holds ': ' in quotes"),
    ("scanning an anchor", "put a text that begins with ! or & in quotes"),
    ("scanning a tag", "put a text that begins with ! in quotes"),
    ("scanning an alias", "put a text that begins with * in quotes"),
    ("cannot start any token", "indent by spaces, and put a text that begins with @, ` or % in quotes"),
    ("did not find expected key", "a text that begins with a quote ends with one: put all of it in quotes"),
)


class _Refused(Exception):
    """What stands in the file is noted; nothing more of it is read."""


def read_all(sources: Mapping[str, Source]) -> dict[str, Node | None]:
    """Read the files of a bundle, by path; what would hold too much between them is noted where it is too much."""
    out: dict[str, Node | None] = {}
    left = limits.MAX_BUNDLE_NODES
    for path, source in sources.items():
        reader = _Reader(source, left)
        out[path] = _read(source, reader)
        left = max(0, left - reader.count)
    return out


def read_yaml(source: Source) -> Node | None:
    """Read one file; None where it cannot be read, and it is noted why. A file may be empty: then too None."""
    return _read(source, _Reader(source, limits.MAX_NODES))


def _read(source: Source, reader: "_Reader") -> Node | None:
    if not source.is_readable():
        return None
    try:
        return reader.read()
    except _Refused:
        return None
    except yaml.MarkedYAMLError as error:
        source.refuse(*_place(source, error), _sentence(error))
    except (yaml.YAMLError, UnicodeError) as error:
        source.refuse(0, 0, f"this is no YAML: {error}".splitlines()[0])
    return None


def _place(source: Source, error: yaml.MarkedYAMLError) -> tuple[int, int]:
    """Tell where people would look: where the file ends too early, at what is not ended."""
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
    seen = [mark for mark in marks if mark.line < len(source.lines) and source.lines[mark.line].strip()]
    return next(((mark.line, mark.column) for mark in (*seen, *marks)), (0, 0))


def _sentence(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "this is no YAML"
    said = f"{problem} ({error.context})" if error.context else problem
    hint = next((hint for words, hint in _HINTS if words in said), "")
    return f"{said}: {hint}" if hint else said


class _Reader:
    """Reads one file. count: how many things it held so far."""

    def __init__(self, source: Source, left: int) -> None:
        self.count = 0
        self._source = source
        # PyYAML's functions carry types; its loaders are classes that mypy is told nothing of.
        self._events = cast("Iterator[Any]", yaml.parse(source.text, Loader=cast("Any", CLoader)))
        self._left = left

    def read(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if event.version or event.tags:
                    self._refuse(event, "directives are not read here")
                if documents > 1:
                    self._refuse(event, "a file holds one document")
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, 0)
        # An empty document is one empty plain text to YAML.
        return None if isinstance(root, Text) and root.style == Style.PLAIN and not root.text else root

    def _node(self, event: Any, depth: int) -> Node:
        self.count += 1
        self._check(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return self._text(event)
        line, column = event.start_mark.line, event.start_mark.column
        if isinstance(event, yaml.SequenceStartEvent):
            items = tuple(self._node(one, depth + 1) for one in self._until(yaml.SequenceEndEvent))
            return Listing(source=self._source, items=items, line=line, column=column)
        return Members(source=self._source, members=self._members(depth + 1), line=line, column=column)

    def _check(self, event: Any, depth: int) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._refuse(event, "anchors and aliases are not read here: write it out")
        if event.tag is not None:
            self._refuse(event, "tags are not read here: put a text that begins with ! in quotes")
        if depth > limits.MAX_DEPTH:
            self._refuse(event, f"nothing goes deeper than {limits.MAX_DEPTH} here")
        if self.count > limits.MAX_NODES:
            self._refuse(event, f"a file holds no more than {limits.MAX_NODES} things")
        if self.count > self._left:
            self._refuse(event, f"a bundle holds no more than {limits.MAX_BUNDLE_NODES} things")

    def _members(self, depth: int) -> dict[str, Member]:
        members: dict[str, Member] = {}
        for event in self._until(yaml.MappingEndEvent):
            key, value = self._node(event, depth), self._node(next(self._events), depth)
            if not isinstance(key, Text):
                key.refuse("a key is a text")
            elif key.text == _MERGE and key.style == Style.PLAIN:
                key.refuse("nothing is merged here: write it out")
            elif key.text in members:
                first = members[key.text].key
                key.refuse(f"{key.text!r} stands here twice, first in line {first.line + 1}")
            else:
                members[key.text] = Member(key=key, value=value)
        return members

    def _until(self, end: type[Any]) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _text(self, event: Any) -> Text:
        start, end = event.start_mark, event.end_mark
        odd = find_odd(event.value)
        if odd is not None:
            self._refuse(event, f"the character U+{ord(odd.group()):04X} is not for texts like this, escaped or not")
        return Text(
            source=self._source,
            text=event.value,
            style=_STYLES.get(event.style, Style.FOLDED),
            line=start.line,
            column=start.column,
            to_line=end.line,
            to_column=end.column,
        )

    def _refuse(self, event: Any, message: str) -> None:
        self._source.refuse(event.start_mark.line, event.start_mark.column, message)
        raise _Refused
