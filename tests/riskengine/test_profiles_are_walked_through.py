"""All profiles are walked through by workers that share it, and what is usual is counted from them: once, and for each tenant apart."""

import os
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models import F

from riskengine import recomputing, references
from riskengine.counting import LEAST_TENANTS, Tally, put_together
from riskengine.learning import rebased
from riskengine.models import Part, PlatformPopulation, ProfileRow, Run, TenantPopulation
from riskengine.population import Counts
from riskengine.seen import Seen
from riskengine.stored import Stored, Taught, decode_stored, encode_stored, teach
from tests.attacks.parallel import at_once
from tests.riskengine.conftest import FAR, HOME, NOON, tenant

pytestmark = pytest.mark.django_db


def person(tenant_id: UUID, seen: Seen, number: int, *, at: datetime = NOON) -> None:
    stored = teach(None, Taught(id=uuid4(), at=at, trust=1.0, seen=seen))
    ProfileRow.objects.using("sweep").create(
        tenant_id=tenant_id,
        subject_type="user",
        subject_id=f"person-{number}",
        state=encode_stored(stored),
        epoch=at,
        updated_at=at,
    )


def people(tenant_id: UUID, count: int, *, at: datetime = NOON, seen: Seen = HOME, first: int = 0) -> None:
    for number in range(first, first + count):
        person(tenant_id, seen, number, at=at)


def walk(*, at: datetime = NOON, page: int = 1_000, rewrites: bool = False) -> int:
    assert recomputing.begin_run(rewrites=rewrites, at=at)
    return go_on(at=at, page=page)


def go_on(*, at: datetime = NOON, page: int = 1_000) -> int:
    return recomputing.work(clock=lambda: at, until=at + timedelta(seconds=1), page=page)


def counts(tenant_id: UUID) -> Counts:
    references.forget_usual()
    return references.of_tenant(tenant_id).population.tenant


def platform() -> Counts:
    state = PlatformPopulation.objects.values_list("state", flat=True).get()
    return references.decode_counts(bytes(state or b""))


def stored_of(tenant_id: UUID, number: int = 0) -> Stored:
    row = ProfileRow.objects.using("sweep").get(tenant_id=tenant_id, subject_id=f"person-{number}")
    return decode_stored(bytes(row.state))


def test_what_is_usual_is_counted_once_for_each_person(acme: UUID) -> None:
    people(acme, 7)
    people(acme, 3, seen=FAR, first=7)
    for number in range(5):
        again = teach(stored_of(acme), Taught(id=uuid4(), at=NOON + timedelta(days=number), trust=1.0, seen=HOME))
        ProfileRow.objects.using("sweep").filter(subject_id="person-0").update(state=encode_stored(again))
    assert walk(page=3) == 10
    found = counts(acme)
    assert found.people["asn"] == {"DE": {"AS64500": 7.0}, "BR": {"AS64999": 3.0}}
    assert found.people["network"]["AS64500"] == {"203.0.113.0/24": 7.0}
    assert found.total("country", "") == 10
    assert not {"device", "device_use"} & found.people.keys(), "a device is one person's"
    assert TenantPopulation.objects.using("sweep").get().people == 10


def test_what_nobody_has_used_for_long_is_not_usual(acme: UUID) -> None:
    people(acme, 3, at=NOON - timedelta(days=400))
    people(acme, 2, seen=FAR, first=3)
    walk()
    assert counts(acme).people["country"] == {"": {"BR": 2.0}}


def test_a_profile_is_told_by_a_new_epoch_and_is_worth_the_same(acme: UUID) -> None:
    people(acme, 1, at=NOON - timedelta(days=31))
    people(acme, 1, at=NOON - timedelta(days=29), first=1)
    old, young = stored_of(acme, 0), stored_of(acme, 1)
    walk()
    assert stored_of(acme, 0).profile == rebased(old.profile, at=NOON)
    assert stored_of(acme, 0).under == old.under
    assert stored_of(acme, 1) == young
    walk(rewrites=True, at=NOON + timedelta(days=1))
    assert stored_of(acme, 1).profile.epoch == NOON + timedelta(days=1)


def test_whoever_learns_meanwhile_is_not_written_over(acme: UUID) -> None:
    people(acme, 2, at=NOON - timedelta(days=50))
    recomputing.begin_run(at=NOON)
    run = Run.objects.using("sweep").get()
    read = recomputing._recomputed

    def learn_after(rows: Any, *arguments: Any, **more: Any) -> Any:
        found = read(rows, *arguments, **more)
        ProfileRow.objects.using("sweep").filter(subject_id="person-0").update(version=2, state=b"newer")
        return found

    recomputing._recomputed = learn_after
    try:
        taken = recomputing._take(run, at=NOON)
        assert taken is not None
        recomputing._do_page(run, taken, Tally(), page=10, clock=lambda: NOON)
    finally:
        recomputing._recomputed = read
    states = dict(ProfileRow.objects.using("sweep").values_list("subject_id", "state"))
    assert bytes(states["person-0"]) == b"newer"
    assert decode_stored(bytes(states["person-1"])).profile.epoch == NOON


