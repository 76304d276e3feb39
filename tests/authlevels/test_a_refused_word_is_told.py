"""The trail tells what a product was refused, though nothing came of it."""

from datetime import timedelta
from typing import Any

import pytest

import audit.api
from audit.api import Kind
from authlevels import api
from authlevels.refusals import MAX_TEXT
from isolation.api import tenant_transaction
from tests.authlevels.acme import BOBS_SECRET, EXPORT, NOON, Acme, code, later
from tiergate import Verb

pytestmark = pytest.mark.django_db


def told(acme: Acme, kind: Kind) -> list[audit.api.Entry]:
    with tenant_transaction(acme.tenant_id):
        return audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[kind])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"amr": []}, "no_method"),
        ({"idp": "tiergate"}, "own_issuer"),
        ({"auth_time": NOON + timedelta(hours=1)}, "auth_time_ahead"),
        ({"auth_time": NOON - timedelta(days=400)}, "auth_time_past"),
        ({"expires_at": NOON - timedelta(seconds=1)}, "ended"),
    ],
)
def test_a_word_that_was_not_taken_is_told_with_its_reason(acme: Acme, said: dict[str, Any], why: str) -> None:
    with pytest.raises(api.AssertionRefused):
        acme.assert_bob(**said)
    (entry,) = told(acme, Kind.SESSION_REFUSED)
    assert entry.subject == ("user", "bob")
    assert (entry.payload["why"], entry.payload["by"]) == (why, "credential:reports-api")


def test_of_who_is_no_member_the_trail_keeps_no_name_and_of_long_texts_a_part(acme: Acme) -> None:
    with pytest.raises(api.SubjectNotMember):
        api.assert_session(
            tenant_id=acme.tenant_id,
            credential=acme.credential,
            subject_type="user",
            subject_id="mallory",
            amr=["x" * 9_000] * 90,
            auth_time=NOON,
            idp="y" * 9_000,
            at=NOON,
        )
    (entry,) = told(acme, Kind.SESSION_REFUSED)
    assert entry.subject is None
    assert entry.payload["why"] == "no_member"
    assert "mallory" not in str(entry)
    assert len(entry.payload["issuer"]) == MAX_TEXT
    assert len(str(entry.payload)) < 5_000


def test_who_may_not_vouch_here_leaves_nothing_in_this_trail(acme: Acme) -> None:
    other, _secret = api.create_credential(
        tenant_id=acme.tenant_id, name="reader", verbs=[Verb.ACCESS_EVALUATE], by="test", at=NOON
    )
    with pytest.raises(api.VerbMissing):
        acme.assert_bob(credential=other)
    assert told(acme, Kind.SESSION_REFUSED) == []


def test_a_code_that_was_not_redeemed_is_told_and_the_code_is_not(acme: Acme) -> None:
    challenge = acme.challenge(acme.assert_bob(), EXPORT)
    ref = challenge.id
    with pytest.raises(api.RedemptionRefused):
        api.redeem(ref=ref, code="cmp_guess", credential=acme.credential, at=later(9))
    (entry,) = told(acme, Kind.REDEMPTION_REFUSED)
    assert entry.subject == ("user", "bob")
    assert entry.payload == {"why": "code", "challenge": ref, "by": "credential:reports-api"}
    with pytest.raises(api.ChallengeNotFound):
        api.redeem(ref=ref[:-4] + "aaaa", code="cmp_guess", credential=acme.credential, at=later(9))
    assert len(told(acme, Kind.REDEMPTION_REFUSED)) == 1
    assert isinstance(acme.show(challenge, code(BOBS_SECRET, later(9)), at=later(9)), api.Passed)
