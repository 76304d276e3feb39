"""NIST SP 800-63B-4 §3.2.2 disables a factor after a hundred wrong codes; pitfall 8: wearing one out is no way round it."""

from datetime import datetime, timedelta

import pytest

from authlevels import api
from authlevels.models import TotpDevice
from authlevels.throttling import DISABLE_AFTER
from tests.authlevels.acme import ALICES_SECRET, NOON, PASSWORD, Acme, Asked, code
from tiergate import TiergateError


def _wear_out(acme: Acme, session: api.Session) -> datetime:
    """Show the last of a hundred wrong codes, with the pauses behind it, and return an instant after it."""
    TotpDevice.objects.filter(user_id=session.user_id).update(
        throttling_failure_count=DISABLE_AFTER - 1, throttling_failure_timestamp=NOON - timedelta(hours=1)
    )
    with pytest.raises(TiergateError):
        acme.show(acme.challenge(session, at=NOON), "000000", at=NOON)
    assert "otp" not in {one.method for one in acme.facts(session, NOON).enrolled}
    return NOON + timedelta(minutes=1)


def _sign_in(acme: Acme, at: datetime) -> api.Session:
    return api.sign_in_with_password(
        tenant_id=acme.tenant_id, username="alice", password=PASSWORD, network="192.0.2.66", at=at
    )[0]


def test_who_has_only_the_password_cannot_wear_the_app_out_and_enrol_their_own(acme: Acme) -> None:
    at = _wear_out(acme, acme.sign_in_alice()[0])
    thief = _sign_in(acme, at)
    facts = acme.facts(thief, at)
    with pytest.raises(api.HeldLevelNeeded):
        api.begin_totp_enrolment(session=thief, facts=facts, at=at)
    worn_out = next(one for one in api.list_factors(user_id=thief.user_id) if one.kind == "totp")
    assert not worn_out.is_usable
    with pytest.raises(api.HeldLevelNeeded):
        api.remove_factor(session=thief, facts=facts, factor_id=worn_out.id, at=at)


def test_a_worn_out_app_is_replaced_by_the_operator_and_then_removed_at_the_level_held(acme: Acme) -> None:
    at = _wear_out(acme, acme.sign_in_alice()[0])
    api.put_user(subject_id="alice", totp_secret=ALICES_SECRET[::-1], at=at)
    alice = _sign_in(acme, at)
    worn_out = next(one for one in api.list_factors(user_id=alice.user_id) if not one.is_usable)
    with pytest.raises(api.HeldLevelNeeded):
        api.remove_factor(session=alice, facts=acme.facts(alice, at), factor_id=worn_out.id, at=at)
    manage = Asked(action="tiergate.factors.manage", resource=("tiergate", ""))
    acme.show(acme.challenge(alice, manage, at=at), code(ALICES_SECRET[::-1], at), at=at)
    api.remove_factor(session=alice, facts=acme.facts(alice, at), factor_id=worn_out.id, at=at)
    assert all(one.is_usable for one in api.list_factors(user_id=alice.user_id))
