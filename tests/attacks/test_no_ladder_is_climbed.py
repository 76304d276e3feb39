"""Pitfall 17: levels are read from the set of proofs. What Keycloak's LevelOfAssuranceFlowTest and Kratos'
TestCheckAAL and TestDoesSessionSatisfy try, said of ours.
"""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from tiergate import (
    SESSION_WIDE,
    Activity,
    Authenticator,
    FactorKind,
    Level,
    Proof,
    ProofScope,
    Requirement,
    Scope,
    Target,
    could_satisfy,
    held_level,
    proofs_from_amr,
    reachable_level,
    satisfied_until,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIVELY = Activity(last_seen_at=NOW)
PAY = Target(action="invoice.pay", resource="invoice/7", binding="b1")


def _password(seconds: int = 0, *, scope: ProofScope = SESSION_WIDE) -> Proof:
    return Proof(
        method="pwd",
        at=NOW - timedelta(seconds=seconds),
        issuer="tiergate",
        authenticator="password:1",
        factor_kind=FactorKind.KNOWLEDGE,
        scope=scope,
    )


def _code(seconds: int = 0, *, app: str = "totp:1", scope: ProofScope = SESSION_WIDE) -> Proof:
    return Proof(
        method="otp",
        at=NOW - timedelta(seconds=seconds),
        issuer="tiergate",
        authenticator=app,
        factor_kind=FactorKind.POSSESSION,
        scope=scope,
    )


def _key(
    seconds: int = 0, *, is_verified: bool = True, is_bound: bool = True, scope: ProofScope = SESSION_WIDE
) -> Proof:
    return Proof(
        method="hwk" if is_bound else "swk",
        at=NOW - timedelta(seconds=seconds),
        issuer="tiergate",
        authenticator="passkey:1",
        factor_kind=FactorKind.POSSESSION,
        phishing_resistant=True,
        user_verified=is_verified,
        device_bound=is_bound,
        scope=scope,
    )


def _level(*proofs: Proof, activity: Activity = LIVELY) -> Level:
    return held_level(proofs, activity=activity, at=NOW)


def _meets(requirement: Requirement, *proofs: Proof, target: Target = PAY, activity: Activity = LIVELY) -> bool:
    return satisfied_until(requirement, proofs, target=target, activity=activity, at=NOW) is not None


MONTHS = 40 * 24 * 3600
HALF_A_DAY = 12 * 3600


@pytest.mark.parametrize(
    ("held", "level"),
    [
        ((), Level.NONE),
        ((_password(),), Level.AAL1),
        ((_code(),), Level.AAL1),
        ((_key(is_verified=False),), Level.AAL1),
        ((_password(), _code()), Level.AAL2),
        ((_password(), _key(is_verified=False, is_bound=False)), Level.AAL2),
        ((_key(is_bound=False),), Level.AAL2),
        ((_key(),), Level.AAL3),
    ],
)
def test_a_level_is_what_the_proofs_reach_together(held: tuple[Proof, ...], level: Level) -> None:
    assert _level(*held) == level


def test_a_fresh_key_stands_whatever_has_expired_below_it() -> None:
    assert _level(_key(), _password(MONTHS), _code(MONTHS)) == Level.AAL3
    assert _level(_key(is_bound=False), _password(MONTHS)) == Level.AAL2


def test_the_order_in_which_proofs_were_given_plays_no_part() -> None:
    given = (_password(30), _code(20), _key(10, is_bound=False))
    assert {_level(*order) for order in permutations(given)} == {Level.AAL2}
    assert _level(_code(60), _password()) == _level(_password(60), _code()) == Level.AAL2


def test_what_expires_above_leaves_what_stands_below() -> None:
    assert _level(_key(HALF_A_DAY), _password()) == Level.AAL2
    assert _level(_code(24 * 3600), _password(60)) == Level.AAL1
    assert _level(_password(MONTHS), _code(MONTHS)) == Level.NONE


def test_the_same_factor_twice_is_one_factor() -> None:
    assert _level(_password(30), _password()) == Level.AAL1
    assert _level(_code(30), _code()) == Level.AAL1
    assert _level(_code(30, app="totp:1"), _code(app="totp:2")) == Level.AAL1


def test_a_higher_level_than_was_asked_for_is_not_asked_again() -> None:
    for level in (Level.AAL1, Level.AAL2, Level.AAL3):
        assert _meets(Requirement(level=level), _key())


@pytest.mark.parametrize("level", [Level.AAL2, Level.AAL3])
def test_a_level_that_is_not_reached_is_never_rounded_up(level: Level) -> None:
    assert not _meets(Requirement(level=level), _password())
    assert not _meets(Requirement(level=level), _password(), _password(1))
    assert not _meets(Requirement(level=Level.AAL3), _password(), _code())
    assert not _meets(Requirement(level=Level.AAL3), _key(is_bound=False))
    assert not _meets(Requirement(level=Level.AAL3), _password(), _key(is_verified=False))


def test_the_age_is_asked_of_the_factor_that_the_level_needs() -> None:
    recent = Requirement(level=Level.AAL2, max_age=300)
    assert _meets(recent, _password(7200), _code(299))
    assert not _meets(recent, _password(), _code(301))
    assert not _meets(recent, _password(), _code(300))
    assert _meets(Requirement(level=Level.AAL1, max_age=300), _password(299), _code(7200))


def test_a_new_proof_of_the_lower_factor_freshens_no_higher_one() -> None:
    recent = Requirement(level=Level.AAL3, max_age=300)
    assert not _meets(recent, _key(400), _password(), _code())


def test_an_age_of_one_second_is_a_proof_for_now() -> None:
    assert _meets(Requirement(level=Level.AAL1, max_age=1), _password())
    assert not _meets(Requirement(level=Level.AAL1, max_age=1), _password(1))


def test_a_pause_takes_the_higher_levels_and_leaves_the_lowest() -> None:
    paused = Activity(last_seen_at=NOW - timedelta(minutes=16))
    assert _level(_key(1000), activity=paused) == Level.AAL2
    paused = Activity(last_seen_at=NOW - timedelta(minutes=61))
    assert _level(_key(4000), activity=paused) == Level.AAL1


def test_coming_back_after_a_pause_brings_nothing_back() -> None:
    paused = Activity(last_seen_at=NOW - timedelta(minutes=61)).seen(NOW)
    assert _level(_password(4000), _code(4000), activity=paused) == Level.AAL1
    assert _level(_password(), _code(4000), activity=paused) == Level.AAL1
    assert _level(_password(), _code(), activity=paused) == Level.AAL2


@pytest.mark.parametrize(
    ("amr", "level"),
    [
        ([], Level.NONE),
        (["pwd"], Level.AAL1),
        (["pwd", "pwd"], Level.AAL1),
        (["pwd", "pin"], Level.AAL1),
        (["otp", "sms"], Level.AAL1),
        (["pwd", "face"], Level.AAL1),
        (["unheard-of"], Level.AAL1),
        (["pwd", "otp"], Level.AAL2),
        (["mfa"], Level.AAL2),
        (["pwd", "hwk", "user", "mfa"], Level.AAL2),
    ],
)
def test_what_an_issuer_names_is_counted_by_kinds_and_never_reaches_the_top(amr: list[str], level: Level) -> None:
    assert _level(*proofs_from_amr(amr, at=NOW, issuer="okta")) == level


def test_what_one_could_show_is_no_proof() -> None:
    app = Authenticator(method="otp", authenticator="totp:1", factor_kind=FactorKind.POSSESSION)
    known = Authenticator(method="pwd", authenticator="password:1", factor_kind=FactorKind.KNOWLEDGE)
    assert reachable_level([app, known], at=NOW) == Level.AAL2
    assert _level(_password()) == Level.AAL1
    asked = could_satisfy(
        Requirement(level=Level.AAL2), [_password()], [app, known], target=PAY, activity=LIVELY, at=NOW
    )
    assert asked == (app,)


def test_nobody_is_asked_for_what_would_not_do() -> None:
    app = Authenticator(method="otp", authenticator="totp:1", factor_kind=FactorKind.POSSESSION)
    known = Authenticator(method="pwd", authenticator="password:1", factor_kind=FactorKind.KNOWLEDGE)
    for requirement in (Requirement(level=Level.AAL3), Requirement(level=Level.AAL2, phishing_resistant=True)):
        assert could_satisfy(requirement, [], [app, known], target=PAY, activity=LIVELY, at=NOW) == ()


def test_what_was_confirmed_for_one_thing_lifts_the_session_for_no_other() -> None:
    once = ProofScope(kind=Scope.TRANSACTION, action=PAY.action, resource=PAY.resource, binding=PAY.binding)
    asked = Requirement(level=Level.AAL2)
    assert _meets(asked, _password(), _code(scope=once))
    for other in (
        Target(action="invoice.void", resource=PAY.resource, binding=PAY.binding),
        Target(action=PAY.action, resource="invoice/8", binding=PAY.binding),
        Target(action=PAY.action, resource=PAY.resource, binding="b2"),
    ):
        assert not _meets(asked, _password(), _code(scope=once), target=other)
    assert _level(_password(), _code(scope=once)) == Level.AAL1


def test_a_proof_that_is_wide_meets_nothing_that_asks_for_a_narrow_one() -> None:
    asked = Requirement(level=Level.AAL2, scope=Scope.TRANSACTION)
    assert not _meets(asked, _password(), _code())
    wide = ProofScope(kind=Scope.ACTION, action=PAY.action)
    assert not _meets(asked, _password(), _code(scope=wide))


def test_a_new_factor_leads_no_higher_than_who_enrolled_it() -> None:
    capped = Proof(
        method="otp",
        at=NOW,
        issuer="tiergate",
        authenticator="totp:2",
        factor_kind=FactorKind.POSSESSION,
        ceiling=Level.AAL1,
    )
    assert _level(_password(), capped) == Level.AAL1
    assert _level(_password(), capped, _code()) == Level.AAL2


def test_a_proof_from_the_future_is_none() -> None:
    assert _level(_password(-60), _key(-60)) == Level.NONE
