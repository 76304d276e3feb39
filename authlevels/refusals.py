"""Telling the trail of what a product was refused, in a transaction of its own that no refusal rolls back.

Only what a credential was refused that may ask it here is told: what others try is told as the decision that refused
them. So a refusal adds one entry to the decision that stands for the same request, and each text in it is cut.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import audit.api
import licensing.api
from authlevels.consumption import HeldElevation
from authlevels.models import Challenge, SessionRow
from authlevels.principals import Credential
from authlevels.public_ids import challenge_ref, parse_session_handle
from isolation.api import keyed_digests, tenant_transaction

MAX_TEXT: Final = 200
"""Characters of each text of the caller's own that are told."""

_MAX_METHODS: Final = 16


def record_refused_assertion(
    *,
    tenant_id: UUID,
    credential: Credential,
    subject: tuple[str, str],
    idp: str,
    amr: Sequence[str],
    why: str,
    at: datetime,
) -> None:
    """Append that a product's word about a person was not taken.

    Only a member is named, since the trail would keep any other name for good; by a keyed digest attempts can be
    matched.
    """
    with tenant_transaction(tenant_id, durable=True):
        member = licensing.api.get_member(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1])
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.SESSION_REFUSED,
            at=at,
            subject=subject if member is not None else None,
            payload={
                "why": why,
                "name": keyed_digests("trail/name", ":".join(subject))[0].hex()[:16],
                "issuer": idp[:MAX_TEXT],
                "amr": [method[:MAX_TEXT] for method in amr[:_MAX_METHODS]],
                "by": f"credential:{credential.name}",
            },
        )


def record_refused_redemption(*, tenant_id: UUID, challenge_id: UUID, credential: Credential, at: datetime) -> None:
    """Append that what a browser brought back left nothing; the code itself is not told."""
    with tenant_transaction(tenant_id, durable=True):
        # Locked, so that it is not told of a person who is erased at this moment.
        row = Challenge.objects.select_for_update().filter(tenant_id=tenant_id, id=challenge_id).first()
        if row is None:
            return
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.REDEMPTION_REFUSED,
            at=at,
            subject=(row.subject_type, row.subject_id),
            session_id=row.session_id,
            payload={
                "why": "code",
                "challenge": challenge_ref(tenant_id, challenge_id),
                "by": f"credential:{credential.name}",
            },
        )


def record_refused_use(*, held: HeldElevation, why: str, credential: Credential, at: datetime) -> None:
    """Append that a service was refused the use of an elevation: ``used``, ``ended`` or ``elsewhere``."""
    session_id = parse_session_handle(held.session)
    if session_id is None:
        return
    with tenant_transaction(held.tenant_id, durable=True):
        # Locked, so that it is not told of a person who is erased at this moment.
        if not SessionRow.objects.select_for_update().filter(tenant_id=held.tenant_id, id=session_id).exists():
            return
        audit.api.append(
            tenant_id=held.tenant_id,
            kind=audit.api.Kind.ELEVATION_REFUSED,
            at=at,
            subject=held.subject,
            session_id=session_id,
            payload={"why": why, "elevation": held.ref, "by": f"credential:{credential.name}"},
        )
