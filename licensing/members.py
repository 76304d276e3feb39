"""Who belongs to a tenant."""

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import IntegrityError, transaction
from django.db.models import Q

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import LastOwner, MemberNotFound, UnknownRole
from licensing.invitation_rows import withdraw_beyond
from licensing.models import Member as MemberRow
from licensing.models import Role, RoleDefault
from licensing.push import publish
from licensing.roles import built_in_roles, privileges_of, require_within
from licensing.seats import is_counted, require_seat
from licensing.tenant_lock import lock_tenant

# What licensing/migrations/0025_last_owner.py names in its refusal.
_LAST_OWNER: Final = "licensing_last_owner_stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A subject that belongs to a tenant.

    active: one who is not may do nothing, and keeps the place.
    """

    id: UUID
    subject_type: str
    subject_id: str
    roles: tuple[str, ...]
    display_name: str = ""
    active: bool = True


def put_member(  # noqa: PLR0913 - each is a member of what is recorded
    *,
    tenant_id: UUID,
    subject_type: str,
    subject_id: str,
    roles: Sequence[str],
    display_name: str = "",
    active: bool = True,
    within: Container[str] | None = None,
    by: str,
    at: datetime,
) -> tuple[Member, bool]:
    """Create or replace a member. Returns the member, and whether it is new.

    within: what whoever does this may do themselves; None: no such bound.
    :raises InvalidName: a subject that cannot be one.
    :raises UnknownRole: a role that this tenant does not have.
    :raises PrivilegeBeyondOwn: the member has, or would have, a privilege that the author does not hold.
    :raises NoSeatLeft: they are not among the active members, and all seats are taken.
    :raises LastOwner: they are the only active owner of a tenant that is not closed, and would be so no more.
    """
    names.subject(subject_type, subject_id)
    author = names.text(by, "author", may_be_empty=False)
    wanted: dict[str, Any] = {
        "roles": names.keys(roles, "role"),
        "display_name": names.text(display_name, "display name"),
        "active": active,
    }
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        require_roles(tenant_id, wanted["roles"])
        if active and is_counted(tenant_id) and not _is_seated(tenant_id, subject_type, subject_id):
            require_seat(tenant_id=tenant_id, at=at)
        row, created = MemberRow.objects.select_for_update().get_or_create(
            tenant_id=tenant_id, subject_type=subject_type, subject_id=subject_id, defaults=wanted
        )
        old = None if created else _json(row)
        require_within(privileges_of(tenant_id, [*wanted["roles"], *(old["roles"] if old else ())]), within)
        for column, value in wanted.items():
            setattr(row, column, value)
        if old != _json(row):
            if not created:
                with _another_owns():
                    row.save(update_fields=list(wanted))
            _record(row, author, at, old, _json(row))
            held = privileges_of(tenant_id, wanted["roles"]) if active else None
            withdraw_beyond(tenant_id=tenant_id, inviter=(subject_type, subject_id), held=held, by=author, at=at)
    return _told(row), created


def admit(
    *, tenant_id: UUID, subject: tuple[str, str], roles: Sequence[str], display_name: str, by: str, at: datetime
) -> Member:
    """Make a member of a subject that is none, in a transaction that has a seat for them."""
    row = MemberRow.objects.create(
        tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1], roles=roles, display_name=display_name
    )
    _record(row, by, at, None, _json(row))
    return _told(row)


def _is_seated(tenant_id: UUID, subject_type: str, subject_id: str) -> bool:
    row = find_member(tenant_id, subject_type, subject_id)
    return row is not None and row.active


def remove_member(
    *,
    tenant_id: UUID,
    subject_type: str,
    subject_id: str,
    within: Container[str] | None = None,
    by: str,
    at: datetime,
) -> None:
    """End a membership, and whatever they have asked others in to; what stood on it is refused from the next look.

    :raises MemberNotFound: there is none.
    :raises PrivilegeBeyondOwn: the member holds a privilege that the author does not.
    :raises LastOwner: they are the only active owner of a tenant that is not closed.
    """
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        row = find_member(tenant_id, subject_type, subject_id, is_locked=True)
        if row is None:
            raise MemberNotFound("The tenant has no such member.")
        old = _json(row)
        require_within(privileges_of(tenant_id, old["roles"]), within)
        with _another_owns():
            row.delete()
        _record(row, author, at, old, None)
        withdraw_beyond(tenant_id=tenant_id, inviter=(subject_type, subject_id), held=None, by=author, at=at)


def get_member(*, tenant_id: UUID, subject_type: str, subject_id: str) -> Member | None:
    """Find a member; None where the subject does not belong to the tenant, or cannot exist at all."""
    with tenant_transaction(tenant_id, savepoint=False):
        row = find_member(tenant_id, subject_type, subject_id)
        return None if row is None else _told(row)


def hold_member(*, tenant_id: UUID, subject_type: str, subject_id: str) -> None:
    """Make whoever changes or ends a membership wait until the transaction around this call is over, and wait for them.

    Where there is no such member, nobody waits.
    """
    with tenant_transaction(tenant_id, savepoint=False):
        find_member(tenant_id, subject_type, subject_id, is_locked=True)


def privileges_of_member(*, tenant_id: UUID, subject_type: str, subject_id: str) -> frozenset[str]:
    """List what a member's roles grant as of now; nothing where there is no such member, or none in force."""
    with tenant_transaction(tenant_id, savepoint=False):
        row = find_member(tenant_id, subject_type, subject_id)
        return privileges_of(tenant_id, row.roles) if row is not None and row.active else frozenset()


