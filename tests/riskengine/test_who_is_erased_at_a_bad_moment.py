"""Somebody is erased while they sign in, while workers learn of them, and by a process that dies: they are wholly there, or gone."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.db import connections

from riskengine import api as risk
from riskengine import clearing, draining, folding, recomputing
from riskengine.models import Erasure, ProfileRow, SessionRisk
from riskengine.sights import flush_sights
from riskengine.stored import decode_stored
from tests.attacks.parallel import at_once
from tests.riskengine.conftest import FAR, HOME, NOON, OLGA, assessed, failed, known, taught
from tests.riskengine.test_who_is_erased_stays_so import in_valkey, rows

pytestmark = pytest.mark.django_db


def fold(**more: Any) -> int:
    return folding.fold(clock=lambda: NOON, until=NOON + timedelta(seconds=1), **more)


def look(tenant_id: UUID) -> None:
    """Look risky in a session, and as usual in another."""
    for seen in (FAR, HOME):
        try:
            assessed(tenant_id, seen, session_id=uuid4())
        except risk.RiskUnavailable:
            # Of somebody who was erased meanwhile nothing is noted, and nothing is answered.
            continue


@pytest.mark.parametrize("turn", range(3))
def test_whatever_is_under_way_the_person_does_not_come_back(acme: UUID, valkey: redis.Redis, turn: int) -> None:
    taught(acme, days=10)
    fold()
    known(acme)
    others: list[Callable[[], object]] = [
        lambda: taught(acme, days=6),
        lambda: failed(acme, times=4),
        lambda: look(acme),
        lambda: fold(batch=3),
        lambda: draining.drain_sights(at=NOON),
        lambda: [known(acme) for _ in range(5)],
        lambda: (recomputing.begin_run(rewrites=True, at=NOON), recomputing.work(clock=lambda: NOON, until=NOON)),
    ]

    def act(number: int) -> object:
        if number == turn:
            return risk.erase_person(tenant_id=acme, subject=OLGA, at=NOON)
        return others[(number + turn) % len(others)]()

    ended = at_once(act, 8)
    assert not [one for one in ended if isinstance(one, Exception)], ended
    assert flush_sights(seconds=30)
    draining.drain_sights(at=NOON)
    while fold():
        pass
    clearing.clear_erased()
    assert rows() == 0
    assert not SessionRisk.objects.using("sweep").exists()
    # What Valkey tells, what it was just told, and what the database tells.
    for _ in range(2):
        for _ in range(2):
            found = known(acme)
            assert (found.stored, found.taught, found.failures().person) == (None, (), 0.0)
        valkey.flushdb()


@pytest.mark.parametrize("is_erased", [True, False])
def test_a_walk_that_has_read_a_profile_does_not_write_it_afterwards(acme: UUID, *, is_erased: bool) -> None:
    session, at = uuid4(), NOON + timedelta(days=40)
    taught(acme, days=10)
    taught(acme, FAR, days=2, session_id=session)
    fold()
    recomputing.begin_run(rewrites=True, at=at)
    meanwhile: list[object] = []

    def before(execute: Callable[..., Any], statement: Any, *rest: Any) -> Any:
        # Read, and not locked yet.
        if "FROM riskengine_profile WHERE id = ANY" in str(statement) and not meanwhile:
            if is_erased:
                meanwhile.append(risk.erase_person(tenant_id=acme, subject=OLGA, at=NOON))
            else:
                said: dict[str, Any] = {"tenant_id": acme, "subject": OLGA, "session_id": session}
                meanwhile.append(risk.confirm_session(**said, is_mine=False, trust=0.0, at=NOON))
        return execute(statement, *rest)

    with connections["sweep"].execute_wrapper(before):
        recomputing.work(clock=lambda: at, until=at + timedelta(seconds=5))
    assert len(meanwhile) == 1
    found = ProfileRow.objects.using("sweep").first()
    assert (found is None) is is_erased
    assert found is None or FAR.asn not in decode_stored(bytes(found.state)).profile.counts["asn"]


@pytest.mark.storm
def test_whoever_erases_and_is_killed_has_erased_all_or_nothing(acme: UUID, valkey: redis.Redis) -> None:
    steps = 30
    people = [("user", f"person-{number}") for number in range(1, steps + 1)]
    for subject in people:
        taught(acme, days=2, subject=subject)
    fold()
    for subject in people:
        failed(acme, subject=subject)
        known(acme, subject=subject)
    connections.close_all()
    done = subprocess.run(
        [sys.executable, "-m", "tests.riskengine.erasing_child", str(acme), str(steps)],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    ended = Counter(line.split()[1] for line in done.stdout.splitlines())
    assert ended["killed"] > 8, done.stdout + done.stderr
    assert ended["0"] > 8, done.stdout + done.stderr
    waiting = Erasure.objects.using("sweep").filter(clearing__isnull=False).count()
    assert waiting > 0, "somebody was killed between the rows and Valkey"
    assert clearing.clear_erased() == waiting
    kept = {subject: rows(subject) for subject in people}
    assert set(kept.values()) == {0, 4}
    for subject, count in kept.items():
        assert bool(in_valkey(valkey, subject)) is bool(count), subject
