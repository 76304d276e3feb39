"""Doors of a challenge, from its opening to its answer, each gone through once."""

from contextlib import suppress
from typing import Any

import pytest

from audit.api import Kind
from authlevels import api as authlevels
from authlevels.suspended import claim_suspended
from tests.audit.told import Told
from tests.authlevels.acme import (
    BOBS_SECRET,
    EXPORT,
    NOON,
    Acme,
    Asked,
    code,
    later,
)


def _handed_off(acme: Acme) -> tuple[str, str]:
    opened = acme.challenge(acme.assert_bob(), return_to="https://reports.example/back")
    browser = authlevels.hand_off(ref=opened.id, handoff=opened.path.partition("=")[2], browser="", at=NOON)
    return opened.id, browser


def _redeemed(acme: Acme) -> None:
    ref, browser = _handed_off(acme)
    passed = authlevels.verify(
        ref=ref,
        method=authlevels.ChallengeMethod.TOTP,
        code=code(BOBS_SECRET, later(8)),
        presenter=authlevels.Presenter(browser=browser),
        at=later(8),
    )
    assert isinstance(passed, authlevels.Passed)
    authlevels.redeem(ref=ref, code=passed.code, credential=acme.credential, at=later(9))


def passed(acme: Acme, asked: Asked = EXPORT) -> authlevels.Passed:
    return acme.step_up(acme.assert_bob(), BOBS_SECRET, asked, at=later(8))


def _failed(acme: Acme) -> None:
    with pytest.raises(authlevels.WrongCode):
        acme.show(acme.challenge(acme.assert_bob()), "000000", at=later(8))


def _suspended_and_resumed(acme: Acme) -> None:
    alice, _secret = acme.sign_in_alice()
    ref = authlevels.suspend_request(
        session=alice,
        browser="hers",
        decision_id=acme.refused(alice, at=NOON),
        original=authlevels.Original(method="POST", path="/reports/7/export?as=csv", body=b"{}"),
        at=later(1),
    )
    assert ref is not None
    claim_suspended(ref=ref, session=alice, browser="hers", at=later(2))


def _refused(acme: Acme) -> None:
    opened = acme.challenge(acme.assert_bob())
    authlevels.refuse_challenge(ref=opened.id, presenter=authlevels.Presenter(credential=acme.credential), at=later(3))


def _redeemed_in_vain(acme: Acme) -> None:
    ref, _browser = _handed_off(acme)
    with suppress(authlevels.RedemptionRefused):
        authlevels.redeem(ref=ref, code="cmp_wrong", credential=acme.credential, at=later(9))


def _typed(acme: Acme, *, is_right: bool) -> None:
    waiting, _secret = acme.sign_in_alice()
    challenge = acme.challenge(waiting)
    issued = authlevels.issue_code(ref=challenge.id, at=NOON)
    assert issued is not None
    elsewhere, _secret = acme.sign_in_alice()
    by: Any = {"session": elsewhere, "code": issued.user_code, "network": "192.0.2.1", "at": later(3)}
    if is_right:
        authlevels.choose_number(number=issued.number, **by)
    else:
        with pytest.raises(authlevels.CodeUnknown):
            authlevels.choose_number(number=issued.number + 1, **by)


def _typed_nothing(acme: Acme) -> None:
    alice, _secret = acme.sign_in_alice()
    with pytest.raises(authlevels.CodeUnknown):
        authlevels.find_activation(session=alice, code="BCDFGHJK", network="192.0.2.1", at=later(3))


# Each door with what it does here, and what it tells.
TOLD: Told = {
    "open_challenge": (lambda acme: acme.challenge(acme.assert_bob()), {Kind.CHALLENGE_OPENED}),
    "hand_off": (_handed_off, {Kind.CHALLENGE_HANDED_OFF}),
    "verify": (passed, {Kind.CHALLENGE_PASSED, Kind.ELEVATION_CREATED}),
    "verify, wrongly": (_failed, {Kind.CHALLENGE_FAILED}),
    "redeem": (_redeemed, {Kind.ELEVATION_CREATED}),
    "redeem, in vain": (_redeemed_in_vain, {Kind.REDEMPTION_REFUSED}),
    "choose_number": (lambda acme: _typed(acme, is_right=True), {Kind.CODE_ACTIVATED}),
    "choose_number, wrongly": (lambda acme: _typed(acme, is_right=False), {Kind.CODE_DENIED, Kind.CHALLENGE_REFUSED}),
    "find_activation, in vain": (_typed_nothing, {Kind.CODE_FAILED}),
    "refuse_challenge": (_refused, {Kind.CHALLENGE_REFUSED}),
    "suspend_request": (_suspended_and_resumed, {Kind.REQUEST_SUSPENDED, Kind.REQUEST_RESUMED}),
}
