"""What can go wrong while a decision is made."""

from tiergate import ErrorKind, TiergateError


class FactsUnavailable(TiergateError):
    """The facts could not be read, so the answer is unknown, which is never an allow."""

    code = "facts_unavailable"
    kind = ErrorKind.UNAVAILABLE


class UnknownCaller(TiergateError):
    """The calling service shows no credential that is good."""

    code = "unknown_caller"
    kind = ErrorKind.UNAUTHENTICATED


class BadRequest(TiergateError):
    """The request's shape, size or encoding is wrong."""

    code = "bad_request"
    kind = ErrorKind.INVALID
