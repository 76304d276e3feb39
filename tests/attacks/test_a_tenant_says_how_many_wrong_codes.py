"""Pitfall 5: the limit of wrong codes is the tenant's, ten unless it says otherwise, and never above a hundred."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

import licensing.api
from authlevels import api
from authlevels.models import StepUpPolicy, TotpDevice
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, NOON, Acme, Asked, code, later


def _guess(acme: Acme, session: api.Session, times: int, **more: str) -> None:
    for number in range(times):
        challenge = acme.challenge(session, Asked(resource=("report", f"{number}{more}")), at=later(number))
        with pytest.raises(api.WrongCode):
            acme.show(challenge, "000000", at=later(number), **more)


def test_a_pause_begins_after_as_many_as_the_tenant_says(acme: Acme) -> None:
    api.put_policy(tenant_id=acme.tenant_id, max_failures=3, by="test", at=NOON)
    bob = acme.assert_bob()
    _guess(acme, bob, 3)
    with pytest.raises(api.Throttled):
        acme.show(acme.challenge(bob, at=later(5)), code(BOBS_SECRET, later(5)), at=later(5))
    after = later(2) + timedelta(minutes=30)
    challenge = acme.challenge(acme.assert_bob(at=after), at=after)
    assert isinstance(acme.show(challenge, code(BOBS_SECRET, after), at=after), api.Passed)


def test_a_pause_that_a_strict_tenant_began_holds_at_a_lenient_one(acme: Acme, globex: Acme) -> None:
    api.put_policy(tenant_id=acme.tenant_id, max_failures=2, by="test", at=NOON)
    api.put_policy(tenant_id=globex.tenant_id, max_failures=100, by="test", at=NOON)
    _guess(acme, acme.sign_in_alice()[0], 2)
    there, _ = globex.sign_in_alice()
    with pytest.raises(api.Throttled):
        globex.show(globex.challenge(there, at=later(5)), code(ALICES_SECRET, later(5)), at=later(5))


def test_whoever_goes_from_one_tenant_to_the_other_meets_the_limit_all_the_same(acme: Acme, globex: Acme) -> None:
    api.put_policy(tenant_id=acme.tenant_id, max_failures=7, by="test", at=NOON)
    here, there = acme.sign_in_alice()[0], globex.sign_in_alice()[0]
    _guess(acme, here, 6)
    _guess(globex, there, 3)
    _guess(acme, here, 1)
    assert TotpDevice.objects.get(user__subject_id="alice").throttling_failure_count == 10
    for tenant, session in ((acme, here), (globex, there)):
        with pytest.raises(api.Throttled):
            tenant.show(tenant.challenge(session, at=later(9)), code(ALICES_SECRET, later(9)), at=later(9))


def test_a_lenient_tenant_does_not_loosen_what_holds_for_people_of_the_own_sign_in(acme: Acme) -> None:
    api.put_policy(tenant_id=acme.tenant_id, max_failures=100, by="test", at=NOON)
    alice, _ = acme.sign_in_alice()
    _guess(acme, alice, 10)
    with pytest.raises(api.Throttled):
        acme.show(acme.challenge(alice, at=later(20)), code(ALICES_SECRET, later(20)), at=later(20))


def test_a_hundred_disable_a_factor_whatever_the_policy_says(acme: Acme) -> None:
    api.put_policy(tenant_id=acme.tenant_id, max_failures=100, by="test", at=NOON)
    TotpDevice.objects.filter(user__subject_id="bob").update(throttling_failure_count=99)
    _guess(acme, acme.assert_bob(), 1)
    assert TotpDevice.objects.get(user__subject_id="bob").disabled_at is not None


@pytest.mark.parametrize("wrong", [{"max_failures": 0}, {"max_failures": 101}, {"new_factor_cooldown": -1}])
def test_no_policy_is_out_of_range(acme: Acme, wrong: dict[str, int]) -> None:
    with pytest.raises(api.PolicyRefused):
        api.put_policy(tenant_id=acme.tenant_id, by="test", at=NOON, **wrong)
    assert api.get_policy(tenant_id=acme.tenant_id) == api.Policy()


def test_the_database_refuses_a_limit_above_a_hundred_too(acme: Acme) -> None:
    from isolation.api import tenant_transaction  # noqa: PLC0415 - beside its use

    with tenant_transaction(acme.tenant_id), pytest.raises(IntegrityError), transaction.atomic():
        StepUpPolicy.objects.create(tenant_id=acme.tenant_id, max_failures=101)


@pytest.mark.usefixtures("acme")
def test_a_tenant_without_a_policy_has_the_defaults() -> None:
    tenant, _ = licensing.api.put_tenant(slug="initech", name="Initech", by="test", at=NOON)
    policy = api.get_policy(tenant_id=tenant.id)
    assert (policy.max_failures, policy.new_factor_cooldown) == (10, 86400)
