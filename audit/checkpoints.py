"""Checkpoints as the database keeps them."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import connections

from audit.verifier import CHECKPOINT_FORMAT, Checkpoint, Signed

SWEEP: Final = "sweep"
_COLUMNS: Final = "number, body, key_id, signature, peaks"


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored checkpoint: its number by the table, what was signed, and where the tree grows on."""

    number: int
    signed: Signed
    peaks: list[bytes]

    def told(self) -> Checkpoint:
        """Read what it says. :raises Unreadable: somebody wrote over it."""
        return Checkpoint.read(self.signed.body)


def body_of(checkpoint: Checkpoint) -> str:
    """Write a checkpoint as it is signed: one line of JSON."""
    told = asdict(checkpoint) | {
        "format": CHECKPOINT_FORMAT,
        "root": checkpoint.root.hex(),
        "marks": base64.b64encode(checkpoint.marks).decode(),
    }
    return json.dumps(told, separators=(",", ":"), sort_keys=True)


def digest_of(body: str) -> str:
    """Hash a body, as the next checkpoint names it."""
    return hashlib.sha256(body.encode()).hexdigest()


def as_json(signed: Signed) -> dict[str, str]:
    """Write a signed text for JSON, as `audit.verifier.Signed.read` takes it."""
    return {
        "body": signed.body,
        "key_id": signed.key_id,
        "signature": base64.b64encode(signed.signature).decode(),
    }


def newest_checkpoint() -> Kept | None:
    """Read the last checkpoint; None while there is none."""
    return next(_read(f"SELECT {_COLUMNS} FROM audit_checkpoint ORDER BY number DESC LIMIT 1", []), None)  # noqa: S608 - a constant


def find_checkpoint(number: int) -> Kept | None:
    """Read one checkpoint by its number."""
    return next(_read(f"SELECT {_COLUMNS} FROM audit_checkpoint WHERE number = %s", [number]), None)  # noqa: S608 - a constant


def checkpoints_after(number: int, *, limit: int) -> list[Kept]:
    """Read the checkpoints behind a number, in their order."""
    return list(
        _read(f"SELECT {_COLUMNS} FROM audit_checkpoint WHERE number > %s ORDER BY number LIMIT %s", [number, limit])  # noqa: S608 - a constant
    )


def store_checkpoint(checkpoint: Checkpoint, signed: Signed, peaks: list[bytes]) -> None:
    """Add a checkpoint; its number is taken once."""
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_checkpoint (number, size, at, body, key_id, signature, peaks) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                *(checkpoint.number, checkpoint.size, checkpoint.at, signed.body, signed.key_id),
                *(signed.signature, b"".join(peaks)),
            ],
        )


def _read(query: str, parameters: list[Any]) -> Iterator[Kept]:
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(query, parameters)
        for number, body, key, signature, peaks in cursor.fetchall():
            joined = bytes(peaks)
            hashes = [joined[start : start + 32] for start in range(0, len(joined), 32)]
            yield Kept(number, Signed(body, key, bytes(signature)), hashes)
