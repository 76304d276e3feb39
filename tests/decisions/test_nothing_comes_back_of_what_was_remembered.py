"""What crashes and forks leave behind: no number that means something else, and no lock that nobody opens."""

import os
import signal
import warnings
from datetime import timedelta

import pytest
from django.db import connection

from authlevels import api as authlevels
from authlevels import credentials
from decisions import people
from isolation.api import tenant_transaction
from tests.decisions.conftest import World
from tests.decisions.remembered import a_products

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("pause", "waits"), [(timedelta(minutes=2), "off"), (timedelta(hours=2), "on")])
def test_a_use_that_ends_a_level_waits_for_the_disk(world: World, pause: timedelta, waits: str) -> None:
    """It raises the standing: a number that a crash took back would be given out again, for what was taken back."""
    alice = a_products(world)
    was = alice.facts().activity
    seen = was.seen(was.last_seen_at + pause)
    times = [was.last_seen_at, seen.last_seen_at, seen.aal2_since, seen.aal3_since]
    before = authlevels.standing_of(alice.tenant_id)
    with tenant_transaction(alice.tenant_id), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        cursor.execute(
            "SELECT authlevels_note_use(%s, %s, %s, %s, %s, %s)", [alice.tenant_id, alice.session.id, *times]
        )
        assert cursor.fetchone() == ("true",)
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == (waits,)
    assert (authlevels.standing_of(alice.tenant_id) == before) is (waits == "off")


def test_a_child_waits_for_no_lock_that_a_thread_of_its_parents_held() -> None:
    with people._memory._lock, credentials._kept._lock, warnings.catch_warnings():
        # That threads are running is what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if not child:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)
            people.forget_people()
            credentials.forget_credentials()
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0
