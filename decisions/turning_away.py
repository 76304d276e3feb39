"""For whom nobody waits: a caller without a credential is answered before a body is read that may never come."""

from datetime import datetime
from typing import Any

from authlevels import api as authlevels
from decisions.callers import find_credential
from decisions.wire import Asked, Reply, guarded


def turned_away(authorization: str, request_id: str, *, at: datetime) -> Reply | None:
    """Refuse whoever shows no credential that lives, as an endpoint would that had read the body; None: read it.

    Where nobody can say whose the credential is, the body is read, and answered as ever. Never raises.
    """
    try:
        if find_credential(authorization, at=at) is not None:
            return None
    except Exception:  # noqa: BLE001 - it is asked again, and told, when the request is answered
        return None
    asked = Asked(authorization="", content_type="", request_id=request_id, body=b"")
    return guarded(asked, at=at, answer=_never)


def _never(asked: Asked, credential: authlevels.Credential, *, at: datetime) -> dict[str, Any]:  # noqa: ARG001 - as others
    raise AssertionError(f"nobody shows a credential at {at}")
