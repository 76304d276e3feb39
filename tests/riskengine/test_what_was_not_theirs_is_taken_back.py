"""Once a person says "this was not me", nothing is left of what the session taught, and all else is as it was."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from msgspec.structs import replace

from riskengine import api as risk
from riskengine import clearing, folding
from riskengine import valkey as asking
from riskengine.models import Erasure, ProfileRow, Signal
from riskengine.profile import Profile
from riskengine.stored import Stored, decode_stored
from tests.attacks.parallel import at_once
from tests.riskengine.conftest import FAR, HOME, NOON, OLGA, assessed, known, learned, taught

pytestmark = pytest.mark.django_db

THIEF = replace(FAR, place=(-12.0, -77.0), network_class="residential")
AT_HOME = replace(HOME, place=(52.5, 13.4))
LATER = NOON + timedelta(hours=1)


def fold() -> None:
    while folding.fold(clock=lambda: LATER, until=LATER + timedelta(seconds=1)):
        pass


def profile() -> Stored:
    return decode_stored(bytes(ProfileRow.objects.using("sweep").get().state))


def worth(found: Profile) -> dict[str, dict[str, float]]:
    """Give what each value is worth at noon, rounded as no score depends on more."""
    faded = 2.0 ** ((found.epoch - NOON) / timedelta(days=90))
    return {
        feature: {value: round(weight * faded, 9) for value, weight in values.items()}
        for feature, values in found.counts.items()
        if values
    }


def disown(tenant_id: UUID, session: UUID, *, at: Any = LATER) -> Any:
    return risk.confirm_session(tenant_id=tenant_id, subject=OLGA, session_id=session, is_mine=False, trust=0.0, at=at)


def stolen(tenant_id: UUID, session: UUID, *, days: int = 3) -> None:
    """Have a thief work in a session for some days, on which Olga comes as usual too."""
    taught(tenant_id, THIEF, days=days, session_id=session)
    taught(tenant_id, THIEF, days=days, session_id=session, kind="seen", trust=0.25)


@pytest.mark.parametrize("is_folded", [True, False])
def test_the_profile_is_as_if_the_session_had_not_been(acme: UUID, *, is_folded: bool) -> None:
    taught(acme, AT_HOME, days=20)
    fold()
    before, session = profile(), uuid4()
    stolen(acme, session)
    if is_folded:
        fold()
        assert "AS64999" in profile().profile.counts["asn"]
    disown(acme, session)
    fold()
    after = profile()
    assert worth(after.profile) == worth(before.profile)
    assert (after.profile.times, after.profile.last) == (before.profile.times, before.profile.last)
    assert after.taught == before.taught


def test_the_thief_looks_as_new_as_ever(acme: UUID) -> None:
    taught(acme, AT_HOME, days=20)
    fold()
    # The saying itself counts as a failure for a while.
    late, session = LATER + timedelta(hours=3), uuid4()
    before, usual = assessed(acme, THIEF, at=late).score, assessed(acme, AT_HOME, at=late).score
    stolen(acme, session)
    fold()
    between = assessed(acme, THIEF, at=late).score
    assert before is not None
    assert between is not None
    assert between < before - 1
    disown(acme, session)
    assert assessed(acme, THIEF, at=late).score == pytest.approx(before, abs=0.01)
    assert assessed(acme, AT_HOME, at=late).score == pytest.approx(usual, abs=0.01)


def test_what_the_day_had_no_room_for_counts_once_there_is(acme: UUID) -> None:
    session = uuid4()
    taught(acme, AT_HOME, days=1)
    for number, looks in enumerate((THIEF, THIEF, replace(THIEF, asn="AS64777", device="d-third"))):
        taught(acme, looks, days=1, at=NOON + timedelta(minutes=number), session_id=session)
    taught(acme, AT_HOME, days=1, at=NOON + timedelta(hours=1))
    fold()
    assert profile().profile.times == 4, "three of the thief's and one of hers: the day is full"
    disown(acme, session)
    assert profile().profile.times == 2
    assert set(profile().profile.counts["asn"]) == {HOME.asn}


def test_of_whom_only_a_thief_was_seen_nothing_is_known(acme: UUID) -> None:
    session = uuid4()
    stolen(acme, session)
    fold()
    disown(acme, session)
    assert (profile().profile.times, profile().profile.counts) == (0, {})
    assert any(one.code == risk.FIRST_TIME for one in assessed(acme, THIEF, at=LATER).reasons)


def test_it_is_taken_back_once_by_whom_ever_said_and_whoever_folds_meanwhile(acme: UUID) -> None:
    taught(acme, AT_HOME, days=20)
    fold()
    before, session = profile(), uuid4()
    stolen(acme, session)
    known(acme)

    def act(number: int) -> Any:
        if number % 2:
            return disown(acme, session)
        return folding.fold(clock=lambda: LATER, until=LATER + timedelta(seconds=1), batch=2)

    found = at_once(act)
    assert not [one for one in found if isinstance(one, Exception)], found
    assert sum(one is not None for one in found[1::2]) == 1
    fold()
    assert worth(profile().profile) == worth(before.profile)
    assert profile().profile.times == before.profile.times
    assert learned(known(acme)) == profile()


def test_what_the_session_told_late_teaches_nothing(acme: UUID) -> None:
    session = uuid4()
    stolen(acme, session)
    known(acme)
    disown(acme, session)
    stolen(acme, session)
    taught(acme, AT_HOME, days=1, session_id=session, kind="confirmed_mine", at=LATER)
    assert known(acme).taught == ()
    fold()
    assert not Signal.objects.using("sweep").filter(trust__gt=0).exists()


def test_valkey_forgets_what_was_taken_back_even_if_it_was_away(acme: UUID, valkey: redis.Redis, settings: Any) -> None:
    taught(acme, AT_HOME, days=5)
    session = uuid4()
    stolen(acme, session)
    fold()
    known(acme)
    url, settings.REDIS_URL = settings.REDIS_URL, "unix:///nowhere/valkey.sock"
    asking.forget_connection()
    disown(acme, session)
    settings.REDIS_URL = url
    asking.forget_connection()
    assert clearing.clear_erased() == 1
    found = known(acme)
    assert found.stored == profile()
    assert Erasure.objects.using("sweep").get().clearing is None


def test_a_profile_that_is_published_late_does_not_bring_it_back(acme: UUID) -> None:
    session = uuid4()
    taught(acme, AT_HOME, days=5)
    stolen(acme, session)
    known(acme)
    _, changed, _ = folding._fold_batch(500, is_told=True, at=LATER)
    disown(acme, session)
    known(acme)
    folding._publish(changed)
    assert known(acme).stored == profile()