def test_one_walk_is_under_way_at_a_time(acme: UUID) -> None:
    people(acme, 1)
    assert [one for one in at_once(lambda _: recomputing.begin_run(at=NOON), 4) if one is True] == [True]
    assert recomputing.begin_run(rewrites=True, at=NOON) is False
    go_on()
    assert recomputing.begin_run(at=NOON) is True


def test_workers_share_a_walk_and_count_nothing_twice(
    acme: UUID, globex: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputing, "PART", 10)
    people(acme, 95)
    people(globex, 40, seen=FAR)
    recomputing.begin_run(at=NOON)
    assert Part.objects.using("sweep").count() == 14
    assert [one for one in at_once(lambda _: go_on(page=4), 4) if not isinstance(one, int)] == []
    while go_on():
        pass
    go_on()
    assert (counts(acme).total("country", ""), counts(globex).total("country", "")) == (95, 40)
    assert Part.objects.using("sweep").count() == 0
    told = recomputing.progress()
    assert told is not None
    assert (told.done, told.total, told.ended_at) == (135, 135, NOON)


def test_an_operator_is_told_how_far_a_walk_has_come(acme: UUID, capsys: pytest.CaptureFixture[str]) -> None:
    def status() -> str:
        call_command("risk", "status")
        return capsys.readouterr().out

    assert "No profiles were walked through yet." in status()
    people(acme, 8)
    recomputing.begin_run(at=NOON)
    ticks = iter(NOON + timedelta(seconds=number) for number in range(100))
    recomputing.work(clock=lambda: next(ticks), until=NOON + timedelta(seconds=4), page=2)
    found = recomputing.progress()
    assert found is not None
    assert 0 < found.done < 8
    assert f"{found.done} of 8 profiles walked through ({found.done / 8:.0%}) since 2026-11-23 12:00" in status()
    rest = 60 * (8 / found.done - 1)
    assert found.sentence(at=NOON + timedelta(hours=1)).endswith(f"some {rest:.0f} min left")
    go_on(at=NOON + timedelta(hours=2))
    assert "8 profiles walked through at 2026-11-23 14:00, in 120 min." in status()


def test_a_worker_that_was_thought_to_be_dead_stores_nothing(acme: UUID) -> None:
    people(acme, 10)
    recomputing.begin_run(at=NOON)
    run = Run.objects.using("sweep").get()
    slow = recomputing._take(run, at=NOON)
    later = NOON + recomputing.LEASE + timedelta(seconds=1)
    assert slow is not None
    assert recomputing._take(run, at=NOON) is None, "it is held"
    quick = recomputing._take(run, at=later)
    assert quick is not None
    recomputing._do_page(run, quick, Tally(), page=4, clock=lambda: later)
    with pytest.raises(recomputing._Lost):
        recomputing._do_page(run, slow, Tally(), page=4, clock=lambda: later)
    go_on(at=later + recomputing.LEASE * 2)
    assert counts(acme).total("country", "") == 10


def test_what_a_day_has_taught_is_remembered_over_a_walk(acme: UUID) -> None:
    people(acme, 1)
    stored = stored_of(acme)
    for _ in range(3):
        stored = teach(stored, Taught(id=uuid4(), at=NOON, trust=1.0, seen=HOME))
    ProfileRow.objects.using("sweep").update(state=encode_stored(stored))
    walk(rewrites=True)
    after = stored_of(acme)
    assert after.taught == stored.taught
    assert teach(after, Taught(id=uuid4(), at=NOON, trust=1.0, seen=HOME)) == after


def test_what_is_forgotten_leaves_nothing_behind(acme: UUID) -> None:
    people(acme, 1, at=NOON - timedelta(days=1_000))
    walk()
    after = stored_of(acme)
    assert (after.profile.counts, after.under, after.taught) == ({}, {}, {})


def parts_done(tenant_id: UUID) -> Run:
    """Walk through all profiles up to where the parts are put together."""
    people(tenant_id, 6)
    recomputing.begin_run(at=NOON)
    run = Run.objects.using("sweep").get()
    part = recomputing._take(run, at=NOON)
    assert part is not None
    assert recomputing._end(run, clock=lambda: NOON) is False, "somebody works on it still"
    assert recomputing._do_page(run, part, Tally(), page=10, clock=lambda: NOON)
    return run


