"""A stored digest moves to the newest key of the ring when its secret is next shown: only then can it be made anew."""

from typing import Final

import structlog
from django.db import DatabaseError

from authlevels.bearer import digest_key
from authlevels.models import ServiceCredential, SessionRow
from isolation.api import tenant_transaction

_log: Final = structlog.get_logger(__name__)


def move_digest(row: ServiceCredential | SessionRow, wanted: list[bytes]) -> None:
    """Store the secret that was shown under the newest key, where the row holds it under another.

    Whoever showed it is let in either way: what fails is tried again at the next use. Two at once write the same.

    wanted: the digests of the secret that was shown, newest key first.
    """
    held = bytes(row.secret_digest) if row.secret_digest is not None else b""
    if held not in wanted or (held == wanted[0] and row.digest_key == digest_key()):
        return
    try:
        with tenant_transaction(row.tenant_id):
            type(row).objects.filter(tenant_id=row.tenant_id, id=row.id, secret_digest=held).update(
                secret_digest=wanted[0], digest_key=digest_key()
            )
    except DatabaseError as error:
        _log.warning("digest_not_moved", error=type(error).__name__)
