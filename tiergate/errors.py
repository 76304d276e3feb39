"""Errors that every room's door may raise, with a stable code for programs."""

from enum import StrEnum
from typing import ClassVar


class ErrorKind(StrEnum):
    """What a caller can do about an error; each door translates it to its own wire."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    PAYMENT_REQUIRED = "payment_required"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNPROCESSABLE = "unprocessable"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"


class TiergateError(Exception):
    """A refusal or failure with a stable ``code``, a sentence for people, and machine members.

    detail: one sentence for a person.
    extra: JSON members that a program may read, e.g. ``retry_after`` in seconds.
    """

    code: ClassVar[str] = "error"
    kind: ClassVar[ErrorKind] = ErrorKind.INVALID

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra
