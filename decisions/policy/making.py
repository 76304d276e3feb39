"""Plans and replays are made by a worker in turns, so that its end loses little.

Whoever works on a row holds it by a lease with a number; only the newest number stores, so that a worker who was
thought to be dead stores nothing over another's. What is counted is stored every few seconds together with the place
that was reached: whoever goes on begins there, and counts nothing twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog
from django.db import connection
from django.db.models import QuerySet
from msgspec import Struct

from audit import api as audit
from decisions.errors import FactsUnavailable
from decisions.models import PlanKind, PlanStatus, PolicyPlan
from decisions.policy.measuring import Measure, gone, waived
from decisions.policy.memory import bundle_of
from decisions.policy.recorded import count, walk
from decisions.policy.replaying import Replay, Replayed, to_json
from tiergate.policy import Bundle
from tiergate.policy.impact import Impact

LEASE: Final = timedelta(seconds=30)
"""A worker that dies holds a plan up for so long."""
STORE_EVERY: Final = timedelta(seconds=2)
ATTEMPTS: Final = 5
"""So often a plan is begun without coming further; then it has failed."""

_TAKE: Final = """
    UPDATE decisions_plan SET status = 'running', lease_until = %(until)s, fence = fence + 1, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM decisions_plan WHERE status IN ('waiting', 'running')
        AND (lease_until IS NULL OR lease_until NOT BETWEEN %(at)s AND %(far)s)
        ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""

log = structlog.get_logger(__name__)


class _State[T](Struct, frozen=True):
    """How far a plan has come."""

    counted: T
    after: audit.Place | None = None


def make_plans(*, clock: Callable[[], datetime], until: datetime) -> int:
    """Work on the plans that wait, the oldest first, until there is none or it is ``until``; give how many are ended."""
    ended = 0
    while clock() < until:
        row = _take(at=clock())
        if row is None:
            break
        ended += _work(row, clock=clock, until=until)
    return ended


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
    counting, after = _begun(row)
    before, stored_at = row.done, clock()
    if row.state is None and not _held(row, at=clock(), total=count(since=row.since, until=row.until)):
        return False
    for page in walk(since=row.since, until=row.until, after=after):
        counting.take(page)
        after, at = page.after, clock()
        if at >= until or at - stored_at >= STORE_EVERY:
            stored_at = at
            kept = msgspec.msgpack.encode(_State(_counted(counting), after))
            # What was counted is a step further: the count of vain attempts begins anew.
            values: dict[str, Any] = {"done": before + counting.done, "state": kept, "attempts": 0}
            if at >= until:
                values["lease_until"] = None
            if not _held(row, at=at, **values) or at >= until:
                return False
    done = before + counting.done
    return _end(row, PlanStatus.DONE, at=clock(), report=_report(row, counting), done=done, total=done)


def _begun(row: PolicyPlan) -> tuple[Measure | Replay, audit.Place | None]:
    """Begin where the turn before came to, with what it had counted."""
    kept = None if row.state is None else bytes(row.state)
    if row.kind == PlanKind.REPLAY:
        again = _State(Replayed()) if kept is None else msgspec.msgpack.decode(kept, type=_State[Replayed])
        return Replay(replayed=again.counted), again.after
    state = _State(Impact()) if kept is None else msgspec.msgpack.decode(kept, type=_State[Impact])
    return Measure(base=_bundle(row.base_id), candidate=_bundle(row.candidate_id), impact=state.counted), state.after


def _counted(counting: Measure | Replay) -> Impact | Replayed:
    return counting.impact if isinstance(counting, Measure) else counting.replayed


def _report(row: PolicyPlan, counting: Measure | Replay) -> Any:
    if isinstance(counting, Replay):
        return msgspec.to_builtins(to_json(counting.replayed))
    told = counting.impact.report(
        base=row.base_id or "",
        candidate=row.candidate_id or "",
        since=row.since,
        until=row.until,
        gives_up=gone(base=_bundle(row.base_id), candidate=_bundle(row.candidate_id), today=row.asked_at.date()),
        waives=waived(_bundle(row.candidate_id), today=row.asked_at.date()),
    )
    return msgspec.to_builtins(told)


def _bundle(digest: str | None) -> Bundle | None:
    return None if digest is None else bundle_of(digest)


def _held(row: PolicyPlan, *, at: datetime, **values: Any) -> bool:
    """Store while the lease is ours, and prolong it; False where somebody else has a newer one."""
    return bool(_mine(row).update(**{"lease_until": at + LEASE} | values))


def _end(row: PolicyPlan, status: PlanStatus, *, at: datetime, **values: Any) -> bool:
    return bool(_mine(row).update(status=status, state=None, lease_until=None, ended_at=at, **values))


def _mine(row: PolicyPlan) -> "QuerySet[PolicyPlan]":
    return PolicyPlan.objects.filter(id=row.id, fence=row.fence, status=PlanStatus.RUNNING)
