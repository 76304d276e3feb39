"""What can be the matter with a bundle, or with a change of which is in force."""

from collections.abc import Iterable
from typing import Final

from tiergate import ErrorKind, TiergateError
from tiergate.policy import PolicyError

# More that is wrong nobody reads in one answer.
_TOLD: Final = 200


class BundleRefused(TiergateError):
    """Files that are no bundle; nothing of them is kept. ``errors``: all that is wrong, with file, line and column."""

    code = "bundle_refused"
    kind = ErrorKind.UNPROCESSABLE

    def __init__(self, detail: str, errors: Iterable[PolicyError] = (), **extra: object) -> None:
        self.errors = tuple(errors)
        told = [
            {"file": one.file, "line": one.line, "column": one.column, "message": one.message}
            for one in self.errors[:_TOLD]
        ]
        super().__init__(detail, errors=told, **extra)


class BundleUntested(BundleRefused):
    """A bundle one of whose own cases fails, or that has a rule which no case tries."""

    code = "bundle_untested"


class BundleUnproved(BundleRefused):
    """A bundle that breaks what it promises, or of which that cannot be proved."""

    code = "bundle_unproved"


class SignatureMissing(TiergateError):
    """Bundles are to be signed here, and this one is not."""

    code = "signature_missing"
    kind = ErrorKind.FORBIDDEN


class SignatureInvalid(TiergateError):
    """A bundle's signature is not by a publisher who is believed here."""

    code = "signature_invalid"
    kind = ErrorKind.FORBIDDEN


class BundleNotFound(TiergateError):
    """There is no such bundle."""

    code = "bundle_not_found"
    kind = ErrorKind.NOT_FOUND


class StageChanged(TiergateError):
    """Another bundle is in force than the one that the change was meant to follow; nothing is changed."""

    code = "stage_changed"
    kind = ErrorKind.CONFLICT


class NothingToUndo(TiergateError):
    """There is nothing before to go back to, or no candidate to withdraw."""

    code = "nothing_to_undo"
    kind = ErrorKind.CONFLICT


class StageRefused(TiergateError):
    """A change that says for whom and why not as it has to."""

    code = "stage_refused"
    kind = ErrorKind.INVALID


class PlanNotFound(TiergateError):
    """There is no such plan, or it is forgotten."""

    code = "plan_not_found"
    kind = ErrorKind.NOT_FOUND


class PlanRefused(TiergateError):
    """A plan over days that cannot be looked at."""

    code = "plan_refused"
    kind = ErrorKind.INVALID
