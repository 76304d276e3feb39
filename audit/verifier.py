"""Checks an export of the trail with nothing but the file and the public key.

Usage: ``python verifier.py export.jsonl --key public.pem`` (or ``python -m audit.verifier``). This one file and the
package ``cryptography`` are all that it needs, so that an auditor can read it, take it away, and believe neither the
database nor whoever runs it. Exit code: 0 when everything holds, 1 when something was found, 2 when it cannot check.

Hashes are those of RFC 6962 section 2.1 (SHA-256; a leaf begins with 0x00, a node with 0x01); proofs are checked by
the algorithms of RFC 9162 section 2.1.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

CHECKPOINT_FORMAT: Final = "tiergate checkpoint 1"
EXPORT_FORMAT: Final = "tiergate export 1"
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
MARK_BYTES: Final = 8
"""How much of each new leaf's hash a checkpoint repeats, so that a changed entry can be named from it alone."""

LEAF_FORMAT: Final = b"tiergate entry 1"
FIELDS: Final = (
    *("id", "tenant_id", "seq", "kind", "at", "subject_type", "subject_id", "session_id", "payload", "xid"),
    *("ordinal", "previous_seq"),
)
"""An entry's columns, in the order in which they are hashed; ``at`` is UTC to the microsecond, ``payload`` the text
of PostgreSQL's jsonb. ``ordinal`` and ``previous_seq`` chain it to its tenant's entry before it."""
_NUMBERS: Final = frozenset({"seq", "ordinal", "previous_seq"})


class Unreadable(Exception):
    """What was given cannot be read as what it should be."""


_BROKEN: Final = (Unreadable, AttributeError, KeyError, TypeError, ValueError, RecursionError)


def leaf_bytes(entry: Mapping[str, Any]) -> bytes:
    """Encode an entry for hashing: each field's length in four bytes, then its UTF-8; null has no length of its own.

    :raises Unreadable: a field is missing or of another type.
    """
    parts = [LEAF_FORMAT]
    for name in FIELDS:
        value = entry.get(name)
        if value is None and name == "session_id":
            parts.append(b"\xff\xff\xff\xff")
            continue
        if type(value) is not (int if name in _NUMBERS else str):
            raise Unreadable(f"its {name} is of another type")
        text = str(value).encode("utf-8", "surrogatepass")
        parts.append(len(text).to_bytes(4, "big") + text)
    return b"".join(parts)


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees to one (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_path(leaf: bytes, *, position: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Compute the root that an inclusion proof leads to; None where it fits no tree of that size.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= position < size:
        return None
    place, last, found = position, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return found if last == 0 else None


def is_consistent(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether a tree has only grown from the old one, by RFC 9162 section 2.1.4.2."""
    if old_size == new_size:
        return old_root == new_root and not proof
    if old_size == 0:
        return old_root == EMPTY_ROOT and not proof
    if old_size > new_size or not proof:
        return False
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def key_id(public: bytes) -> str:
    """Name a public key (32 raw bytes) by its fingerprint."""
    return hashlib.sha256(public).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Signed:
    """A text, who says to have signed it, and the signature (Ed25519, RFC 8032, over the text's UTF-8)."""

    body: str
    key_id: str
    signature: bytes

    @classmethod
    def read(cls, told: Any) -> "Signed":
        """Read one from JSON. :raises Unreadable: it is none."""
        try:
            body, key, signature = told["body"], told["key_id"], told["signature"]
            return cls(str(body), str(key), base64.b64decode(signature, validate=True))
        except _BROKEN as error:
            raise Unreadable("it is not signed as it should be") from error

    def holds(self, keys: Mapping[str, Ed25519PublicKey]) -> bool:
        """Say whether one of these keys signed it; an unknown key signs nothing."""
        key = keys.get(self.key_id)
        if key is None:
            return False
        try:
            key.verify(self.signature, self.body.encode("utf-8", "surrogatepass"))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The tree at one size: what a signature says.

    previous: SHA-256 of the body before it, in hex; empty for the first. horizon: which entries the tree holds
    (`Horizon`). marks: the beginnings of the hashes of the leaves since the one before.
    """

    trail: str
    number: int
    size: int
    root: bytes
    previous: str
    previous_size: int
    at: str
    horizon: "Horizon"
    marks: bytes

    @classmethod
    def read(cls, body: str) -> "Checkpoint":
        """Read a checkpoint's body. :raises Unreadable: it is none."""
        try:
            told = json.loads(body)
            is_one = told.pop("format") == CHECKPOINT_FORMAT
            told |= {name: int(told[name]) for name in ("number", "size", "previous_size")}
            told |= {"root": bytes.fromhex(told["root"]), "horizon": Horizon(**told["horizon"])}
            found = cls(**told | {"marks": base64.b64decode(told["marks"], validate=True)})
        except _BROKEN as error:
            raise Unreadable("a checkpoint cannot be read") from error
        if not is_one:
            raise Unreadable("a checkpoint is of another format")
        return found


@dataclass(frozen=True, slots=True)
class Horizon:
    """Which entries are in a tree: everything that lies before it, so that what appears there later was slipped in.

    Entries lie before it by transaction (``xid``), then by ``seq``. Those up to ``after_seq`` are from before the
    database counted its transactions as it does now: they are carried over first, in the same order, and are all in
    once that is done. cluster: whose transactions are counted.
    """

    cluster: str
    after_seq: int
    is_carrying: bool
    xid: int
    seq: int

    def covers(self, *, xid: int, seq: int) -> bool:
        """Say whether an entry lies before it."""
        is_before = (xid, seq) < (self.xid, self.seq)
        return is_before if self.is_carrying == (seq <= self.after_seq) else not self.is_carrying


def name_entry(entry: Mapping[str, Any]) -> str:
    """Name an entry as findings do."""
    told = (entry.get(name, "?") for name in ("tenant_id", "seq", "id", "kind", "at"))
    return "the entry of tenant {} with seq {}, id {} ({} at {})".format(*told)


@dataclass(slots=True)
class _Chain:
    """The entries of one tenant as far as they were read: the last one's ordinal, and the gaps left before it."""

    last: int = 0
    gaps: list[tuple[int, int, int]] = field(default_factory=list)

    def follow(self, ordinal: int, previous_seq: int) -> bool:
        """Take the next one; False where it should have stood before."""
        if ordinal > self.last:
            if ordinal > self.last + 1:
                self.gaps.append((self.last + 1, ordinal - 1, previous_seq))
            self.last = ordinal
            return True
        for gap in self.gaps:
            first, final, seq = gap
            if first <= ordinal <= final:
                self.gaps.remove(gap)
                self.gaps += [
                    part for part in ((first, ordinal - 1, 0), (ordinal + 1, final, seq)) if part[0] <= part[1]
                ]
                break
        return False


class ExportCheck:
    """One export, read line by line."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = keys
        self._chains: dict[str, _Chain] = {}
        self._position = -1
        self._said: Mapping[str, Any] = {}
        self._checkpoint: Checkpoint | None = None
        self.findings: list[str] = []
        self.remarks: list[str] = []
        self.proved = self.unsealed = 0

    def _find(self, sentence: str) -> None:
        self.findings.append(sentence[:1].upper() + sentence[1:])

    def begin(self, line: str) -> None:
        """Read the first line: what the export says to hold, and the checkpoint that its proofs lead to.

        :raises Unreadable: it is no export.
        """
        try:
            head = Signed.read(json.loads(line))
            self._said = json.loads(head.body)
            is_export = self._said["format"] == EXPORT_FORMAT
            self._begin_tree(self._said["checkpoint"], self._said["older"])
        except _BROKEN as error:
            raise Unreadable(f"its first line begins no export ({error})") from error
        if not (is_export and head.holds(self._keys)):
            self._find("the first line, which says what there is, is not signed by a known key.")

    def _begin_tree(self, newest: Any, older: Any) -> None:
        if newest is None:
            return
        self._checkpoint = told = self._signed_checkpoint(newest)
        if older is not None:
            before, proof = self._signed_checkpoint(older["checkpoint"]), map(base64.b64decode, older["proof"])
            if not is_consistent(before.size, before.root, told.size, told.root, list(proof)):
                self._find(f"checkpoint {told.number} does not hold all that checkpoint {before.number} held.")
            else:
                self.remarks.append(f"It holds all that checkpoint {before.number} ({before.at}) held, unchanged.")

    def _signed_checkpoint(self, told: Any) -> Checkpoint:
        signed = Signed.read(told)
        checkpoint = Checkpoint.read(signed.body)
        if not signed.holds(self._keys):
            self._find(f"checkpoint {checkpoint.number} is not signed by a known key: it proves nothing.")
        return checkpoint

    def take(self, number: int, line: str) -> None:
        """Read one entry."""
        try:
            entry = json.loads(line)
            if self._said.get("tenant") not in {None, entry.get("tenant_id")}:
                self._find(f"{name_entry(entry)} is of another tenant.")
            if entry.get("position") is None:
                self._take_unsealed(entry)
            else:
                self._take_sealed(entry)
        except _BROKEN as error:
            self._find(f"line {number} is no entry: {error}.")

    def _take_unsealed(self, entry: Mapping[str, Any]) -> None:
        self.unsealed += 1
        if self._checkpoint and self._checkpoint.horizon.covers(xid=int(entry["xid"]), seq=int(entry["seq"])):
            self._find(
                f"{name_entry(entry)} was inserted: it says to be from before checkpoint {self._checkpoint.number}, "
                "which does not hold it."
            )

    def _take_sealed(self, entry: Mapping[str, Any]) -> None:
        position, ordinal, tenant = entry["position"], entry["ordinal"], entry["tenant_id"]
        hashed = leaf_hash(leaf_bytes(entry))
        if self._checkpoint is None:
            raise Unreadable("it says to be sealed, but there is no checkpoint")
        path = [base64.b64decode(one, validate=True) for one in entry["proof"]]
        root = root_of_path(hashed, position=position, size=self._checkpoint.size, path=path)
        is_true = root == self._checkpoint.root
        chain = self._chains.setdefault(tenant, _Chain())
        is_next = is_true and chain.follow(ordinal, entry["previous_seq"])
        if not is_true:
            # It stands where the true one stood; what it says of its place is believed no further.
            chain.last += ordinal == chain.last + 1
            self._find(f"{name_entry(entry)} was changed or inserted: the sealed tree does not hold it so.")
        elif position <= self._position or not is_next:
            self._find(f"{name_entry(entry)} was reordered or repeated: it was sealed before the one above it.")
        else:
            self._position = position
        self.proved += is_true

    def end(self) -> None:
        """Say what is missing."""
        for tenant, chain in sorted(self._chains.items()):
            for first, final, seq in sorted(chain.gaps):
                named = f", the last of them with seq {seq}" if seq else ""
                self._find(f"entries {first} to {final} of tenant {tenant} were removed{named}.")
        for tenant, (ordinal, seq, entry_id) in sorted(dict(self._said.get("last", {})).items()):
            last = self._chains.get(tenant, _Chain()).last
            if last < ordinal:
                self._find(
                    f"entries {last + 1} to {ordinal} of tenant {tenant} were removed, "
                    f"the last of them with seq {seq}, id {entry_id}."
                )
            elif last > ordinal:
                self._find(f"tenant {tenant} has more entries than the {ordinal} that were exported.")
        if not isinstance(unsealed := self._said.get("unsealed"), int) or unsealed != self.unsealed:
            self._find(f"{self.unsealed} entries are not sealed, where {unsealed} were exported.")
        if (told := self._checkpoint) is not None:
            self.remarks.append(f"{self.proved} entries are proved by checkpoint {told.number} of {told.at}.")
        if self.unsealed:
            self.remarks.append(f"{self.unsealed} entries are not sealed yet: nothing proves them.")


def load_keys(paths: Iterable[Path]) -> dict[str, Ed25519PublicKey]:
    """Read public keys from PEM files, by fingerprint. :raises Unreadable: one is no Ed25519 public key."""
    keys: dict[str, Ed25519PublicKey] = {}
    for path in paths:
        try:
            key = load_pem_public_key(path.read_bytes())
        except ValueError as error:
            raise Unreadable(f"{path} is no public key in PEM") from error
        if not isinstance(key, Ed25519PublicKey):
            raise Unreadable(f"{path} is no Ed25519 key")
        keys[key_id(key.public_bytes_raw())] = key
    return keys


def check_export(lines: Iterator[str], keys: Mapping[str, Ed25519PublicKey]) -> ExportCheck:
    """Check a whole export. :raises Unreadable: it does not begin as one."""
    check = ExportCheck(keys)
    check.begin(next(lines, ""))
    for number, line in enumerate(lines, start=2):
        check.take(number, line)
    check.end()
    return check


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the file that the command line names, say what was found, and return the exit code."""
    parser = argparse.ArgumentParser(description="Check an export of the trail against a public key.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", type=Path, action="append", required=True, help="PEM; again for more than one")
    chosen = parser.parse_args(arguments)
    try:
        with chosen.export.open(encoding="utf-8") as file:
            check = check_export(iter(file), load_keys(chosen.key))
    except (OSError, Unreadable, UnicodeDecodeError) as error:
        sys.stderr.write(f"This cannot be checked: {error}.\n")
        return 2
    for sentence in (*check.findings, *check.remarks):
        sys.stdout.write(f"{sentence}\n")
    sys.stdout.write("Everything holds.\n" if not check.findings else f"{len(check.findings)} findings.\n")
    return 1 if check.findings else 0


if __name__ == "__main__":
    sys.exit(main())