def test_parts_are_put_together_by_one_and_by_another_once_they_are_late(
    acme: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = parts_done(acme)
    together = put_together

    def slow(*arguments: Any, **more: Any) -> Tally:
        monkeypatch.setattr(recomputing, "put_together", together)
        assert go_on(at=NOON + timedelta(seconds=1)) == 0
        assert Run.objects.using("sweep").get().ended_at is None, "it is held"
        go_on(at=NOON + recomputing.LEASE + timedelta(seconds=1))
        assert Run.objects.using("sweep").get().ended_at is not None
        return Tally()

    monkeypatch.setattr(recomputing, "put_together", slow)
    with pytest.raises(recomputing._Lost):
        recomputing._end(run, clock=lambda: NOON)
    assert counts(acme).total("country", "") == 6


def test_who_was_late_puts_nothing_together_while_another_does(acme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    run = parts_done(acme)
    together = put_together

    def taken_over(*arguments: Any, **more: Any) -> Tally:
        Run.objects.using("sweep").update(fence=F("fence") + 1)
        return together(*arguments, **more)

    monkeypatch.setattr(recomputing, "put_together", taken_over)
    with pytest.raises(recomputing._Lost):
        recomputing._end(run, clock=lambda: NOON)
    assert not TenantPopulation.objects.using("sweep").exists()


def test_a_clock_that_was_set_back_holds_up_no_end(acme: UUID) -> None:
    parts_done(acme)
    Run.objects.using("sweep").update(lease_until=NOON + timedelta(minutes=10))
    go_on()
    assert Run.objects.using("sweep").get().ended_at == NOON


def test_what_one_tenant_alone_has_is_told_no_other(db: None) -> None:
    tenants = [tenant(f"tenant-{number}") for number in range(LEAST_TENANTS)]
    secret = Seen(network="192.0.2.0/24", asn="AS64496", country="DE", family="Firefox", system="Linux desktop")
    for tenant_id in tenants:
        people(tenant_id, 5)
    for tenant_id in tenants[: LEAST_TENANTS - 1]:
        people(tenant_id, 50, seen=secret, first=5)
    walk()
    found = platform()
    assert found.people["network"] == {"AS64500": {"203.0.113.0/24": 5.0 * LEAST_TENANTS}}
    assert "AS64496" not in found.people["asn"]["DE"]
    assert "AS64496" not in found.totals["network"]


def test_a_tenants_people_move_what_is_usual_in_no_other(acme: UUID, globex: UUID) -> None:
    people(acme, 5)
    walk()
    before = counts(acme)
    people(globex, 200, seen=FAR)
    walk(at=NOON + timedelta(days=1))
    assert counts(acme) == before


def test_a_large_tenant_does_not_say_alone_what_is_usual_everywhere(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskengine.counting.MOST_PEOPLE", 10)
    tenants = [tenant(f"tenant-{number}") for number in range(4)]
    people(tenants[0], 1, seen=HOME)
    people(tenants[0], 199, seen=FAR, first=1)
    for tenant_id in tenants[1:]:
        people(tenant_id, 9, seen=HOME)
        people(tenant_id, 1, seen=FAR, first=9)
    walk()
    found = platform().people["country"][""]
    assert found["BR"] == pytest.approx(10 * 199 / 200 + 3)
    assert found["DE"] == pytest.approx(10 * 1 / 200 + 27)


def test_what_is_rare_is_left_out_and_counted_all_the_same(acme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recomputing, "MOST_OF_PART", 2)
    monkeypatch.setattr(recomputing, "MOST_OF_TENANT", 1)
    people(acme, 5)
    for number in range(4):
        seen = Seen(network=f"198.51.{number}.0/24", asn=f"AS{number}", country="DE")
        people(acme, 1, seen=seen, first=5 + number)
    # In one page: of several, in whatever order they come, what is rare in the first is counted from the next on alone.
    walk()
    found = counts(acme)
    assert found.people["asn"] == {"DE": {"AS64500": 5.0}}
    assert found.total("asn", "DE") == 9
    prior = 0.01
    for number in range(4):
        share = found.share("network", f"198.51.{number}.0/24", f"AS{number}", prior=prior)
        assert share == pytest.approx(4 * prior / 5)


def test_a_tenant_without_profiles_is_compared_by_nothing_of_its_own(acme: UUID) -> None:
    people(acme, 5)
    walk()
    ProfileRow.objects.using("sweep").all().delete()
    walk(at=NOON + timedelta(days=1))
    assert not counts(acme).people


@pytest.mark.storm
def test_workers_that_are_killed_on_the_way_lose_nothing_and_count_nothing_twice(acme: UUID, globex: UUID) -> None:
    people(acme, 60, at=NOON - timedelta(days=40))
    people(globex, 20, at=NOON - timedelta(days=40), seen=FAR)
    recomputing.begin_run(rewrites=True, at=NOON)
    connections.close_all()
    done = subprocess.run(
        [sys.executable, "-m", "tests.riskengine.walking_child", "40"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    ended = Counter(line.split()[1] for line in done.stdout.splitlines())
    assert ended["killed"] > 15, done.stdout + done.stderr
    far = NOON + timedelta(days=1)
    while go_on(at=far):
        far += timedelta(minutes=5)
    go_on(at=far)
    assert Run.objects.using("sweep").get().ended_at is not None
    assert (counts(acme).total("country", ""), counts(globex).total("country", "")) == (60, 20)
    epochs = set(ProfileRow.objects.using("sweep").values_list("epoch", flat=True))
    assert epochs == {NOON}
    assert {stored_of(acme, number).profile.epoch for number in range(60)} == {NOON}
