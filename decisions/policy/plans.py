"""Plans that a worker makes: what a stored candidate would have done, in turns, so that a worker's end loses little.

A plan is a row. Whoever works on it holds it by a lease with a number; only the newest number stores, so that a worker
who was thought to be dead stores nothing over another's. What is counted is stored every few seconds together with the
place that was reached: whoever goes on begins there, and counts nothing twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from msgspec import Struct

from decisions.errors import FactsUnavailable
from decisions.models import PlanStatus, PolicyBundle, PolicyPlan
from decisions.policy.activating import read_stage
from decisions.policy.errors import BundleNotFound, PlanNotFound, PlanRefused
from decisions.policy.measuring import Measure
from decisions.policy.memory import bundle_of
from decisions.policy.recorded import count, walk
from tiergate.policy import Bundle
from tiergate.policy.impact import Impact, Report

MAX_DAYS: Final = 366
DEFAULT_DAYS: Final = 7
LEASE: Final = timedelta(seconds=30)
"""A worker that dies holds a plan up for so long."""
STORE_EVERY: Final = timedelta(seconds=2)
ATTEMPTS: Final = 5
"""So often a plan is begun without coming further; then it has failed."""
KEPT: Final = timedelta(days=30)

TASK: Final = "decisions.tasks.make_plans"

_TAKE: Final = """
    UPDATE decisions_plan SET status = 'running', lease_until = %(until)s, fence = fence + 1, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM decisions_plan WHERE status IN ('waiting', 'running')
        AND (lease_until IS NULL OR lease_until NOT BETWEEN %(at)s AND %(far)s)
        ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""

log = structlog.get_logger(__name__)


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


class _State(Struct, frozen=True):
    """How far a plan has come."""

    impact: Impact
    after: tuple[UUID, int] | None = None


def begin_plan(*, digest: str, days: int = DEFAULT_DAYS, by: str, at: datetime) -> Plan:
    """Ask for a plan of a stored bundle against the active one, over the decisions of the last days.

    The same asked for again, while the first is not done, is the first.
    :raises BundleNotFound: there is none of this digest. :raises PlanRefused: so many days cannot be looked at.
    """
    if type(days) is not int or not 1 <= days <= MAX_DAYS:
        raise PlanRefused(f"A plan looks at 1 to {MAX_DAYS} days.", days=days)
    if not PolicyBundle.objects.filter(digest=digest).exists():
        raise BundleNotFound("There is no bundle of this digest.", digest=digest)
    base = read_stage().active
    for _ in range(2):
        try:
            with transaction.atomic():
                row = PolicyPlan.objects.create(
                    id=uuid4(),
                    candidate_id=digest,
                    base_id=base,
                    days=days,
                    since=at - timedelta(days=days),
                    until=at,
                    by=by,
                    asked_at=at,
                )
        except IntegrityError:
            open_ones = PolicyPlan.objects.filter(candidate_id=digest, base_id=base, days=days)
            found = open_ones.filter(status__in=[PlanStatus.WAITING, PlanStatus.RUNNING]).first()
            if found is not None:
                return _view(found)
        else:
            return _view(row)
    raise PlanRefused("Such a plan is being made and ended just now; ask again.")


def get_plan(plan_id: UUID) -> Plan:
    """Read how a plan stands.

    :raises PlanNotFound: there is none, or it was so long ago that it is forgotten.
    """
    row = PolicyPlan.objects.filter(id=plan_id).first()
    if row is None:
        raise PlanNotFound("There is no such plan.")
    return _view(row)


def list_plans(*, limit: int = 10) -> list[Plan]:
    """List plans, the newest first, without their reports."""
    rows = PolicyPlan.objects.defer("report", "state").order_by("-asked_at", "id")[:limit]
    return [_view(row, has_report=False) for row in rows]


