"""What PostgreSQL cannot store becomes U+FFFD: an entry with one odd character is worth more than none."""

import re
from typing import Final

from audit.people import MAX_NAME, storable

# An odd number of backslashes before u0000: the escape of NUL, and not of a backslash.
_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def without_nul(encoded: bytes) -> bytes:
    """Return encoded JSON without escaped NUL characters."""
    # Most holds no backslash at all, which is found out many times faster.
    if b"\\" in encoded and b"\\u0000" in encoded:
        return _NUL_ESCAPE.sub(rb"\1\\ufffd", encoded)
    return encoded


def storable_json(encoded: bytes) -> str:
    """Return encoded JSON as text without escaped NUL characters."""
    return without_nul(encoded).decode()


def storable_bytes(text: str) -> bytes:
    """Return a text as `audit.people.storable` makes it, in UTF-8; what is plain is not looked at again."""
    if len(text) > MAX_NAME or not text.isascii() or "\x00" in text:
        text = storable(text)
    return text.encode()
