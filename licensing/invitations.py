"""Asking people to join a tenant. An open invitation holds a seat, which joining takes."""

import hashlib
import secrets
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import AlreadyInvited, AlreadyMember, InvalidName, InvitationNotFound
from licensing.invitation_rows import end_invitation, tell_invitation
from licensing.members import Member, admit, find_member, privileges_of_member, require_roles
from licensing.models import Invitation as InvitationRow
from licensing.models.invitations import InvitationEnd
from licensing.roles import privileges_of, require_within
from licensing.seats import is_counted, require_seat
from licensing.tenant_lock import lock_tenant
from tiergate import Verb

KEPT_OPEN: Final = timedelta(days=14)
LONGEST: Final = timedelta(days=90)
MAX_ADDRESS: Final = 254

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Somebody who was asked to join, by the address that they were asked at."""

    id: UUID
    address: str
    roles: tuple[str, ...]
    by: str
    created_at: datetime
    expires_at: datetime


def invite(
    *,
    tenant_id: UUID,
    address: str,
    roles: Sequence[str],
    ttl: timedelta = KEPT_OPEN,
    within: Container[str] | None = None,
    inviter: tuple[str, str] | None = None,
    by: str,
    at: datetime,
) -> tuple[Invitation, str]:
    """Hold a seat for whoever is asked at an address. Returns the invitation, and the token that accepts it.

    The token is told once and stored nowhere; whoever invites sends it. A member's invitations end with their
    membership, and with the privileges that they would give.

    within: what whoever does this may do themselves; None: no such bound. inviter: the member who does it, where one
        does, who must still be one that may: their membership may have ended since they were let in.
    :raises NoSeatLeft: all seats are taken. :raises AlreadyInvited: an invitation to this address is open.
    :raises UnknownRole: a role that this tenant does not have. :raises InvalidName: an address that cannot be one.
    :raises PrivilegeBeyondOwn: they would get a privilege that the author does not hold.
    """
    told = _address(address)
    author = names.text(by, "author", may_be_empty=False)
    wanted = names.keys(roles, "role")
    if not timedelta(minutes=1) <= ttl <= LONGEST:
        raise InvalidName(f"An invitation is open from a minute to {LONGEST.days} days.")
    token = secrets.token_urlsafe(_SECRET_BYTES)
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        require_roles(tenant_id, wanted)
        given = privileges_of(tenant_id, wanted)
        require_within(given, within)
        if inviter is not None:
            require_within({*given, Verb.MEMBERS_WRITE.value}, _held_by(tenant_id, inviter))
        held = InvitationRow.objects.select_for_update().filter(tenant_id=tenant_id, address=told, end="").first()
        if held is not None and held.expires_at > at:
            raise AlreadyInvited("An invitation to this address is open.", invitation=str(held.id))
        if held is not None:
            end_invitation(held, InvitationEnd.EXPIRED)
        if is_counted(tenant_id):
            require_seat(tenant_id=tenant_id, at=at)
        row = InvitationRow.objects.create(
            id=uuid4(),
            tenant_id=tenant_id,
            address=told,
            roles=wanted,
            token_digest=_digest(token),
            by=author,
            created_at=at,
            expires_at=at + ttl,
        )
        tell_invitation(row, audit.api.Kind.INVITATION_OPENED, author, at)
    return _told(row), token


def accept_invitation(  # noqa: PLR0913 - each is a member of what is recorded
    *,
    tenant_id: UUID,
    token: str | None = None,
    invitation_id: UUID | None = None,
    subject_type: str,
    subject_id: str,
    display_name: str = "",
    within: Container[str] | None = None,
    by: str,
    at: datetime,
) -> Member:
    """Make a member of who was invited, in the seat that was held for them.

    token, invitation_id: one of them names the invitation.
    :raises InvitationNotFound: there is none open. :raises AlreadyMember: the subject has a membership, ended or not.
    :raises NoSeatLeft: fewer seats are left than were when they were invited.
    :raises UnknownRole: a role that the tenant no longer has. :raises PrivilegeBeyondOwn: as `invite`.
    """
    names.subject(subject_type, subject_id)
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        row = _open(tenant_id, token, invitation_id, at)
        if find_member(tenant_id, subject_type, subject_id) is not None:
            # Nobody whose membership was ended comes back by an invitation of before.
            raise AlreadyMember("The subject has a membership of this tenant.")
        require_roles(tenant_id, row.roles)
        given = privileges_of(tenant_id, row.roles)
        require_within(given, within)
        _refuse_lessened(row, given)
        if is_counted(tenant_id):
            require_seat(tenant_id=tenant_id, freed=1, at=at)
        end_invitation(row, InvitationEnd.ACCEPTED)
        tell_invitation(row, audit.api.Kind.INVITATION_ACCEPTED, author, at, subject=(subject_type, subject_id))
        return admit(
            tenant_id=tenant_id,
            subject=(subject_type, subject_id),
            roles=row.roles,
            display_name=names.text(display_name, "display name"),
            by=author,
            at=at,
        )


def revoke_invitation(
    *, tenant_id: UUID, invitation_id: UUID, within: Container[str] | None = None, by: str, at: datetime
) -> None:
    """Take an invitation back, and its seat with it.

    :raises InvitationNotFound: there is none open. :raises PrivilegeBeyondOwn: as `invite`.
    """
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        row = _open(tenant_id, None, invitation_id, at)
        require_within(privileges_of(tenant_id, row.roles), within)
        end_invitation(row, InvitationEnd.REVOKED)
        tell_invitation(row, audit.api.Kind.INVITATION_REVOKED, author, at)


def read_invitation(*, tenant_id: UUID, token: str, at: datetime) -> tuple[Invitation, str]:
    """Return the invitation that a token accepts, and how it ended: ``""`` where it is open.

    :raises InvitationNotFound: no invitation of this tenant has this token.
    """
    with tenant_transaction(tenant_id):
        row = InvitationRow.objects.filter(tenant_id=tenant_id, token_digest=_digest(token)).first()
    if row is None:
        raise InvitationNotFound("There is no such invitation, or it is over.")
    is_late = row.end == InvitationEnd.NONE and row.expires_at <= at
    return _told(row), str(InvitationEnd.EXPIRED if is_late else row.end)


def list_invitations(*, tenant_id: UUID, after: str = "", limit: int = 100, at: datetime) -> list[Invitation]:
    """List a page of the open invitations by address. after: the last address of the page before."""
    with tenant_transaction(tenant_id):
        rows = InvitationRow.objects.filter(tenant_id=tenant_id, end="", expires_at__gt=at, address__gt=after)
        return [_told(row) for row in rows.order_by("address")[: max(0, limit)]]


def expire_invitations(*, at: datetime) -> int:
    """Forget the addresses of invitations that are over, of every tenant; their seats were free since. Returns how many."""
    over = InvitationRow.objects.using("sweep").filter(end="", expires_at__lte=at)
    return over.update(end=InvitationEnd.EXPIRED, address="")


def _open(tenant_id: UUID, token: str | None, invitation_id: UUID | None, at: datetime) -> InvitationRow:
    rows = InvitationRow.objects.select_for_update().filter(tenant_id=tenant_id, end="", expires_at__gt=at)
    if token is not None:
        row = rows.filter(token_digest=_digest(token)).first()
    else:
        row = None if invitation_id is None else rows.filter(id=invitation_id).first()
    if row is None:
        raise InvitationNotFound("There is no such invitation, or it is over.")
    return row


def _refuse_lessened(row: InvitationRow, given: frozenset[str]) -> None:
    """Refuse what a member has asked somebody in to and could not give any longer, since one of their roles gives less.

    :raises InvitationNotFound: it is over.
    """
    kind, _, name = row.by.partition(":")
    if find_member(row.tenant_id, kind, name) is not None and not given <= _held_by(row.tenant_id, (kind, name)):
        raise InvitationNotFound("There is no such invitation, or it is over.")


def _held_by(tenant_id: UUID, subject: tuple[str, str]) -> frozenset[str]:
    return privileges_of_member(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1])


def _address(address: str) -> str:
    told = address.strip().lower()
    if not (
        0 < len(told) <= MAX_ADDRESS and told.isprintable() and " " not in told and 0 < told.find("@") < len(told) - 1
    ):
        raise InvalidName(f"An address is an e-mail address of at most {MAX_ADDRESS} characters.")
    return told


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _told(row: InvitationRow) -> Invitation:
    return Invitation(
        id=row.id,
        address=row.address,
        roles=tuple(row.roles),
        by=row.by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
