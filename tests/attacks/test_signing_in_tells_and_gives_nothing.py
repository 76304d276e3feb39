"""Own sign-in: enumeration, guessing, fixation; allauth 65.8.1 and 65.13.0; ZITADEL GHSA-mq4x-r2w3-j7mr."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password

import licensing.api
from authlevels import api
from authlevels.models import SessionRow, User
from isolation.api import tenant_transaction
from tests.authlevels.acme import NOON, PASSWORD, Acme, later
from tiergate import SessionState


def sign_in(acme: Acme, username: str, password: str, *, network: str = "192.0.2.9", seconds: float = 0) -> str:
    """The code of the refusal, or "in"."""
    try:
        api.sign_in_with_password(
            tenant_id=acme.tenant_id, username=username, password=password, network=network, at=later(seconds)
        )
    except (api.SignInFailed, api.Throttled) as refused:
        return f"{refused.code}: {refused.detail}"
    return "in"


def test_unknown_people_wrong_passwords_and_strangers_to_the_tenant_hear_the_same(acme: Acme) -> None:
    api.put_user(subject_id="mallory", password=PASSWORD + "!", at=NOON)
    heard = {
        sign_in(acme, "nobody", PASSWORD),
        sign_in(acme, "nobody@acme.example", PASSWORD),
        sign_in(acme, "alice", "wrong"),
        sign_in(acme, "mallory", PASSWORD + "!"),
        sign_in(acme, "", ""),
        sign_in(acme, "bob", ""),
        sign_in(acme, "alice", PASSWORD + "\x00"),
    }
    assert heard == {"sign_in_failed: The name, the password or the tenant is not right."}


def test_an_unknown_name_is_locked_like_a_known_one(acme: Acme) -> None:
    for name in ("alice", "nobody"):
        told = [sign_in(acme, name, "wrong", seconds=number).partition(":")[0] for number in range(12)]
        assert told == ["sign_in_failed"] * 10 + ["throttled"] * 2


@pytest.mark.parametrize(
    ("known", "unknown"), [("alice", "nobody"), ("alice@acme.example", "nobody@acme.example")], ids=["name", "mail"]
)
def test_a_locked_name_in_capitals_tells_nothing_of_who_exists(acme: Acme, known: str, unknown: str) -> None:
    heard = []
    for name in (known, unknown):
        for _ in range(10):
            sign_in(acme, name, "wrong")
        heard.append([sign_in(acme, other, "wrong") for other in (name.upper(), name.title(), name)])
    assert heard[0] == heard[1]


def test_a_lock_holds_against_the_right_password_and_ends_after_thirty_minutes(acme: Acme) -> None:
    for _ in range(10):
        sign_in(acme, "alice", "wrong")
    assert sign_in(acme, "alice", PASSWORD, seconds=1799).startswith("throttled")
    assert sign_in(acme, "alice@acme.example", PASSWORD, seconds=1799).startswith("throttled")
    assert sign_in(acme, "alice", PASSWORD, seconds=1801) == "in"


def test_a_right_password_starts_the_accounts_count_again_but_not_the_networks(acme: Acme) -> None:
    for number in range(9):
        sign_in(acme, "alice", "wrong", seconds=number)
    assert sign_in(acme, "alice", PASSWORD, seconds=10) == "in"
    assert sign_in(acme, "alice", "wrong", seconds=11).startswith("sign_in_failed")


def test_guesses_spread_over_many_names_stop_at_the_networks_limit(acme: Acme) -> None:
    from authlevels.attempts import NETWORK_LIMIT, charge  # noqa: PLC0415 - beside its use

    for _ in range(NETWORK_LIMIT.attempts):
        charge(bucket="network:192.0.2.9", limit=NETWORK_LIMIT, at=NOON)
    assert sign_in(acme, "alice", PASSWORD, seconds=1).startswith("throttled")
    assert sign_in(acme, "alice", PASSWORD, seconds=1, network="192.0.2.10") == "in"


def test_every_sign_in_has_a_new_secret_and_only_its_digest_is_stored(acme: Acme) -> None:
    first, second = acme.sign_in_alice(), acme.sign_in_alice()
    assert first[1] != second[1]
    with tenant_transaction(acme.tenant_id):
        stored = b"".join(bytes(row.secret_digest or b"") for row in SessionRow.objects.all())
    for _, secret in (first, second):
        assert secret.encode() not in stored
        assert secret[37:].encode() not in stored


def test_a_renewed_secret_works_and_the_old_one_is_dead_at_once(acme: Acme) -> None:
    alice, old = acme.sign_in_alice()
    new = api.rotate_session_secret(tenant_id=acme.tenant_id, session_id=alice.id)
    assert api.resolve_session_secret(old, at=later(1)) is None
    found = api.resolve_session_secret(new, at=later(1))
    assert found is not None
    assert found.id == alice.id


def test_a_deactivated_persons_sessions_die(acme: Acme) -> None:
    alice, secret = acme.sign_in_alice()
    User.objects.filter(subject_id="alice").update(is_active=False)
    assert api.resolve_session_secret(secret, at=later(1)) is None
    assert acme.facts(alice, later(1)).state == SessionState.REVOKED
    assert sign_in(acme, "alice", PASSWORD).startswith("sign_in_failed")


def test_an_ended_membership_signs_nobody_in(acme: Acme) -> None:
    licensing.api.remove_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="alice", by="test", at=NOON
    )
    assert sign_in(acme, "alice", PASSWORD).startswith("sign_in_failed")


def test_a_session_ends_after_thirty_days_whatever_its_use(acme: Acme) -> None:
    alice, secret = acme.sign_in_alice()
    assert alice.expires_at == NOON + timedelta(days=30)
    assert api.resolve_session_secret(secret, at=alice.expires_at - timedelta(seconds=1)) is not None
    assert api.resolve_session_secret(secret, at=alice.expires_at) is None
    assert acme.facts(alice, alice.expires_at).state == SessionState.EXPIRED


@pytest.mark.parametrize(
    "garbage", ["", "tgs_", "tgs_" + "0" * 32 + "_" + "A" * 43, "tgs_\x00", "tgk_x", "é" * 50, "tgs_" + "0" * 999]
)
@pytest.mark.usefixtures("acme")
def test_garbage_is_nobody(garbage: str) -> None:
    assert api.resolve_session_secret(garbage, at=NOON) is None
    assert api.resolve_credential(garbage, at=NOON) is None


def test_a_secret_moved_to_another_tenants_name_is_nobody(acme: Acme, globex: Acme) -> None:
    _, secret = acme.sign_in_alice()
    moved = secret.replace(acme.tenant_id.hex, globex.tenant_id.hex)
    assert moved != secret
    assert api.resolve_session_secret(moved, at=NOON) is None
    assert api.resolve_credential(acme.secret.replace(acme.tenant_id.hex, globex.tenant_id.hex), at=NOON) is None


@pytest.mark.parametrize("password", ["short", "x" * 14, "x" * 257, "password123456789"[:8]])
@pytest.mark.usefixtures("acme")
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(api.PasswordRefused):
        api.put_user(subject_id="dave", password=password, at=NOON)
    assert not User.objects.filter(subject_id="dave").exists()


@pytest.mark.usefixtures("acme")
def test_a_password_of_eight_will_do_beside_a_second_factor_if_it_is_no_known_one() -> None:
    _, changed = api.put_user(
        subject_id="dave", password="qv7!mzt2", totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", at=NOON
    )
    assert changed == ["created", "password", "totp"]
    with pytest.raises(api.PasswordRefused):
        api.put_user(subject_id="erin", password="password", totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", at=NOON)


@pytest.mark.usefixtures("acme")
def test_putting_the_same_person_again_changes_nothing() -> None:
    given: dict[str, Any] = {
        "subject_id": "dave",
        "password": "w" * 60 + "alk",
        "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    }
    api.put_user(**given, at=NOON)
    before = User.objects.get(subject_id="dave").password
    assert api.put_user(**given, at=later(1))[1] == []
    assert User.objects.get(subject_id="dave").password == before
    assert check_password(given["password"], before)