def list_members(*, tenant_id: UUID, after: tuple[str, str] | None = None, limit: int = 100) -> list[Member]:
    """List a page of members by subject.

    after: the last subject of the page before. A member who joins meanwhile disturbs no page.
    """
    with tenant_transaction(tenant_id):
        rows = MemberRow.objects.filter(tenant_id=tenant_id).order_by("subject_type", "subject_id")
        if after is not None:
            last_type, last_id = after
            rows = rows.filter(Q(subject_type__gt=last_type) | Q(subject_type=last_type, subject_id__gt=last_id))
        return [_told(row) for row in rows[: max(0, limit)]]


def find_member(tenant_id: UUID, subject_type: str, subject_id: str, *, is_locked: bool = False) -> MemberRow | None:
    """Find a subject's row, within a transaction of the tenant; None where it has none."""
    if not names.is_subject(subject_type, subject_id):
        return None
    rows = MemberRow.objects.select_for_update() if is_locked else MemberRow.objects.all()
    return rows.filter(tenant_id=tenant_id, subject_type=subject_type, subject_id=subject_id).first()


def require_roles(tenant_id: UUID, wanted: Sequence[str]) -> None:
    """Refuse roles that the tenant does not have, within a transaction of it.

    :raises UnknownRole: names them.
    """
    unknown = set(wanted) - set(built_in_roles(tenant_id))
    if unknown:
        unknown -= set(Role.objects.filter(tenant_id=tenant_id, key__in=unknown).values_list("key", flat=True))
    if unknown:
        unknown -= set(RoleDefault.objects.filter(key__in=unknown).values_list("key", flat=True))
    if unknown:
        raise UnknownRole(f"The tenant has no role {min(unknown)!r}.", roles=sorted(unknown))


@contextmanager
def _another_owns() -> Iterator[None]:
    """Write a member while the database sees to it that an owner is left.

    :raises LastOwner: none would be.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg.Error) or cause.diag.constraint_name != _LAST_OWNER:
            raise
        raise LastOwner("A workspace keeps at least one owner: make somebody else an owner first.") from error


def _record(row: MemberRow, author: str, at: datetime, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
    told = {name: _split(state) for name, state in (("old", old), ("new", new))}
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=audit.api.Kind.MEMBER_CHANGED,
        at=at,
        subject=(row.subject_type, row.subject_id),
        payload={"by": author, **{name: state for name, (state, _theirs) in told.items()}},
        # What they are called is theirs: it goes when they are erased.
        personal={name: theirs for name, (_state, theirs) in told.items()},
    )
    publish("tenant", str(row.tenant_id))


def _split(state: dict[str, Any] | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if state is None:
        return None, None
    theirs = {"display_name": state["display_name"]}
    return {name: value for name, value in state.items() if name not in theirs}, theirs


def _told(row: MemberRow) -> Member:
    return Member(
        id=row.id,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        roles=tuple(row.roles),
        display_name=row.display_name,
        active=row.active,
    )


def _json(row: MemberRow) -> dict[str, Any]:
    return {"roles": list(row.roles), "display_name": row.display_name, "active": row.active}
