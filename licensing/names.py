"""What may be a name: refused at the door with a sentence, before the database has to."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from licensing.errors import InvalidName, InvalidRange, InvalidTerm

VENDOR_TENANT_ID: Final = UUID(int=0)
VENDOR_SLUG: Final = "vendor"
OWNER: Final = "owner"
"""The role of which a tenant keeps at least one holder."""

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,99}")
_SUBJECT_TYPE: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")

MAX_SUBJECT_ID: Final = 255
MAX_TEXT: Final = 500
MAX_JSON: Final = 16_384
MAX_DEPTH: Final = 32
MAX_LIST: Final = 200
MAX_LIMIT: Final = 2**63 - 1
_FIRST_YEAR: Final = 1000
_LAST_YEAR: Final = 9000


def slug(value: str) -> str:
    """Return a tenant's slug as given.

    :raises InvalidName: not lower-case letters, digits and hyphens, or it reads as an id.
    """
    if not is_slug(value):
        raise InvalidName("A slug is 1 to 63 lower-case letters, digits or hyphens, and must not read as an id.")
    return value


def is_slug(value: str) -> bool:
    """Say whether a text can be a tenant's slug."""
    return bool(_SLUG.fullmatch(value)) and as_uuid(value) is None


def as_uuid(value: str) -> UUID | None:
    """Read an id in any form that is unmistakably one; None where it is none."""
    try:
        return UUID(value)
    except ValueError:
        return None


def is_key(value: str) -> bool:
    """Say whether a text can be a key."""
    return bool(_KEY.fullmatch(value))


def key(value: str, what: str) -> str:
    """Return the key of a feature, action, plan, role or privilege as given.

    what: the thing named, for the sentence.
    :raises InvalidName: anything else than 1 to 100 of ``a-z 0-9 _ . : -``.
    """
    if not is_key(value):
        raise InvalidName(
            f"The name of a {what} is 1 to 100 of a-z, 0-9, '_', '.', ':', '-' and begins with a letter or digit."
        )
    return value


def keys(values: Sequence[str], what: str) -> list[str]:
    """Return keys in order, each once.

    :raises InvalidName: one of them cannot be a key, or there are more than 200.
    """
    if len(values) > MAX_LIST:
        raise InvalidName(f"More than {MAX_LIST} are not accepted in one list of {what} names.")
    return sorted({key(one, what) for one in values})


def is_subject(subject_type: str, subject_id: str) -> bool:
    """Say whether a subject can exist at all, so that an odd one need not be asked of the database."""
    return (
        bool(_SUBJECT_TYPE.fullmatch(subject_type))
        and 0 < len(subject_id) <= MAX_SUBJECT_ID
        and subject_id.isprintable()
        and subject_id == subject_id.strip()
        and unicodedata.is_normalized("NFC", subject_id)
    )


def subject(subject_type: str, subject_id: str) -> tuple[str, str]:
    """Return a subject as given.

    :raises InvalidName: a type that is no lower-case word, or an id that is empty, longer than 255 characters,
        not printable, padded, or not in Unicode's composed form (two ids that look alike would be two people).
    """
    if not is_subject(subject_type, subject_id):
        raise InvalidName(
            "A subject is a lower-case type of at most 32 characters and a printable id of at most 255, "
            "without spaces around it and in composed Unicode form."
        )
    return subject_type, subject_id


def split_subject(text: str) -> tuple[str, str]:
    """Read ``alice`` as ("user", "alice") and ``account:alice`` as ("account", "alice").

    :raises InvalidName: as `subject`.
    """
    subject_type, colon, subject_id = text.partition(":")
    return subject(subject_type, subject_id) if colon else subject("user", text)


def text(value: str, what: str, *, may_be_empty: bool = True) -> str:
    """Return a title, reason or name for people, without spaces around it.

    :raises InvalidName: longer than 500 characters, not printable, or empty where it must say something.
    """
    told = value.strip()
    if len(told) > MAX_TEXT or not told.isprintable() or not (told or may_be_empty):
        raise InvalidName(f"The {what} must be printable, at most {MAX_TEXT} characters" + _filled(may_be_empty))
    return told


def _filled(may_be_empty: bool) -> str:  # noqa: FBT001 - private, and one call
    return "." if may_be_empty else ", and not empty."


def json_value(value: Any, *, at_most: int = MAX_JSON) -> Any:
    """Return a JSON value that the database can hold.

    at_most: bytes of its encoding; 16 KiB if unsaid.
    :raises InvalidTerm: larger, nested deeper than 32, with NUL or lone surrogate characters, or not JSON.
    """
    try:
        encoded = msgspec.json.encode(value)
        plain = msgspec.json.decode(encoded)
    except (TypeError, ValueError, RecursionError, OverflowError, msgspec.MsgspecError) as error:
        raise InvalidTerm("The value is not plain JSON.") from error
    if len(encoded) > at_most or not _is_storable(plain, MAX_DEPTH):
        raise InvalidTerm(
            f"The value is larger than {at_most} bytes, nested deeper than {MAX_DEPTH}, or holds a NUL character."
        )
    return plain


def _is_storable(value: Any, depth: int) -> bool:
    if depth < 0:
        return False
    match value:
        case str():
            return "\x00" not in value
        case dict():
            return all("\x00" not in name and _is_storable(one, depth - 1) for name, one in value.items())
        case list():
            return all(_is_storable(one, depth - 1) for one in value)
    return True


def instant(value: datetime, what: str) -> datetime:
    """Return an instant in UTC.

    :raises InvalidRange: it has no zone.
    """
    if value.tzinfo is None:
        raise InvalidRange(f"{what} needs a time zone.")
    try:
        return value.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise InvalidRange(f"{what} is out of range.") from error


def beginning(value: datetime, what: str) -> datetime:
    """Return an instant in UTC from which on something can be counted: what follows it is in the calendar, too.

    :raises InvalidRange: it has no zone, or lies before the year 1000 or after 9000.
    """
    found = instant(value, what)
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise InvalidRange(f"{what} is out of range.")
    return found
