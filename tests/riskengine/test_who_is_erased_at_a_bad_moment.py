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
from riskengine.models import Erasure, SessionRisk
from riskengine.sights import flush_sights
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

    found = at_once(act, 8)
    assert not [one for one in found if isinstance(one, Exception)], found
    assert flush_sights(seconds=30)
    draining.drain_sights(at=NOON)
    while fold():
        pass
    clearing.clear_erased()
    assert rows() == 0
    after = known(acme)
    assert (after.stored, after.taught, after.failures().person) == (None, (), 0.0)
    assert not SessionRisk.objects.using("sweep").exists()
    valkey.flushdb()
    assert known(acme) == after


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
