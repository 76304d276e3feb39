"""Which members have enrolled what their tenant's plan asks for, and since when the others have not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import licensing.api
from authlevels.authenticators import KnownApp, authenticators_of, known_passkey
from authlevels.enrolment_notices import ask_to_enrol
from authlevels.models import PasskeyDevice, TotpDevice, Unready, User
from authlevels.models.people import ACCOUNT
from authlevels.policy import get_policy
from isolation.api import by_itself, tenant_transaction
from tiergate import Authenticator, Level, Requirement, reachable_level

_PAGE: Final = 500
MOST_NAMED: Final = 500
RISEN_WITHIN: Final = timedelta(seconds=90)
"""Some runs of the task: a change that was long in committing is found by a later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    """A member whose factors do not reach the plan's level.

    since: when that was first seen, and due: from when on the level is asked everywhere; None where it was not yet.
    """

    subject: tuple[str, str]
    display_name: str
    since: datetime | None
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How many of a tenant's active members could show what its plan asks for: "7 of 40".

    not_ready: who could not, 500 at most.
    """

    level: Level
    ready: int
    members: int
    not_ready: tuple[NotReady, ...]


def plan_level(snapshot: licensing.api.TenantSnapshot) -> Level:
    """Return the highest level that anything asks for to which the tenant is entitled."""
    asked = (
        one.requirement.level
        for entitlement in snapshot.entitlements.values()
        if entitlement.is_granted
        for one in entitlement.contributions
    )
    return max(asked, default=Level.AAL1)


def readiness(*, tenant_id: UUID, at: datetime) -> Readiness:
    """Say who of a tenant is ready; what an identity provider could vouch for is known in its sessions alone.

    :raises TenantNotFound: there is no such tenant.
    """
    level = plan_level(licensing.api.get_snapshot(tenant_id=tenant_id, at=at))
    grace = timedelta(seconds=get_policy(tenant_id=tenant_id).enrolment_grace)
    ready, members = 0, 0
    found: list[NotReady] = []
    for page in _pages(tenant_id):
        behind = _behind(tenant_id, page, Requirement(level=level), at=at)
        with tenant_transaction(tenant_id):
            rows = Unready.objects.filter(tenant_id=tenant_id, subject_id__in=[one.subject_id for one in page])
            since = {(row.subject_type, row.subject_id): row.since for row in rows}
        members, ready = members + len(page), ready + len(page) - len(behind)
        for one in behind[: max(0, MOST_NAMED - len(found))]:
            subject = (one.subject_type, one.subject_id)
            seen = since.get(subject)
            found.append(
                NotReady(subject=subject, display_name=one.display_name, since=seen, due=seen + grace if seen else None)
            )
    return Readiness(level=level, ready=ready, members=members, not_ready=tuple(found))


def readiness_for(*, tenant_id: UUID, requirement: Requirement, at: datetime) -> Readiness:
    """Say who of a tenant could show what something would ask, before it asks it of anybody.

    :raises TenantNotFound: there is no such tenant.
    """
    ready, members = 0, 0
    found: list[NotReady] = []
    for page in _pages(tenant_id):
        behind = _behind(tenant_id, page, requirement, at=at)
        members, ready = members + len(page), ready + len(page) - len(behind)
        found += [
            NotReady(subject=(one.subject_type, one.subject_id), display_name=one.display_name, since=None, due=None)
            for one in behind[: max(0, MOST_NAMED - len(found))]
        ]
    return Readiness(level=requirement.level, ready=ready, members=members, not_ready=tuple(found))


def look_over_members(*, tenant_id: UUID, at: datetime) -> None:
    """Note of each member of a tenant who is not ready when that was first seen, which begins their grace.

    The note stays while they are members and the plan asks for that level: whoever enrols and removes it again has had
    their time. It is for that level: one that is asked for later begins a grace of its own. Who has an address with us
    is written to as their grace begins, once.
    """
    level = plan_level(licensing.api.get_snapshot(tenant_id=tenant_id, at=at))
    kept: list[UUID] = []
    for page in _pages(tenant_id):
        behind = _behind(tenant_id, page, Requirement(level=level), at=at)
        with tenant_transaction(tenant_id):
            new = [
                Unready(
                    tenant_id=tenant_id,
                    subject_type=one.subject_type,
                    subject_id=one.subject_id,
                    level=level.value,
                    since=at,
                )
                for one in behind
            ]
            Unready.objects.bulk_create(new, ignore_conflicts=True)
            of_page = {(one.subject_type, one.subject_id) for one in page}
            late = {(one.subject_type, one.subject_id) for one in behind}
            named = {"tenant_id": tenant_id, "subject_id__in": [one.subject_id for one in page]}
            # Locked, so that of two at once the later one finds what the earlier one has raised.
            noted = Unready.objects.filter(**named).order_by("id").select_for_update()
            rows = [row for row in noted if (row.subject_type, row.subject_id) in of_page]
            raised = [row.id for row in rows if row.level < level and (row.subject_type, row.subject_id) in late]
            Unready.objects.filter(tenant_id=tenant_id, id__in=raised).update(level=level.value, since=at)
            kept += [row.id for row in rows if row.level <= level]
            begun = {*raised, *(one.id for one in new)}
            ask_to_enrol(
                tenant_id=tenant_id,
                subjects=[(row.subject_type, row.subject_id) for row in rows if row.id in begun],
                level=level,
                at=at,
            )
    with tenant_transaction(tenant_id):
        Unready.objects.filter(tenant_id=tenant_id).exclude(id__in=kept).delete()


def look_over_risen(*, at: datetime) -> int:
    """Do so for every tenant of whom more is asked since a moment ago, and return how many those are.

    One that cannot be looked over holds up no other. What this does not find in time, `look_over_tenants` does.
    """
    risen = licensing.api.tenants_asked_more(since=at - RISEN_WITHIN)
    for tenant_id in risen:
        with by_itself("readiness", tenant_id=tenant_id):
            look_over_members(tenant_id=tenant_id, at=at)
    return len(risen)


def look_over_tenants(*, at: datetime) -> None:
    """Do so for every tenant that is active; one that cannot be looked over holds up no other."""
    after = ""
    while page := licensing.api.list_tenants(after=after, limit=_PAGE):
        after = page[-1].slug
        for tenant in page:
            if tenant.is_active:
                with by_itself("readiness", tenant_id=tenant.id):
                    look_over_members(tenant_id=tenant.id, at=at)


def _pages(tenant_id: UUID) -> Iterator[list[licensing.api.Member]]:
    after: tuple[str, str] | None = None
    while page := licensing.api.list_members(tenant_id=tenant_id, after=after, limit=_PAGE):
        after = (page[-1].subject_type, page[-1].subject_id)
        yield [one for one in page if one.active]


def _behind(
    tenant_id: UUID, members: list[licensing.api.Member], requirement: Requirement, *, at: datetime
) -> list[licensing.api.Member]:
    """List those whose factors do not do for it; a new factor counts, though it is capped for now."""
    if not (requirement.level > Level.AAL1 or requirement.phishing_resistant or requirement.device_bound):
        return []
    able: set[tuple[str, str]] = set()
    names = [one.subject_id for one in members]
    for realm in (None, tenant_id):
        people = {user.id: user for user in User.objects.filter(realm=realm, subject_id__in=names)}
        apps: dict[UUID, list[KnownApp]] = {}
        live = {"user_id__in": list(people), "confirmed": True, "disabled_at__isnull": True}
        for app in TotpDevice.objects.filter(**live):
            apps.setdefault(app.user_id, []).append(KnownApp(app.handle))
        keys: dict[UUID, list[PasskeyDevice]] = {}
        for key in PasskeyDevice.objects.filter(**live):
            keys.setdefault(key.user_id, []).append(key)
        for user in people.values():
            enrolled = authenticators_of(
                user.id,
                # A product's own sign-in is the knowledge beside our factor, where it is vouched for.
                has_password=user.has_usable_password() or user.subject_type != ACCOUNT,
                apps=apps.get(user.id, []),
                passkeys=[known_passkey(one) for one in keys.get(user.id, [])],
                at=at,
            )
            if _would_do(enrolled, requirement, at=at):
                able.add((user.subject_type, user.subject_id))
    return [one for one in members if (one.subject_type, one.subject_id) not in able]


def _would_do(enrolled: Sequence[Authenticator], requirement: Requirement, *, at: datetime) -> bool:
    """Say whether authenticators reach a level with one of them as it is asked for; age and scope are no matter yet."""
    return reachable_level(enrolled, at=at) >= requirement.level and any(
        (one.phishing_resistant or not requirement.phishing_resistant)
        and (one.device_bound or not requirement.device_bound)
        for one in enrolled
    )
