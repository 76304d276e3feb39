"""Plans and replays that are asked for: rows that a worker works out, and what came of them."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from django.db import IntegrityError, transaction
from msgspec import Struct

from decisions.models import PlanKind, PlanStatus, PolicyBundle, PolicyPlan
from decisions.policy.activating import read_stage
from decisions.policy.errors import BundleNotFound, PlanNotFound, PlanRefused
from decisions.policy.replaying import Replayed
from tiergate.policy.impact import Report

MAX_DAYS: Final = 366
DEFAULT_DAYS: Final = 7
KEPT: Final = timedelta(days=30)


class Plan(Struct, frozen=True, kw_only=True):
    """A plan as it stands. base, candidate: digests; base is what was active when it was asked for, "" for nothing.

    status: waiting, running, done, failed. done, total: decisions. error: why it failed.
    """

    id: UUID
    candidate: str
    base: str
    days: int
    since: datetime
    until: datetime
    by: str
    status: str
    done: int
    total: int
    report: Report | None = None
    error: str = ""


class Replaying(Struct, frozen=True, kw_only=True):
    """A replay as it stands: each decision made again by the bundle that it names. Otherwise as a plan."""

    id: UUID
    status: str
    done: int
    total: int
    report: Replayed | None = None
    error: str = ""


def begin_plan(*, digest: str, days: int = DEFAULT_DAYS, by: str, at: datetime) -> Plan:
    """Ask for a plan of a stored bundle against the active one, over the decisions of the last days.

    The same asked for again, while the first is not done, is the first.
    :raises BundleNotFound: there is none of this digest. :raises PlanRefused: so many days cannot be looked at.
    """
    _check_days(days)
    if not PolicyBundle.objects.filter(digest=digest).exists():
        raise BundleNotFound("There is no bundle of this digest.", digest=digest)
    what = {"kind": PlanKind.PLAN, "candidate_id": digest, "base_id": read_stage().active}
    return _plan(_begun(what, days=days, by=by, at=at))


def begin_replay(*, days: int = DEFAULT_DAYS, by: str, at: datetime) -> Replaying:
    """Ask for the decisions of the last days to be made again, each by the bundle that it names.

    The same asked for again, while the first is not done, is the first.
    :raises PlanRefused: so many days cannot be looked at.
    """
    _check_days(days)
    what = {"kind": PlanKind.REPLAY, "candidate_id": None, "base_id": None}
    return _replay(_begun(what, days=days, by=by, at=at))


def get_plan(plan_id: UUID) -> Plan:
    """Read how a plan stands.

    :raises PlanNotFound: there is none, or it was so long ago that it is forgotten.
    """
    return _plan(_found(plan_id, PlanKind.PLAN))


def get_replay(replay_id: UUID) -> Replaying:
    """Read how a replay stands.

    :raises PlanNotFound: there is none, or it was so long ago that it is forgotten.
    """
    return _replay(_found(replay_id, PlanKind.REPLAY))


def forget_plans(*, at: datetime) -> int:
    """Delete plans that were asked for a month ago."""
    return PolicyPlan.objects.filter(asked_at__lt=at - KEPT).delete()[0]


def _check_days(days: int) -> None:
    if type(days) is not int or not 1 <= days <= MAX_DAYS:
        raise PlanRefused(f"A plan looks at 1 to {MAX_DAYS} days.", days=days)


def _begun(what: dict[str, Any], *, days: int, by: str, at: datetime) -> PolicyPlan:
    for _ in range(2):
        try:
            with transaction.atomic():
                return PolicyPlan.objects.create(
                    id=uuid4(), days=days, since=at - timedelta(days=days), until=at, by=by, asked_at=at, **what
                )
        except IntegrityError:
            open_ones = PolicyPlan.objects.filter(status__in=[PlanStatus.WAITING, PlanStatus.RUNNING])
            found = open_ones.filter(days=days, **what).first()
            if found is not None:
                return found
    raise PlanRefused("Such a plan is being made and ended just now; ask again.")


def _found(plan_id: UUID, kind: PlanKind) -> PolicyPlan:
    row = PolicyPlan.objects.filter(id=plan_id, kind=kind).first()
    if row is None:
        raise PlanNotFound("There is no such plan.")
    return row


def _plan(row: PolicyPlan) -> Plan:
    return Plan(
        id=row.id,
        candidate=row.candidate_id or "",
        base=row.base_id or "",
        days=row.days,
        since=row.since,
        until=row.until,
        by=row.by,
        status=row.status,
        done=row.done,
        total=max(row.total, row.done),
        report=None if row.report is None else msgspec.convert(row.report, Report),
        error=row.error,
    )


def _replay(row: PolicyPlan) -> Replaying:
    return Replaying(
        id=row.id,
        status=row.status,
        done=row.done,
        total=max(row.total, row.done),
        report=None if row.report is None else msgspec.convert(row.report, Replayed),
        error=row.error,
    )
