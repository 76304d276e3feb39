"""Pitfall 3: signing out, losing a factor, leaving the tenant and ending one's tasks end what was confirmed, and say so."""

from typing import Any

import pytest
from django.test import Client

import audit.api
import licensing.api
from authlevels import api
from isolation import clock
from isolation.api import tenant_transaction
from tests.attacks.parallel import at_once
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, EXPORT, NOON, ONCE, Acme, Asked, later
from tiergate import Level, Requirement

PAY = Asked(action="invoice.pay", resource=("invoice", "7"), fields={"amount": 100}, requirement=ONCE)
MANAGE = Asked(
    action="tiergate.factors.manage", resource=("tiergate", ""), requirement=Requirement(level=Level.AAL2, max_age=900)
)


def _ended(acme: Acme) -> dict[str, tuple[str, str]]:
    """Say of each elevation that the trail tells to have ended, why and by whom."""
    with tenant_transaction(acme.tenant_id):
        entries = audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[audit.api.Kind.ELEVATION_ENDED])
    return {entry.payload["elevation"]: (entry.payload["why"], entry.payload["by"]) for entry in entries}


def _uses(passed: api.Passed, *, at: Any) -> bool:
    held = api.get_elevation(ref=passed.elevation_id)
    return api.claim_use(tenant_id=held.tenant_id, elevation_id=held.id, request_id="", at=at)


def _member(acme: Acme, **more: Any) -> None:
    asked = {"subject_type": "user", "subject_id": "bob", "roles": ["member"], "by": "test", "at": later(2), **more}
    licensing.api.put_member(tenant_id=acme.tenant_id, **asked)


def test_signing_out_ends_each_confirmation_and_tells_of_it(acme: Acme) -> None:
    bob, other = acme.assert_bob(), acme.assert_bob()
    passed = acme.step_up(bob, BOBS_SECRET, PAY, at=NOON)
    kept = acme.step_up(other, BOBS_SECRET, PAY, at=later(30))
    api.end_session(tenant_id=acme.tenant_id, session_id=bob.id, by="test", at=later(31))
    assert _ended(acme) == {passed.elevation_id: ("session_ended", "test")}
    assert not _uses(passed, at=later(32))
    assert _uses(kept, at=later(32))


def test_removing_a_factor_ends_what_was_confirmed_with_it(acme: Acme) -> None:
    alice, _secret = acme.sign_in_alice()
    passed = acme.step_up(alice, ALICES_SECRET, MANAGE, at=NOON)
    others = acme.step_up(acme.assert_bob(), BOBS_SECRET, PAY, at=NOON)
    totp = next(one for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    api.remove_factor(session=alice, facts=acme.facts(alice, later(1)), factor_id=totp.id, at=later(1))
    assert _ended(acme) == {passed.elevation_id: ("factor_removed", "account:alice")}
    assert not _uses(passed, at=later(2))
    assert _uses(others, at=later(2)), "what rests on anything else goes on"


@pytest.mark.parametrize("how", ["removed", "suspended"])
def test_whoever_leaves_and_comes_back_has_to_confirm_anew(acme: Acme, how: str) -> None:
    bob = acme.assert_bob()
    passed = acme.step_up(bob, BOBS_SECRET, at=NOON)
    waiting = acme.challenge(bob, PAY, at=later(1))
    if how == "suspended":
        _member(acme, active=False)
    else:
        licensing.api.remove_member(
            tenant_id=acme.tenant_id, subject_type="user", subject_id="bob", by="test", at=later(2)
        )
    _member(acme)
    assert not acme.is_met(bob, at=later(3))
    assert not _uses(passed, at=later(3))
    with pytest.raises(api.ChallengeClosed):
        acme.show(waiting, "000000", at=later(3))
    acme.step_up(bob, BOBS_SECRET, at=later(60))
    assert acme.is_met(bob, at=later(61))


def test_another_role_or_another_members_end_takes_nothing(acme: Acme) -> None:
    bob = acme.assert_bob()
    acme.step_up(bob, BOBS_SECRET, at=NOON)
    _member(acme, roles=["owner"])
    licensing.api.remove_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="alice", by="test", at=later(2)
    )
    assert acme.is_met(bob, at=later(3))


def test_ending_all_tasks_ends_every_confirmation_and_leaves_the_session(acme: Acme) -> None:
    bob = acme.assert_bob()
    both = {
        acme.step_up(bob, BOBS_SECRET, asked, at=at).elevation_id for asked, at in ((PAY, NOON), (EXPORT, later(30)))
    }
    asked: dict[str, Any] = {"tenant_id": acme.tenant_id, "session": bob.handle}
    for _ in range(2):
        api.end_all_elevations(**asked, presenter=api.Presenter(credential=acme.credential), at=later(31))
    assert _ended(acme) == dict.fromkeys(both, ("all_tasks_ended", "credential:reports-api"))
    assert not acme.is_met(bob, at=later(32))
    assert [proof.method for proof in acme.facts(bob, later(32)).proofs] == ["pwd"]


def test_nobody_ends_anothers_tasks(acme: Acme, globex: Acme) -> None:
    bob, (alice, _) = acme.assert_bob(), acme.sign_in_alice()
    acme.step_up(bob, BOBS_SECRET, at=NOON)
    for tenant_id, presenter in (
        (acme.tenant_id, api.Presenter(session=alice)),
        (acme.tenant_id, api.Presenter(credential=globex.credential)),
        (globex.tenant_id, api.Presenter(credential=globex.credential)),
        (acme.tenant_id, api.Presenter()),
    ):
        with pytest.raises(api.SessionNotFound):
            api.end_all_elevations(tenant_id=tenant_id, session=bob.handle, presenter=presenter, at=later(1))
    assert acme.is_met(bob, at=later(2))


def test_a_product_ends_a_sessions_tasks_over_http(acme: Acme) -> None:
    at = clock.now()
    bob = acme.assert_bob(at=at)
    passed = acme.step_up(bob, BOBS_SECRET, at=at)
    headers = {"Authorization": f"Bearer {acme.secret}"}
    assert Client().delete(f"/t/acme/sessions/{bob.handle}/elevations", headers=headers).status_code == 204
    assert _ended(acme) == {passed.elevation_id: ("all_tasks_ended", "credential:reports-api")}
    assert Client().delete(f"/t/acme/sessions/ses_{'0' * 32}/elevations", headers=headers).status_code == 404


@pytest.mark.storm
def test_an_end_and_a_use_at_once_never_both_stand(acme: Acme) -> None:
    for number in range(4):
        bob = acme.assert_bob()
        at = later(30 * number)
        passed = acme.step_up(bob, BOBS_SECRET, PAY, at=at)
        held = api.get_elevation(ref=passed.elevation_id)

        def act(which: int, bob: api.Session = bob, held: api.HeldElevation = held, at: Any = at) -> bool:
            if which == 0:
                api.end_session(tenant_id=acme.tenant_id, session_id=bob.id, by="test", at=at)
                return False
            return api.claim_use(tenant_id=acme.tenant_id, elevation_id=held.id, request_id=f"r{which}", at=at)

        used = sum(one is True for one in at_once(act, 6))
        assert used + (passed.elevation_id in _ended(acme)) == 1
