"""What this room refuses."""

from django.db import DatabaseError, DataError, IntegrityError
from psycopg.errors import ProgramLimitExceeded, StatementTooComplex

from tiergate import ErrorKind, TiergateError


class EntryNotFound(TiergateError):
    """The tenant's trail holds no such entry."""

    code = "entry_not_found"
    kind = ErrorKind.NOT_FOUND


class PersonNotFound(TiergateError):
    """The tenant's trail knows nobody of that name, or no longer does."""

    code = "person_not_found"
    kind = ErrorKind.NOT_FOUND


class CursorUnreadable(TiergateError):
    """``after`` is no cursor of the trail's."""

    code = "invalid_cursor"
    kind = ErrorKind.INVALID


class CursorOutdated(TiergateError):
    """The database was restored since the cursor was given: read again with ``since``, and know entries by ``id``."""

    code = "cursor_outdated"
    kind = ErrorKind.CONFLICT


class CannotSeal(Exception):
    """The trail cannot be sealed as things are; nothing was."""


class NotSealed(Exception):
    """The entry, or what was asked for, is not in the sealed tree yet."""


def is_for_good(error: DatabaseError) -> bool:
    """Say whether the database refused what an entry holds: it would do so the next time too."""
    # What is larger or deeper than PostgreSQL takes comes as an operational error.
    is_too_much = isinstance(error.__cause__, ProgramLimitExceeded | StatementTooComplex)
    return is_too_much or isinstance(error, DataError | IntegrityError)
