"""What this room refuses."""

from tiergate import ErrorKind, TiergateError


class CrossTenantError(TiergateError):
    """A transaction that serves one tenant was asked to serve another."""

    code = "cross_tenant"
    kind = ErrorKind.FORBIDDEN


class SecretUnreadable(TiergateError):
    """A stored secret cannot be opened with any key of the ring."""

    code = "secret_unreadable"
    kind = ErrorKind.UNAVAILABLE
