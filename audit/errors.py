"""What this room refuses."""

from tiergate import ErrorKind, TiergateError


class EntryNotFound(TiergateError):
    """The tenant's trail holds no such entry."""

    code = "entry_not_found"
    kind = ErrorKind.NOT_FOUND


class PersonNotFound(TiergateError):
    """The tenant's trail knows nobody of that name, or no longer does."""

    code = "person_not_found"
    kind = ErrorKind.NOT_FOUND
