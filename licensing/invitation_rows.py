"""The end of an invitation: written and told, by whichever door ends it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import audit.api
from licensing.models import Invitation
from licensing.models.invitations import InvitationEnd
from licensing.roles import privileges_of


def end_invitation(row: Invitation, end: InvitationEnd) -> None:
    """Let an invitation be over, and forget its address."""
    row.end, row.address = end, ""
    row.save(update_fields=["end", "address"])


def tell_invitation(
    row: Invitation, kind: audit.api.Kind, author: str, at: datetime, subject: tuple[str, str] | None = None
) -> None:
    """Tell the trail, without the address: that is nobody's in the tenant yet, and could not be erased from it."""
    payload: dict[str, Any] = {"by": author, "invitation": str(row.id), "roles": list(row.roles)}
    audit.api.append(tenant_id=row.tenant_id, kind=kind, at=at, subject=subject, payload=payload)


def withdraw_beyond(
    *, tenant_id: UUID, inviter: tuple[str, str], held: frozenset[str] | None, by: str, at: datetime
) -> None:
    """Take back what a member asked others in to and could not give any longer, within the change that lessens them.

    held: the privileges that they hold from now on; None: they are no active member, and nothing of theirs stands.
    """
    rows = Invitation.objects.select_for_update().filter(
        tenant_id=tenant_id, by=":".join(inviter), end="", expires_at__gt=at
    )
    for row in rows.order_by("id"):
        if held is None or not privileges_of(tenant_id, row.roles) <= held:
            end_invitation(row, InvitationEnd.REVOKED)
            tell_invitation(row, audit.api.Kind.INVITATION_REVOKED, by, at)
