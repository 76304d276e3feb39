"""Pitfalls 2, 8 and 9: recovery has a capped level, one channel never counts twice, and a code is good for once."""

from datetime import timedelta

import pytest

from authlevels import api
from authlevels.models import Notice, RecoveryCode, TotpDevice
from isolation.api import tenant_transaction
from tests.attacks.keys import sign_in_dave, trail
from tests.attacks.parallel import at_once
from tests.authenticator import SoftKey
from tests.authlevels.acme import ALICES_SECRET, NOON, PASSWORD, Acme, Asked, code, later
from tests.authlevels.with_passkeys import enrol
from tiergate import Level, Requirement, held_level

MANAGE = Asked(action="tiergate.factors.manage", resource=("tiergate", ""), requirement=Requirement(level=Level.AAL2))


@pytest.fixture
def codes(acme: Acme) -> tuple[str, ...]:
    """Alice's list, which she made with her app."""
    alice, _ = acme.sign_in_alice()
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=NOON)
    return api.create_recovery_codes(session=alice, facts=acme.facts(alice, later(1)), at=later(1))


def _use(acme: Acme, session: api.Session, shown: str, seconds: float = 40) -> api.RecoveryGranted:
    facts = acme.facts(session, later(seconds))
    return api.use_recovery_code(session=session, facts=facts, code=shown, at=later(seconds))


def _replaced(acme: Acme, session: api.Session) -> str:
    facts = acme.facts(session, later(41))
    begun = api.begin_replacement(session=session, facts=facts, at=later(41))
    shown = code(begun.secret, later(42))
    api.confirm_replacement(session=session, facts=facts, code=shown, at=later(42))
    return begun.secret


def test_a_code_lets_a_password_replace_the_lost_app_which_leads_no_higher_for_a_day(
    acme: Acme, codes: tuple[str, ...]
) -> None:
    alice, _ = acme.sign_in_alice(later(30))
    assert _use(acme, alice, codes[3].lower().replace("-", " ")).codes_left == 9
    secret = _replaced(acme, alice)
    assert TotpDevice.objects.get(user_id=alice.user_id).ceiling == "aal1", "the lost one is gone"
    facts = acme.facts(alice, later(80))
    assert held_level(facts.proofs, activity=facts.activity, at=later(80)) == Level.AAL1, "a code is no proof"
    _ref, decision = acme.decide(alice, at=later(80))
    assert [need.kind for need in decision.needs] == ["enrol"]
    after = NOON + timedelta(days=1, minutes=2)
    again, _ = acme.sign_in_alice(after)
    assert isinstance(acme.step_up(again, secret, at=after), api.Passed)


def test_a_code_replaces_one_factor_and_no_second_one(acme: Acme, codes: tuple[str, ...]) -> None:
    alice, _ = acme.sign_in_alice(later(30))
    _use(acme, alice, codes[0])
    _replaced(acme, alice)
    with pytest.raises(api.RecoveryNotGranted):
        api.begin_replacement(session=alice, facts=acme.facts(alice, later(43)), at=later(43))


def test_eight_threads_with_one_code_leave_one_replacement(acme: Acme, codes: tuple[str, ...]) -> None:
    sessions = [acme.sign_in_alice(later(30))[0] for _ in range(4)]
    results = at_once(lambda number: _use(acme, sessions[number % 4], codes[0]))
    assert sum(isinstance(one, api.RecoveryGranted) for one in results) == 1
    assert sum(isinstance(one, api.WrongCode) for one in results) == 7


def test_a_code_is_nothing_without_a_fresh_password_nor_in_another_session(acme: Acme, codes: tuple[str, ...]) -> None:
    alice, _ = acme.sign_in_alice(later(30))
    with pytest.raises(api.RecoveryNotGranted):
        _use(acme, alice, codes[0], 30 + 15 * 60 + 1)
    _use(acme, alice, codes[0])
    other, _ = acme.sign_in_alice(later(40))
    with pytest.raises(api.RecoveryNotGranted):
        api.begin_replacement(session=other, facts=acme.facts(other, later(41)), at=later(41))


def test_what_a_code_left_enrols_nothing_by_the_way_of_changing_factors(acme: Acme, codes: tuple[str, ...]) -> None:
    alice, _ = acme.sign_in_alice(later(30))
    _use(acme, alice, codes[0])
    facts = acme.facts(alice, later(41))
    with pytest.raises(api.HeldLevelNeeded):
        api.begin_totp_enrolment(session=alice, facts=facts, at=later(41))
    with pytest.raises(api.HeldLevelNeeded):
        api.create_recovery_codes(session=alice, facts=facts, at=later(41))


def test_ten_wrong_codes_make_it_wait_over_sessions(acme: Acme, codes: tuple[str, ...]) -> None:
    for number in range(10):
        alice, _ = acme.sign_in_alice(later(30 + number))
        with pytest.raises(api.WrongCode):
            _use(acme, alice, "AAAA-AAAA-AAAA-AAAA", 40 + number)
    with pytest.raises(api.Throttled):
        _use(acme, alice, codes[0], 60)


