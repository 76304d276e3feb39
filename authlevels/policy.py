"""What a tenant wants of its people's factors: read where one is judged or enrolled, changed by who may."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

import audit.api
import licensing.api
from authlevels.attempts import ACCOUNT_LIMIT, AttemptLimit
from authlevels.errors import PolicyRefused
from authlevels.models import SessionRow, StepUpPolicy, User
from authlevels.models.policy import DEFAULT_COOLDOWN, DEFAULT_GRACE, DEFAULT_MAX_FAILURES, LONGEST
from authlevels.sessions import end_session
from isolation.api import tenant_transaction

MOST_FAILURES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A tenant's own word about step-up; spans in seconds.

    max_failures: wrong codes or passwords in a row before a pause, 1 to 100. new_factor_cooldown: for so long a new
    factor leads no higher than the session that enrolled it. enrolment_grace: until the level that the plan asks for
    is asked everywhere of a member whose factors cannot reach it. allow_impersonation: the vendor's support may act
    as a member.
    """

    max_failures: int = DEFAULT_MAX_FAILURES
    new_factor_cooldown: int = DEFAULT_COOLDOWN
    enrolment_grace: int = DEFAULT_GRACE
    allow_impersonation: bool = True


def get_policy(*, tenant_id: UUID) -> Policy:
    """Return the policy of a tenant; the defaults, where it never set one."""
    with tenant_transaction(tenant_id, savepoint=False):
        row = StepUpPolicy.objects.filter(tenant_id=tenant_id).first()
    return Policy() if row is None else _told(row)


def put_policy(*, tenant_id: UUID, by: str, at: datetime, **changed: Any) -> Policy:
    """Change what is named of a tenant's policy, and return the whole of it.

    One that lets support in no longer ends what support is doing.

    changed: members of `Policy`.
    :raises PolicyRefused: a member is out of its range.
    """
    with tenant_transaction(tenant_id):
        hold_policy(tenant_id)
        StepUpPolicy.objects.bulk_create([StepUpPolicy(tenant_id=tenant_id)], ignore_conflicts=True)
        row = StepUpPolicy.objects.select_for_update().get(tenant_id=tenant_id)
        old = _told(row)
        new = replace(old, **changed)
        _check(new)
        if new == old:
            return old
        StepUpPolicy.objects.filter(tenant_id=tenant_id).update(**asdict(new))
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.STEP_UP_POLICY_CHANGED,
            at=at,
            payload={"old": asdict(old), "new": asdict(new), "by": by},
        )
        licensing.api.publish("person", "")
        if old.allow_impersonation and not new.allow_impersonation:
            _end_impersonations(tenant_id, by=by, at=at)
    return new


def hold_policy(tenant_id: UUID) -> None:
    """Make whoever changes a tenant's policy wait until the transaction around this call has ended, and wait for them.

    So what it then reads is what it acts by: there need be no row yet that it could lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"step-up policy/{tenant_id}"])


def limit_for(user: User, *, tenant_id: UUID) -> AttemptLimit:
    """Say how many wrong codes or passwords in a row a person may give to a tenant's challenges.

    Of a person of the own sign-in at most the default: several tenants may know them, and whoever guesses would
    choose the most lenient. Between the limits of two tenants, a pause that one of them began holds in both.
    """
    most = MOST_FAILURES if user.realm else ACCOUNT_LIMIT.attempts
    return AttemptLimit(attempts=min(get_policy(tenant_id=tenant_id).max_failures, most), pause=ACCOUNT_LIMIT.pause)


def _end_impersonations(tenant_id: UUID, *, by: str, at: datetime) -> None:
    """End what support is doing now: who lets nobody act as its members means those who do, too."""
    live = SessionRow.objects.filter(
        tenant_id=tenant_id, kind=SessionRow.Kind.IMPERSONATED, revoked_at__isnull=True, expires_at__gt=at
    )
    for session_id in live.order_by("id").values_list("id", flat=True):
        end_session(tenant_id=tenant_id, session_id=session_id, by=by, at=at)


def _check(policy: Policy) -> None:
    if not 1 <= policy.max_failures <= MOST_FAILURES:
        raise PolicyRefused(f"max_failures is a number from 1 to {MOST_FAILURES}.")
    for name in ("new_factor_cooldown", "enrolment_grace"):
        if not 0 <= getattr(policy, name) <= LONGEST:
            raise PolicyRefused(f"{name} is a number of seconds from 0 to {LONGEST}.")


def _told(row: StepUpPolicy) -> Policy:
    return Policy(
        max_failures=row.max_failures,
        new_factor_cooldown=row.new_factor_cooldown,
        enrolment_grace=row.enrolment_grace,
        allow_impersonation=row.allow_impersonation,
    )
