"""What PostgreSQL cannot store becomes U+FFFD: an entry with one odd character is worth more than none."""

import re
from typing import Final

# An odd number of backslashes before u0000: the escape of NUL, and not of a backslash.
_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def storable_json(encoded: bytes) -> str:
    """Return encoded JSON as text without escaped NUL characters."""
    if b"\\u0000" in encoded:
        encoded = _NUL_ESCAPE.sub(rb"\1\\ufffd", encoded)
    return encoded.decode()