def make_plans(*, clock: Callable[[], datetime], until: datetime) -> int:
    """Work on the plans that wait, the oldest first, until there is none or it is ``until``; give how many are ended."""
    ended = 0
    while clock() < until:
        row = _take(at=clock())
        if row is None:
            break
        ended += _work(row, clock=clock, until=until)
    return ended


def forget_plans(*, at: datetime) -> int:
    """Delete plans that were asked for a month ago."""
    return PolicyPlan.objects.filter(asked_at__lt=at - KEPT).delete()[0]


def _take(*, at: datetime) -> PolicyPlan | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"at": at, "until": at + LEASE, "far": at + 2 * LEASE})
        found = cursor.fetchone()
    return None if found is None else PolicyPlan.objects.get(id=found[0])


def _work(row: PolicyPlan, *, clock: Callable[[], datetime], until: datetime) -> bool:
    """Work on one plan for the rest of a turn, and say whether it is ended."""
    if row.attempts > ATTEMPTS:
        return _end(row, PlanStatus.FAILED, at=clock(), error="It was begun again and again, and came no further.")
    try:
        return _go_on(row, clock=clock, until=until)
    except FactsUnavailable as error:
        return _end(row, PlanStatus.FAILED, at=clock(), error=error.detail)
    except Exception as error:
        # Tried again once the lease is over, and given up after some times; other plans are not held up.
        log.exception("plan_broke", plan=str(row.id), error=type(error).__name__)
        return False


def _go_on(row: PolicyPlan, *, clock: Callable[[], datetime], until: datetime) -> bool:
    state = _State(Impact()) if row.state is None else msgspec.msgpack.decode(bytes(row.state), type=_State)
    counting = Measure(base=_bundle(row.base_id), candidate=_bundle(row.candidate_id), impact=state.impact)
    before, after, stored_at = row.done, state.after, clock()
    if row.state is None and not _held(row, at=clock(), total=count(since=row.since, until=row.until)):
        return False
    for page in walk(since=row.since, until=row.until, after=after):
        counting.take(page)
        after, at = page.after, clock()
        if at >= until or at - stored_at >= STORE_EVERY:
            stored_at = at
            kept = msgspec.msgpack.encode(_State(counting.impact, after))
            # What was counted is a step further: the count of vain attempts begins anew.
            values: dict[str, Any] = {"done": before + counting.done, "state": kept, "attempts": 0}
            if at >= until:
                values["lease_until"] = None
            if not _held(row, at=at, **values) or at >= until:
                return False
    report = counting.impact.report(
        base=row.base_id or "", candidate=row.candidate_id, since=row.since, until=row.until
    )
    done = before + counting.done
    return _end(row, PlanStatus.DONE, at=clock(), report=msgspec.to_builtins(report), done=done, total=done)


def _bundle(digest: str | None) -> Bundle | None:
    return None if digest is None else bundle_of(digest)


def _held(row: PolicyPlan, *, at: datetime, **values: Any) -> bool:
    """Store while the lease is ours, and prolong it; False where somebody else has a newer one."""
    return bool(_mine(row).update(**{"lease_until": at + LEASE} | values))


def _end(row: PolicyPlan, status: PlanStatus, *, at: datetime, **values: Any) -> bool:
    return bool(_mine(row).update(status=status, state=None, lease_until=None, ended_at=at, **values))


def _mine(row: PolicyPlan) -> "QuerySet[PolicyPlan]":
    return PolicyPlan.objects.filter(id=row.id, fence=row.fence, status=PlanStatus.RUNNING)


def _view(row: PolicyPlan, *, has_report: bool = True) -> Plan:
    return Plan(
        id=row.id,
        candidate=row.candidate_id,
        base=row.base_id or "",
        days=row.days,
        since=row.since,
        until=row.until,
        by=row.by,
        status=row.status,
        done=row.done,
        total=max(row.total, row.done),
        report=None if not has_report or row.report is None else msgspec.convert(row.report, Report),
        error=row.error,
    )
