"""Entries on their way: how one is encoded, how a batch is written, and where in Valkey batches lie."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from django.conf import settings

from isolation.api import check_vouched, vouched

_PURPOSE: Final = "entries"


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One entry on its way. payload: encoded JSON; session_id: empty for none."""

    tenant_id: bytes
    entry_id: bytes
    kind: str
    at: datetime
    subject_type: str
    subject_id: str
    session_id: bytes
    payload: bytes


encode_record = msgspec.msgpack.Encoder().encode
read_record = msgspec.msgpack.Decoder(Record).decode


def stream_key() -> str:
    """Name the stream."""
    return f"{settings.VALKEY_PREFIX}:entries"


def stored_key() -> str:
    """Name the key that says up to which id of the stream everything is stored."""
    return f"{settings.VALKEY_PREFIX}:entries:stored"


def life_key() -> str:
    """Name the key that a wiped server has no longer."""
    return f"{settings.VALKEY_PREFIX}:entries:life"


def joined(records: Iterable[bytes]) -> bytes:
    """Join encoded records into one batch."""
    return b"".join([part for one in records for part in (len(one).to_bytes(4), one)])


def message_of(batch: bytes) -> dict[Any, Any]:
    """Write a batch as an entry of the stream. Whoever else writes to Valkey has not the key that vouches for it."""
    return {b"r": batch, b"v": vouched(batch, purpose=_PURPOSE)}


def batch_of(message: Mapping[bytes, bytes]) -> bytes | None:
    """Read an entry of the stream as a batch; None for one that no process of this installation sent.

    :raises SecretUnreadable: it is vouched for by a key that this process has not.
    """
    batch = message.get(b"r", b"")
    return batch if check_vouched(batch, message.get(b"v", b""), purpose=_PURPOSE) else None


def split(batch: bytes) -> Iterable[bytes]:
    """Part a batch into its encoded records."""
    at = 0
    while at < len(batch):
        end = at + 4 + int.from_bytes(batch[at : at + 4])
        yield batch[at + 4 : end]
        at = end


def stream_order(stream_id: bytes) -> tuple[int, int]:
    """Read an id of the stream so that later ones compare greater."""
    milliseconds, _, number = stream_id.partition(b"-")
    return int(milliseconds), int(number or 0)
