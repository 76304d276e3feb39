"""The copies of checkpoints beside those of the database: which of the two is believed, and where they differ."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.checkpoints import Kept, checkpoints_after, digest_of
from audit.copies import read_copies, read_copy
from audit.findings import Findings
from audit.verifier import Checkpoint, Signed, Unreadable

_AT_ONCE = 200


@dataclass(slots=True)
class CopyBook:
    """Where each checkpoint's copy stands."""

    places: dict[int, tuple[Path, int, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: Path, findings: Findings) -> "CopyBook":
        """Read a directory of copies."""
        book = cls()
        unreadable = 0
        for path, start, signed, number in read_copies(directory):
            if signed is None:
                unreadable += 1
                continue
            digest = digest_of(signed.body)
            known = book.places.setdefault(number, (path, start, digest))
            if known[2] != digest:
                findings.say(f"the copies hold two checkpoints {number} that differ: the tree was forked.")
        if unreadable:
            findings.remarks.append(f"{unreadable} lines of the copies cannot be read: cut short, or written over.")
        return book

    def get(self, number: int) -> Signed | None:
        """Read the copy of a checkpoint."""
        place = self.places.get(number)
        return None if place is None else read_copy(place[0], place[1])


class Believed:
    """Checkpoints in their order, as far as they can be believed: a copy before what the database holds."""

    def __init__(self, book: CopyBook | None, keys: dict[str, Ed25519PublicKey], findings: Findings) -> None:
        self._book = book
        self._keys = keys
        self._findings = findings
        self._waiting: list[Kept] = []
        self._read_up_to = 0
        self._before: tuple[Checkpoint, str] | None = None
        self._uncopied: list[int] = []

    def next(self, number: int) -> tuple[bool, Checkpoint | None, Kept | None]:
        """Say whether there is a checkpoint of this number or a later one, and give it as it is believed and kept."""
        kept = self._kept(number)
        last_copied = max(self._book.places, default=0) if self._book else 0
        if kept is None and not self._waiting and number > last_copied:
            return False, None, None
        copy = self._book.get(number) if self._book else None
        told = self._told(number, copy, "the copy of ")
        stored = self._told(number, kept.signed if kept else None, "")
        if kept is None:
            known = f": its copy of {told.at} holds {told.size} entries" if told else ""
            self._findings.say(f"checkpoint {number} was removed from the database{known}.")
        elif copy is not None and copy.body != kept.signed.body:
            self._findings.say(f"checkpoint {number} is not what its copy says: it was changed, or the tree set back.")
        elif self._book is not None and copy is None:
            self._lacks_copy(number, is_last=number > last_copied)
        found = told or stored
        if found is not None:
            self._follow(found, copy.body if told and copy else kept.signed.body if kept else "")
        return True, found, kept

    def end(self) -> None:
        """Say which have no copy yet."""
        if self._uncopied:
            first, last = self._uncopied[0], self._uncopied[-1]
            self._findings.remarks.append(f"Checkpoints {first} to {last} are not copied yet.")
        if self._book is None:
            self._findings.remarks.append("Without copies, checkpoints that were cut off at the end cannot be missed.")

    def _kept(self, number: int) -> Kept | None:
        if not self._waiting:
            self._waiting = checkpoints_after(self._read_up_to, limit=_AT_ONCE)
            if self._waiting:
                self._read_up_to = self._waiting[-1].number
        if self._waiting and self._waiting[0].number == number:
            return self._waiting.pop(0)
        return None

    def _told(self, number: int, signed: Signed | None, whose: str) -> Checkpoint | None:
        if signed is None:
            return None
        try:
            told = Checkpoint.read(signed.body)
        except Unreadable as error:
            self._findings.say(f"{whose}checkpoint {number} was changed: {error}.")
            return None
        if not signed.holds(self._keys):
            self._findings.say(f"{whose}checkpoint {number} was changed: no believed key signed it ({signed.key_id}).")
            return None
        if told.number != number:
            self._findings.say(f"{whose}checkpoint {number} was changed: it is number {told.number}.")
            return None
        return told

    def _lacks_copy(self, number: int, *, is_last: bool) -> None:
        if is_last:
            self._uncopied.append(number)
        else:
            self._findings.say(f"the copy of checkpoint {number} was removed: later ones are there.")

    def _follow(self, told: Checkpoint, body: str) -> None:
        before = self._before
        self._before = told, digest_of(body)
        if before is None or before[0].number != told.number - 1:
            return
        is_next = told.previous == before[1] and told.trail == before[0].trail
        if not is_next or told.previous_size != before[0].size or told.size < told.previous_size:
            self._findings.say(f"checkpoint {told.number} does not follow checkpoint {before[0].number}.")
