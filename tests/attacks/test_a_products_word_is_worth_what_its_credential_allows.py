"""Asserted sessions and service credentials."""

import time
from datetime import timedelta
from typing import Any

import pytest

import licensing.api
from authlevels import api
from tests.authlevels.acme import NOON, Acme, Asked, later
from tiergate import Level, Requirement, Verb

LEVEL_2 = Asked(requirement=Requirement(level=Level.AAL2))


@pytest.mark.parametrize(
    "said",
    [
        {"auth_time": NOON + timedelta(seconds=61)},
        {"auth_time": NOON - timedelta(days=30)},
        {"expires_at": NOON},
        {"amr": []},
        {"idp": "tiergate"},
    ],
)
def test_what_cannot_be_is_refused(acme: Acme, said: dict[str, Any]) -> None:
    with pytest.raises(api.AssertionRefused):
        acme.assert_bob(**said)


def test_a_product_whose_clock_is_ahead_makes_no_proof_from_the_future(acme: Acme) -> None:
    bob = acme.assert_bob(auth_time=later(60))
    assert max(proof.at for proof in acme.facts(bob, NOON).proofs) == NOON


def test_people_of_the_own_sign_in_cannot_be_vouched_for(acme: Acme) -> None:
    with pytest.raises(api.AssertionRefused):
        api.assert_session(
            tenant_id=acme.tenant_id,
            credential=acme.credential,
            subject_type="account",
            subject_id="alice",
            amr=["pwd"],
            auth_time=NOON,
            idp="okta",
            at=NOON,
        )


def test_a_stranger_cannot_be_vouched_for(acme: Acme) -> None:
    licensing.api.remove_member(tenant_id=acme.tenant_id, subject_type="user", subject_id="bob", by="test", at=NOON)
    with pytest.raises(api.SubjectNotMember):
        acme.assert_bob()


def test_an_asserted_session_ends_when_the_product_says_and_never_after_thirty_days(acme: Acme) -> None:
    assert acme.assert_bob(expires_at=later(60)).expires_at == later(60)
    assert acme.assert_bob(expires_at=NOON + timedelta(days=90)).expires_at == NOON + timedelta(days=30)
    assert acme.assert_bob(auth_time=NOON - timedelta(days=29)).expires_at == NOON + timedelta(days=1)


def test_a_credential_capped_at_level_one_never_vouches_for_level_two(acme: Acme) -> None:
    assert not acme.is_met(acme.assert_bob(amr=["pwd", "otp", "mfa"]), LEVEL_2, at=NOON)


def test_a_credential_trusted_with_level_two_vouches_for_it_but_never_for_level_three(acme: Acme) -> None:
    trusted, _ = api.create_credential(
        tenant_id=acme.tenant_id,
        name="sso",
        verbs=[Verb.SESSIONS_ASSERT],
        max_level=Level.AAL3,
        by="test",
        at=NOON,
    )
    bob = acme.assert_bob(amr=["pwd", "hwk", "user"], credential=trusted)
    assert acme.is_met(bob, LEVEL_2, at=NOON)
    assert not acme.is_met(bob, Asked(requirement=Requirement(level=Level.AAL3)), at=NOON)


def test_another_tenants_credential_or_one_without_the_verb_vouches_for_nobody(acme: Acme, globex: Acme) -> None:
    reader, _ = api.create_credential(
        tenant_id=acme.tenant_id, name="reader", verbs=[Verb.ACCESS_EVALUATE], by="test", at=NOON
    )
    for credential in (globex.credential, reader):
        with pytest.raises(api.VerbMissing):
            acme.assert_bob(credential=credential)


def test_asserting_again_is_another_session(acme: Acme) -> None:
    assert acme.assert_bob().handle != acme.assert_bob().handle


def test_a_revoked_credential_is_nobody_at_once_in_this_process(acme: Acme) -> None:
    assert api.resolve_credential(acme.secret, at=NOON) is not None
    api.revoke_credential(tenant_id=acme.tenant_id, credential_id=acme.credential.id, by="test", at=NOON)
    assert api.resolve_credential(acme.secret, at=NOON) is None
    with pytest.raises(api.CredentialNotFound):
        api.rotate_credential(
            tenant_id=acme.tenant_id, credential_id=acme.credential.id, overlap=timedelta(0), by="test", at=NOON
        )


def test_a_process_remembers_a_credential_for_less_than_a_second(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    from authlevels import credentials  # noqa: PLC0415 - looks inside

    assert api.resolve_credential(acme.secret, at=NOON) is not None
    # As if another process had revoked it and every push had been lost.
    monkeypatch.setattr(credentials._Kept, "clear", lambda _self: None)
    api.revoke_credential(tenant_id=acme.tenant_id, credential_id=acme.credential.id, by="test", at=NOON)
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 0.95)
    assert api.resolve_credential(acme.secret, at=NOON) is None


def test_after_a_rotation_both_secrets_work_until_the_overlap_ends(acme: Acme) -> None:
    _, new = api.rotate_credential(
        tenant_id=acme.tenant_id,
        credential_id=acme.credential.id,
        overlap=timedelta(seconds=60),
        by="test",
        at=NOON,
    )
    assert api.resolve_credential(acme.secret, at=later(59)) is not None
    assert api.resolve_credential(acme.secret, at=later(60)) is None
    assert api.resolve_credential(new, at=later(61)) is not None


def test_a_rotation_without_overlap_kills_the_old_secret_at_once(acme: Acme) -> None:
    api.rotate_credential(
        tenant_id=acme.tenant_id, credential_id=acme.credential.id, overlap=timedelta(0), by="test", at=NOON
    )
    assert api.resolve_credential(acme.secret, at=later(0)) is None


def test_a_credential_ends_at_its_expiry_also_from_memory(acme: Acme) -> None:
    _, secret = api.create_credential(
        tenant_id=acme.tenant_id, name="brief", verbs=["access.evaluate"], by="test", at=NOON, expires_at=later(10)
    )
    assert api.resolve_credential(secret, at=later(9)) is not None
    assert api.resolve_credential(secret, at=later(10)) is None


def test_two_live_credentials_never_share_a_name(acme: Acme) -> None:
    with pytest.raises(api.CredentialNameTaken):
        api.create_credential(tenant_id=acme.tenant_id, name="reports-api", verbs=[], by="test", at=NOON)
