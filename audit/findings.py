"""What a verification finds, in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from audit.verifier import name_entry

MAX_SENTENCES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found.

    findings: what is not as it was sealed, a sentence each, a thousand at most; ``count`` says how many there are.
    remarks: what somebody should know who relies on it. sealed, unsealed: entries in the tree, and not yet.
    oldest_unsealed: when the first of those happened.
    """

    findings: tuple[str, ...]
    count: int
    remarks: tuple[str, ...]
    sealed: int
    unsealed: int
    oldest_unsealed: str | None

    @property
    def is_true(self) -> bool:
        """Say whether everything that was sealed stands as it was sealed."""
        return self.count == 0


@dataclass(slots=True)
class Findings:
    """What was found so far; ``named`` are the ids of entries that a sentence told of."""

    sentences: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    count: int = 0
    named: set[str] = field(default_factory=set)

    def say(self, sentence: str, *entries: Mapping[str, Any]) -> None:
        """Add a sentence; entries in it are the ones that it is about."""
        self.count += 1
        self.named.update(str(entry["id"]) for entry in entries)
        if len(self.sentences) < MAX_SENTENCES:
            self.sentences.append(sentence[:1].upper() + sentence[1:])

    def say_of(self, entry: Mapping[str, Any], what: str) -> None:
        """Add a sentence about an entry."""
        self.say(f"{name_entry(entry)} {what}", entry)
