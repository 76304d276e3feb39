"""Entries on their way: how one is encoded, how a batch is written, and where in Valkey batches lie."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from django.conf import settings


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
