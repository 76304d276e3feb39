"""What the sample product itself refuses, once Tiergate has allowed it."""

from tiergate import ErrorKind, TiergateError


class ReportNotFound(TiergateError):
    """The workspace has no such report."""

    code = "report_not_found"
    kind = ErrorKind.NOT_FOUND


class AlreadyPaid(TiergateError):
    """A payment with this reference was approved before."""

    code = "already_paid"
    kind = ErrorKind.CONFLICT
