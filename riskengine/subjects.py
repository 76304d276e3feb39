"""Who a signal is about and how it looked, as a table can hold and index it."""

from hashlib import blake2b
from typing import Any, Final

import msgspec

from riskengine.seen import Seen

type Subject = tuple[str, str]

NOBODY: Final = "nobody"
"""The type of subject by which is counted what is of nobody who is known here."""

MOST_CHARACTERS: Final = 1_000
_MOST_BYTES: Final = 1_280
_MOST_BYTES_BESIDE: Final = 900
_MOST_OF_TYPE: Final = 32


def storable(subject: Subject) -> Subject:
    """Give a subject without NUL and lone surrogates, and no longer than an index takes: whatever was typed as a name may come here.

    INVARIANT: two subjects stay two. What cannot be stored as it is ends in a digest of all of it.
    """
    kind, name = subject
    kept = storable_text(kind)[:_MOST_OF_TYPE], storable_text(name)
    if kept == subject:
        return kept
    digest = blake2b("\x00".join(subject).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return kept[0], f"{kept[1].encode()[:_MOST_BYTES_BESIDE].decode('utf-8', 'ignore')}#{digest}"


def storable_text(text: str | None) -> str:
    """Give a text as above; "" for none."""
    encoded = (text or "")[:MOST_CHARACTERS].replace("\x00", "\ufffd").encode("utf-8", "replace")
    return encoded[:_MOST_BYTES].decode("utf-8", "ignore")


def storable_seen(seen: Seen) -> dict[str, Any]:
    """Give how a request looked, each text of it as above."""
    found: dict[str, Any] = msgspec.to_builtins(seen)
    return {name: storable_text(value) if isinstance(value, str) else value for name, value in found.items()}
