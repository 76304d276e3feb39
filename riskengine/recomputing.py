"""Walking through all profiles: what is as good as forgotten is left out, weights are told by a newer epoch, and values are counted.

A run is parted by tenants, and within a large one by ids, so that workers share it. Whoever works on a part holds it by a lease with
a number; only the newest number stores. Every page is one transaction: the profiles, the counts so far and the place that was reached.
So whoever is killed has lost a page, whoever goes on begins there, and nothing is counted twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import structlog
from django.db import IntegrityError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Sum
from msgspec import Struct

from riskengine.counting import (
    MOST_OF_PART,
    MOST_OF_TENANT,
    Platform,
    Tally,
    count_person,
    counts_of,
    decode_tally,
    encode_tally,
    leave_out_rare,
    put_together,
)
from riskengine.learning import capped, rebased
from riskengine.models import Part, PlatformPopulation, Run, TenantPopulation
from riskengine.references import encode_counts
from riskengine.stored import decode_stored, encode_stored, trimmed

SWEEP: Final = "sweep"
PART: Final = 25_000
PAGE: Final = 1_000
LEASE: Final = timedelta(seconds=30)
"""A worker that dies holds a part up for so long."""
REBASED_AFTER: Final = timedelta(days=30)
"""A profile is written anew once its epoch is so long ago."""

_SLACK: Final = 2
_IDS: Final = 1 << 128
_TENANTS: Final = "SELECT tenant_id, count(*) FROM riskengine_profile GROUP BY tenant_id"
_TAKE: Final = """
    UPDATE riskengine_part SET lease_until = %(until)s, fence = fence + 1
    WHERE id = (
        SELECT id FROM riskengine_part WHERE run_id = %(run)s AND ended_at IS NULL
        AND (lease_until IS NULL OR lease_until NOT BETWEEN %(at)s AND %(far)s)
        ORDER BY lease_until NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""
_PAGE: Final = """
    SELECT id, version, state FROM riskengine_profile
    WHERE tenant_id = %(tenant)s AND id > %(after)s AND id <= %(until)s ORDER BY id LIMIT %(page)s
"""
# Whoever is taught just now is left as they are: nobody waits for a walk, and the next one comes.
_FREE: Final = "SELECT id, version FROM riskengine_profile WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED"
# One join, by the key: of two, the planner puts the states aside, and reads them all again for each row.
_WRITE: Final = """
    UPDATE riskengine_profile p SET state = new.state, epoch = %(epoch)s
    FROM unnest(%(ids)s::uuid[], %(states)b::bytea[]) AS new (id, state) WHERE p.id = new.id
"""
_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=_IDS - 1)

_log = structlog.get_logger(__name__)


class Progress(Struct, frozen=True, kw_only=True):
    """How far the newest run has come. done, total: profiles; total as it began."""

    begun_at: datetime
    ended_at: datetime | None
    done: int
    total: int

    def sentence(self, *, at: datetime) -> str:
        """Say it in words, with how long the rest takes at the pace so far."""
        if self.ended_at is not None:
            minutes = (self.ended_at - self.begun_at) / timedelta(minutes=1)
            return f"{self.total:,} profiles walked through at {self.ended_at:%Y-%m-%d %H:%M}, in {minutes:.0f} min"
        share = self.done / max(1, self.total)
        found = f"{self.done:,} of {self.total:,} profiles walked through ({share:.0%}) since {self.begun_at:%Y-%m-%d %H:%M}"
        if not self.done or at <= self.begun_at:
            return found
        left = (at - self.begun_at) * (1 / share - 1) / timedelta(minutes=1)
        return f"{found}, some {left:.0f} min left"


class _Lost(Exception):
    """Somebody else holds it by now."""


