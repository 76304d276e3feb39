"""What this room refuses."""

from tiergate import ErrorKind, TiergateError


class RiskUnavailable(TiergateError):
    """Nobody can say how risky this looks: neither Valkey nor the database tells."""

    code = "risk_unavailable"
    kind = ErrorKind.UNAVAILABLE


class LookNotFound(TiergateError):
    """Nobody has told how such a session looked."""

    code = "look_not_found"
    kind = ErrorKind.NOT_FOUND


class RiskPolicyRefused(TiergateError):
    """What a tenant would have the engine do cannot be."""

    code = "risk_policy_refused"
    kind = ErrorKind.INVALID
