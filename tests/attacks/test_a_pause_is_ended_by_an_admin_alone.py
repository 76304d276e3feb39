"""Pitfall 5: a pause is ended by an administrator who stepped up, and counts towards a hundred all the same."""

from datetime import timedelta

import pytest

from authlevels import api
from authlevels.attempts import NETWORK_LIMIT, forget_counts
from authlevels.models import AttemptCounter, Notice, TotpDevice
from authlevels.network_attempts import counted_attempt
from isolation.api import tenant_transaction
from tests.authlevels.acme import ALICES_SECRET, NOON, Acme, code, later
from tiergate import BUILTIN_ACTIONS, Action, CallerKind, Level


def _lock(*, failures: int = 10) -> None:
    TotpDevice.objects.update(throttling_failure_count=failures, locked_until=NOON + timedelta(minutes=30))


def test_an_unlocked_member_goes_on_and_is_told(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    challenge = acme.challenge(alice, at=NOON)
    _lock()
    with pytest.raises(api.Throttled):
        acme.show(challenge, code(ALICES_SECRET, NOON), at=NOON)
    api.unlock_member(tenant_id=acme.tenant_id, subject=("account", "alice"), by="account:olga", at=later(1))
    assert TotpDevice.objects.get(user__subject_id="alice").throttling_failure_count == 10, "it counts on"
    assert isinstance(acme.show(challenge, code(ALICES_SECRET, later(2)), at=later(2)), api.Passed)
    with tenant_transaction(acme.tenant_id):
        assert [one.kind for one in Notice.objects.all()] == ["unlocked"]


def test_a_disabled_factor_stays_so(acme: Acme) -> None:
    TotpDevice.objects.update(disabled_at=NOON)
    api.unlock_member(tenant_id=acme.tenant_id, subject=("user", "bob"), by="account:olga", at=later(1))
    assert TotpDevice.objects.filter(disabled_at=NOON).count() == 2


def test_nobody_is_unlocked_on_and_on(acme: Acme) -> None:
    for number in range(3):
        api.unlock_member(tenant_id=acme.tenant_id, subject=("user", "bob"), by="account:olga", at=later(number))
    with pytest.raises(api.Throttled):
        api.unlock_member(tenant_id=acme.tenant_id, subject=("user", "bob"), by="account:olga", at=later(4))


def test_nobody_of_another_tenant_is_unlocked(acme: Acme, globex: Acme) -> None:
    api.put_user(subject_id="mallory", at=NOON)
    _lock()
    for subject in (("account", "mallory"), ("user", "nobody"), ("user", "carol")):
        with pytest.raises(api.SubjectNotMember):
            api.unlock_member(tenant_id=globex.tenant_id, subject=subject, by="account:olga", at=later(1))
    api.unlock_member(tenant_id=globex.tenant_id, subject=("user", "bob"), by="account:olga", at=later(1))
    acmes = TotpDevice.objects.get(user__subject_id="bob", user__realm=acme.tenant_id)
    assert acmes.locked_until is not None, "another tenant's Bob is another person"


def test_unlocking_asks_a_person_for_aal2() -> None:
    spec = BUILTIN_ACTIONS[Action.MEMBER_UNLOCK]
    assert spec.callers == (CallerKind.PERSON,)
    assert spec.requirement is not None
    assert spec.requirement.level == Level.AAL2


@pytest.mark.django_db
def test_a_network_that_guesses_waits_and_a_right_answer_clears_nothing() -> None:
    def wrong(seconds: int) -> None:
        with pytest.raises(api.WrongCode), counted_attempt("192.0.2.0", at=later(seconds)):
            raise api.WrongCode("no")

    for _ in range(NETWORK_LIMIT.attempts - 1):
        wrong(0)
    for _ in range(3):
        with counted_attempt("192.0.2.0", at=later(1)):
            pass
    wrong(2)
    with pytest.raises(api.Throttled), counted_attempt("192.0.2.0", at=later(3)):
        pytest.fail("it was judged")
    with counted_attempt("192.0.2.1", at=later(3)):
        pass


@pytest.mark.django_db
def test_old_counts_are_forgotten_but_for_those_of_accounts() -> None:
    for bucket in ("network:192.0.2.1", "nobody:x", "bundles:credential:x", "password:x", "recovery:x"):
        AttemptCounter.objects.create(bucket=bucket, failures=9, window_started_at=NOON)
    assert forget_counts(at=NOON + timedelta(days=3)) == 3
    assert set(AttemptCounter.objects.values_list("bucket", flat=True)) == {"password:x", "recovery:x"}