def test_a_new_list_kills_the_old_one_and_none_is_made_without_another_factor(
    acme: Acme, codes: tuple[str, ...]
) -> None:
    alice, _ = acme.sign_in_alice(later(30))
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=later(40))
    api.create_recovery_codes(session=alice, facts=acme.facts(alice, later(41)), at=later(41))
    with pytest.raises(api.WrongCode):
        _use(acme, alice, codes[0], 42)
    assert RecoveryCode.objects.count() == 10
    app = next(one for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    facts = acme.facts(alice, later(43))
    api.remove_factor(session=alice, facts=facts, factor_id=app.id, at=later(43))
    bare, _ = acme.sign_in_alice(later(50))
    with pytest.raises(api.NothingToRecover):
        api.create_recovery_codes(session=bare, facts=acme.facts(bare, later(51)), at=later(51))


def test_a_new_list_ends_what_a_code_of_the_old_one_left(acme: Acme, codes: tuple[str, ...]) -> None:
    thief, _ = acme.sign_in_alice(later(30))
    _use(acme, thief, codes[0])
    begun = api.begin_replacement(session=thief, facts=acme.facts(thief, later(41)), at=later(41))
    alice, _ = acme.sign_in_alice(later(60))
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=later(60))
    api.create_recovery_codes(session=alice, facts=acme.facts(alice, later(61)), at=later(61))
    facts = acme.facts(thief, later(62))
    with pytest.raises(api.RecoveryNotGranted):
        api.begin_replacement(session=thief, facts=facts, at=later(62))
    with pytest.raises(api.RecoveryNotGranted):
        api.confirm_replacement(session=thief, facts=facts, code=code(begun.secret, later(62)), at=later(62))


def test_codes_are_stored_as_digests_alone(acme: Acme, codes: tuple[str, ...]) -> None:
    stored = b"".join(bytes(one.digest) for one in RecoveryCode.objects.all())
    assert not [one for one in codes if one.replace("-", "").encode() in stored]


def test_each_change_of_a_factor_leaves_a_notice_to_its_person(acme: Acme, codes: tuple[str, ...]) -> None:
    alice, _ = acme.sign_in_alice(later(30))
    _use(acme, alice, codes[0])
    _replaced(acme, alice)
    with tenant_transaction(acme.tenant_id):
        told = [(one.kind, one.address) for one in Notice.objects.order_by("created_at", "kind")]
    kinds = ["factor_added", "recovery_used", "factor_added", "factor_removed"]
    assert told == [(kind, "alice@acme.example") for kind in kinds]


def test_a_changed_password_ends_every_other_session_in_whatever_tenant(acme: Acme, globex: Acme) -> None:
    alice, secret = acme.sign_in_alice()
    elsewhere, there = globex.sign_in_alice()
    _beside, here = acme.sign_in_alice()
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=NOON)
    facts = acme.facts(alice, later(1))
    new = "another long walk, this time at high tide"
    with pytest.raises(api.WrongCode):
        api.change_password(session=alice, facts=facts, current="not it", new=new, at=later(1))
    fresh = api.change_password(session=alice, facts=facts, current=PASSWORD, new=new, at=later(2))
    assert [api.resolve_session_secret(one, at=later(3)) for one in (secret, there, here)] == [None] * 3
    assert globex.facts(elsewhere, later(3)).state == "revoked"
    kept = api.resolve_session_secret(fresh, at=later(3))
    assert kept is not None
    assert kept.id == alice.id
    assert not api.list_elevations(session=kept, at=later(3))
    with pytest.raises(api.SignInFailed):
        acme.sign_in_alice(later(4))


def test_a_new_password_that_is_refused_locks_nobody_out(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=NOON)
    for _ in range(11):
        with pytest.raises(api.PasswordRefused):
            api.change_password(
                session=alice, facts=acme.facts(alice, later(1)), current=PASSWORD, new="short", at=later(1)
            )
    assert acme.sign_in_alice(later(2))


def test_who_has_the_password_alone_changes_it_for_nobody_with_an_app(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    with pytest.raises(api.HeldLevelNeeded):
        api.change_password(
            session=alice, facts=acme.facts(alice, later(1)), current=PASSWORD, new="x" * 20, at=later(1)
        )


def test_a_list_made_before_there_was_anything_of_ones_own_to_lose_drives_out_nothing_later(acme: Acme) -> None:
    """Whoever had the password first keeps no way around what its owner enrols afterwards."""
    thief = sign_in_dave(acme)
    begun = api.begin_totp_enrolment(session=thief, facts=acme.facts(thief, NOON), at=NOON)
    shown = code(begun.secret, NOON)
    api.confirm_totp_enrolment(session=thief, facts=acme.facts(thief, NOON), code=shown, at=NOON)
    challenge = acme.challenge(thief, MANAGE, at=later(60))
    acme.show(challenge, code(begun.secret, later(60)), at=later(60))
    facts = acme.facts(thief, later(61))
    codes = api.create_recovery_codes(session=thief, facts=facts, at=later(61))
    app = next(one.id for one in api.list_factors(user_id=thief.user_id) if one.kind == "totp")
    api.remove_factor(session=thief, facts=facts, factor_id=app, at=later(62))
    assert [one.kind for one in api.list_factors(user_id=thief.user_id)] == ["password"]
    removed = [one.payload for one in trail(acme) if one.kind == "factor.removed"]
    assert [(one["factor"], one.get("why")) for one in removed] == [
        ("totp", None),
        ("recovery_codes", "nothing_to_recover"),
    ]
    with pytest.raises(api.WrongCode):
        _use(acme, thief, codes[0], 70)


def test_codes_stay_while_anything_is_left_that_could_be_lost(acme: Acme, codes: tuple[str, ...]) -> None:
    alice, _ = acme.sign_in_alice(later(30))
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=later(60))
    enrol(acme, alice, SoftKey(), at=later(61))
    app = next(one.id for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    api.remove_factor(session=alice, facts=acme.facts(alice, later(62)), factor_id=app, at=later(62))
    assert _use(acme, alice, codes[0], 70).codes_left == 9
