"""From where somebody came is kept for its retention, in each place in which it is, and no longer."""

from datetime import timedelta
from typing import Any

import pytest

from authlevels import api, forgetting
from authlevels.models import SessionRow
from isolation.api import tenant_transaction
from tests.authlevels.acme import NOON, Acme, later
from tests.looking import HOME

LOOKS = {**HOME, "device": "Bob's laptop"}
DAY = 86_400


def began(acme: Acme, *, days_ago: int, ends: Any = None) -> Any:
    at = NOON - timedelta(days=days_ago)
    session = acme.assert_bob(at, origin=api.Origin(**LOOKS))
    if ends is not None:
        SessionRow.objects.using("sweep").filter(id=session.id).update(expires_at=ends)
    return session.id


def kept(acme: Acme, session: Any) -> tuple[Any, ...]:
    with tenant_transaction(acme.tenant_id):
        row = SessionRow.objects.get(id=session)
    return row.ip, row.user_agent, row.device


def test_an_address_goes_after_its_retention_and_the_rest_once_the_session_is_long_over(
    acme: Acme, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RISK_RETENTION_DAYS = 10
    monkeypatch.setattr(forgetting, "BATCH", 1)
    young = began(acme, days_ago=9)
    live = began(acme, days_ago=20, ends=later(DAY))
    ended = began(acme, days_ago=20, ends=later(-9 * DAY))
    gone = began(acme, days_ago=20, ends=later(-11 * DAY))
    assert forgetting.forget_whence(at=NOON) == 4
    whole = (LOOKS["ip"], LOOKS["user_agent"], LOOKS["device"])
    assert kept(acme, young) == whole
    assert kept(acme, live) == kept(acme, ended) == (None, *whole[1:])
    assert kept(acme, gone) == (None, "", "")
    assert forgetting.forget_whence(at=NOON) == 0


def test_a_person_still_sees_their_session_by_its_browser(acme: Acme) -> None:
    _, secret = acme.sign_in_alice(NOON)
    session = api.resolve_session_secret(secret, at=later(1))
    assert session is not None
    SessionRow.objects.using("sweep").filter(id=session.id).update(
        user_agent=HOME["user_agent"], ip=HOME["ip"], expires_at=later(90 * DAY)
    )
    forgetting.forget_whence(at=later(60 * DAY))
    (shown,) = api.list_own_sessions(session=session, at=later(1))
    assert (shown.ip, shown.place, "Firefox" in shown.device) == (None, "", True)