def begin_run(*, rewrites: bool = False, at: datetime) -> bool:
    """Begin a walk through all profiles, unless one is under way, and say whether one was begun.

    rewrites: write every profile anew, and not only those that are due.
    """
    try:
        with transaction.atomic(using=SWEEP), connections[SWEEP].cursor() as cursor:
            if Run.objects.using(SWEEP).filter(ended_at=None).exists():
                return False
            cursor.execute(_TENANTS)
            tenants = cursor.fetchall()
            run = Run.objects.using(SWEEP).create(
                id=uuid4(), rewrites=rewrites, begun_at=at, total=sum(count for _, count in tenants)
            )
            Part.objects.using(SWEEP).bulk_create(
                (
                    Part(id=uuid4(), tenant_id=tenant_id, run=run, after=after, until=until)
                    for tenant_id, count in tenants
                    for after, until in _ranges(-(-count // PART))
                ),
                batch_size=1_000,
            )
    except IntegrityError:
        return False
    _log.info("risk_recompute_begun", profiles=run.total, rewrites=rewrites)
    return True


def work(*, clock: Callable[[], datetime], until: datetime, page: int = PAGE) -> int:
    """Go on with the run under way, if there is one, until it has ended or it is ``until``; give how many profiles were done.

    :raises django.db.DatabaseError: the database is away; pages are stored whole, or not at all.
    """
    done = 0
    while clock() < until:
        run = Run.objects.using(SWEEP).filter(ended_at=None).order_by("begun_at").first()
        part = None if run is None else _take(run, at=clock())
        if run is None:
            break
        try:
            if part is not None:
                done += _go_on(run, part, clock=clock, until=until, page=page)
            elif not _end(run, clock=clock):
                break
        except _Lost:
            # Whoever took it has it: of two whose clocks differ, each would take it from the other for ever.
            _log.warning("risk_recompute_lost", run=str(run.id))
            break
    if done and (found := progress()) is not None:
        _log.info("risk_recompute_turn", profiles=done, done=found.done, total=found.total)
    return done


def progress() -> Progress | None:
    """Tell how far the newest run has come; None before the first."""
    run = Run.objects.using(SWEEP).order_by("-begun_at").first()
    if run is None:
        return None
    parts = Part.objects.using(SWEEP).filter(run=run)
    done = run.total if run.ended_at else parts.aggregate(done=Sum("done"))["done"] or 0
    return Progress(begun_at=run.begun_at, ended_at=run.ended_at, done=done, total=max(run.total, done))


def _ranges(count: int) -> list[tuple[UUID, UUID]]:
    """Part all ids, which are random, into so many equal ranges."""
    bounds = [UUID(int=_IDS * number // count) for number in range(count)]
    return list(zip(bounds, [*bounds[1:], _LAST], strict=True))


def _take(run: Run, *, at: datetime) -> Part | None:
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(_TAKE, {"run": run.id, "at": at, "until": at + LEASE, "far": at + 2 * LEASE})
        found = cursor.fetchone()
    return None if found is None else Part.objects.using(SWEEP).get(id=found[0])


def _go_on(run: Run, part: Part, *, clock: Callable[[], datetime], until: datetime, page: int) -> int:
    tally = Tally() if part.state is None else decode_tally(bytes(part.state))
    begun_with = part.done
    while clock() < until:
        is_over = _do_page(run, part, tally, page=page, clock=clock)
        if is_over:
            _log.info("risk_recompute_part", tenant=str(part.tenant_id), profiles=part.done)
            return part.done - begun_with
    _mine(part).update(lease_until=None)
    return part.done - begun_with


def _do_page(run: Run, part: Part, tally: Tally, *, page: int, clock: Callable[[], datetime]) -> bool:
    """Do one page of a part, and say whether it was the last.

    :raises _Lost: somebody else holds the part; nothing is stored.
    """
    with transaction.atomic(using=SWEEP), connections[SWEEP].cursor() as cursor:
        asked: dict[str, Any] = {
            "tenant": part.tenant_id,
            "after": part.after or _FIRST,
            "until": part.until or _LAST,
            "page": page,
        }
        cursor.execute(_PAGE, asked)
        rows = cursor.fetchall()
        written = _recomputed(rows, tally, rewrites=run.rewrites, at=run.begun_at)
        if written:
            _write(cursor, written, epoch=run.begun_at)
        leave_out_rare(tally, most=MOST_OF_PART, slack=_SLACK)
        part.done += len(rows)
        part.after = rows[-1][0] if rows else part.after
        is_over = len(rows) < page
        held = _mine(part).update(
            after=part.after,
            done=part.done,
            state=encode_tally(tally),
            lease_until=clock() + LEASE,
            ended_at=clock() if is_over else None,
        )
        if not held:
            raise _Lost
    return is_over


def _write(cursor: CursorWrapper, written: Sequence[tuple[UUID, int, bytes]], *, epoch: datetime) -> None:
    """Write profiles anew, but for those that somebody holds, or has changed since they were read."""
    cursor.execute(_FREE, [[row_id for row_id, _, _ in written]])
    free = dict(cursor.fetchall())
    kept = [(row_id, state) for row_id, version, state in written if free.get(row_id) == version]
    # Bound in the server, as bytes; else each would be written out as text.
    with CursorWrapper(psycopg.Cursor(connections[SWEEP].connection), connections[SWEEP]) as binding:
        ids, states = [row_id for row_id, _ in kept], [state for _, state in kept]
        binding.execute(_WRITE, {"ids": ids, "states": states, "epoch": epoch})


def _recomputed(rows: Sequence[Any], tally: Tally, *, rewrites: bool, at: datetime) -> list[tuple[UUID, int, bytes]]:
    """Count the people of a page, and give the profiles that are to be written anew."""
    written = []
    for row_id, version, state in rows:
        stored = decode_stored(bytes(state))
        if rewrites or at - stored.profile.epoch >= REBASED_AFTER:
            stored = trimmed(stored, capped(rebased(stored.profile, at=at)), at=at)
            written.append((row_id, version, encode_stored(stored)))
        count_person(tally, stored, at=at)
    return written


def _mine(part: Part) -> Any:
    return Part.objects.using(SWEEP).filter(id=part.id, fence=part.fence, ended_at=None)


def _end(run: Run, *, clock: Callable[[], datetime]) -> bool:
    """Put together what the parts have counted, where all are done; False where somebody works on them still.

    Whoever is killed while doing so leaves the parts; it is done again from the beginning, and comes to the same.
    :raises _Lost: somebody else does so by now.
    """
    parts = Part.objects.using(SWEEP).filter(run=run)
    at = clock()
    free = Run.objects.using(SWEEP).filter(id=run.id, fence=run.fence, ended_at=None)
    if parts.filter(ended_at=None).exists() or (run.lease_until and at < run.lease_until < at + 2 * LEASE):
        return False
    if not free.update(fence=run.fence + 1, lease_until=at + LEASE):
        raise _Lost
    mine = Run.objects.using(SWEEP).filter(id=run.id, fence=run.fence + 1, ended_at=None)
    platform = Platform()
    tenants = list(parts.order_by("tenant_id").values_list("tenant_id", flat=True).distinct())
    for tenant_id in tenants:
        states = parts.filter(tenant_id=tenant_id).order_by("id").values_list("state", flat=True).iterator(chunk_size=1)
        tally = put_together((decode_tally(bytes(state or b"")) for state in states), most=MOST_OF_TENANT)
        platform.add(tally)
        with transaction.atomic(using=SWEEP):
            if not mine.update(lease_until=clock() + LEASE):
                raise _Lost
            _keep(TenantPopulation, tally, at=run.begun_at, tenant_id=tenant_id)
    with transaction.atomic(using=SWEEP):
        if not mine.update(ended_at=clock(), lease_until=None):
            raise _Lost
        _keep(PlatformPopulation, platform.tally(), at=run.begun_at, id=1)
        TenantPopulation.objects.using(SWEEP).exclude(tenant_id__in=tenants).delete()
        done = sum(parts.values_list("done", flat=True))
        parts.delete()
    _log.info("risk_recompute_ended", profiles=done, tenants=len(tenants))
    return True


def _keep(model: Any, tally: Tally, *, at: datetime, **which: Any) -> None:
    values = {"state": encode_counts(counts_of(tally)), "people": tally.people, "counted_at": at}
    model.objects.using(SWEEP).update_or_create(**which, defaults=values)
