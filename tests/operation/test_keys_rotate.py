"""A new key takes over while people sign in, however often the move is broken off; and an old one is told when to go."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import api as audit
from authlevels import api
from authlevels.models import ServiceCredential, SessionRow, TotpDevice, User
from authlevels.rotation import reseal_factors, ring_use
from authlevels.totp import open_secret, place_of, seal_secret
from isolation.api import Resealed, count_by_key, reseal_column, tenant_transaction
from isolation.clock import now
from isolation.keyring import key_of
from licensing.api import VENDOR_TENANT_ID
from tests.attacks.parallel import at_once
from tests.authlevels.acme import BOBS_SECRET, NOON, Acme, Asked, code, later

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.authlevels.acme.QuickScrypt"]


@pytest.fixture
def ring(settings: Any) -> Any:
    """The ring as it was for years: one key."""
    settings.KEY_RING = {"old": OLD}
    return settings


@pytest.fixture
def years_ago(ring: Any, acme: Acme) -> Acme:
    """Everything that there is, under the old key; then a new one is put first."""
    ring.KEY_RING = {"new": NEW, "old": OLD}
    return acme


def devices_by_key() -> dict[str, int]:
    return dict(count_by_key(TotpDevice.objects.all(), "secret_sealed"))


def told(verb: str) -> str:
    said = io.StringIO()
    call_command("keys", verb, stdout=said)
    return said.getvalue()


def credential_row(acme: Acme) -> ServiceCredential:
    with tenant_transaction(acme.tenant_id):
        return ServiceCredential.objects.get(tenant_id=acme.tenant_id, id=acme.credential.id)


def crowd(count: int) -> None:
    """Make many people with an authenticator app each."""
    people = User.objects.bulk_create(
        User(subject_id=f"person-{number}", password="!", created_at=NOON) for number in range(count)
    )
    devices = [
        TotpDevice(user=person, name="app", confirmed=True, created_at=NOON, confirmed_at=NOON) for person in people
    ]
    for device in devices:
        seal_secret(device, b"x" * 20)
    TotpDevice.objects.bulk_create(devices)


def test_every_secret_is_sealed_with_the_new_key_and_opens_without_the_old_one(years_ago: Acme, ring: Any) -> None:
    assert set(devices_by_key()) == {"old"}
    said = told("rotate")
    assert devices_by_key() == {"new": 2}
    assert "authenticator apps: 2 sealed anew with new" in said
    ring.KEY_RING = {"new": NEW}
    years_ago.step_up(years_ago.assert_bob(), BOBS_SECRET, at=NOON)


def test_the_trail_tells_who_rotated_to_which_key_and_never_a_key(years_ago: Acme) -> None:
    told("rotate")
    with tenant_transaction(VENDOR_TENANT_ID):
        begun, done = audit.list_entries(tenant_id=VENDOR_TENANT_ID, kinds=[audit.Kind.KEYS_ROTATED])
    named = {"by": "manage.py", "key": "new", "older": ["old"]}
    assert begun.payload == {**named, "state": "begun", "secrets": {}}
    secrets = done.payload["secrets"]
    assert secrets["authenticator apps"] == {"moved": 2, "unreadable": 0}
    assert secrets["people of the trail"]["moved"] > 0
    assert done.payload == {**named, "state": "done", "secrets": secrets}
    said = io.StringIO()
    call_command("audit", "show", "--tenant", "vendor", stdout=said)
    assert "manage.py began to seal secrets anew with the key new." in said.getvalue()
    moved = "manage.py sealed secrets anew with the key new: 0 of webhooks, 0 of signing keys, 2 of authenticator apps"
    assert moved in said.getvalue()


def test_a_second_run_moves_nothing(years_ago: Acme) -> None:
    told("rotate")
    before = list(TotpDevice.objects.order_by("pk").values_list("secret_sealed", flat=True))
    assert reseal_factors().moved == 0
    assert audit.reseal_people().moved == 0
    assert [bytes(one) for one in TotpDevice.objects.order_by("pk").values_list("secret_sealed", flat=True)] == [
        bytes(one) for one in before
    ]


def test_people_step_up_while_their_secrets_move_and_no_code_counts_twice(years_ago: Acme) -> None:
    bob = years_ago.assert_bob()
    challenges = [years_ago.challenge(bob, Asked(resource=("report", str(number)))) for number in range(6)]
    shown = code(BOBS_SECRET, NOON)

    def act(number: int) -> object:
        return reseal_factors() if number >= 6 else years_ago.show(challenges[number], shown, at=NOON)

    results = at_once(act, count=9)
    assert sum(isinstance(one, api.Passed) for one in results) == 1
    assert sum(isinstance(one, api.CodeAlreadyUsed) for one in results) == 5
    assert sum(one.moved for one in results if isinstance(one, Resealed)) == 2, "each secret was moved by one run"
    assert devices_by_key() == {"new": 2}
    device = TotpDevice.objects.get(user__subject_id="bob")
    assert device.last_step == int(NOON.timestamp()) // 30, "what a sign-in wrote stands"
    assert isinstance(years_ago.step_up(bob, BOBS_SECRET, at=later(600)), api.Passed)


def test_a_secret_that_is_replaced_meanwhile_stays_replaced(years_ago: Acme) -> None:
    def replace(_moved: int) -> None:
        for device in TotpDevice.objects.select_related("user"):
            seal_secret(device, b"y" * 20)
            device.save(update_fields=["secret_sealed"])

    crowd(1)
    rows = TotpDevice.objects.select_related("user")
    reseal_column(rows, "secret_sealed", purpose="totp", place=place_of, batch=1, progress=replace)
    assert {open_secret(device) for device in rows} == {b"y" * 20}


@pytest.mark.storm
def test_a_run_that_is_killed_leaves_every_secret_whole_and_the_next_one_goes_on(ring: Any, db: None) -> None:
    crowd(900)
    names = {"new": NEW, "old": OLD}
    environment = {
        **os.environ,
        "TIERGATE_KEYRING": json.dumps({name: base64.b64encode(key).decode() for name, key in names.items()}),
    }
    run = subprocess.Popen(
        [sys.executable, "manage.py", "keys", "rotate"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    assert "authenticator apps" in run.stdout.readline()
    run.send_signal(signal.SIGKILL)
    run.communicate()
    ring.KEY_RING = names
    after = devices_by_key()
    assert after["new"] >= 200
    assert sum(after.values()) == 900
    assert after.get("old", 0) > 0, "it was broken off"
    done = reseal_factors()
    assert (done.moved, done.unreadable) == (after["old"], [])
    assert devices_by_key() == {"new": 900}


def test_a_secret_that_no_key_opens_is_named_and_holds_up_no_other(years_ago: Acme, ring: Any) -> None:
    ring.KEY_RING = {"lost": b"l" * 32, **ring.KEY_RING}
    device = TotpDevice.objects.select_related("user").get(user__subject_id="alice")
    seal_secret(device, b"x" * 20)
    device.save(update_fields=["secret_sealed"])
    ring.KEY_RING = {"new": NEW, "old": OLD}
    said = io.StringIO()
    with pytest.raises(CommandError, match=f"1 secrets are opened by no key.*authenticator apps {device.pk}"):
        call_command("keys", "rotate", stdout=said)
    assert devices_by_key() == {"new": 1, "lost": 1}
    assert "lost is missing from the ring" in said.getvalue()


def test_a_credential_moves_when_its_secret_is_next_shown(years_ago: Acme, ring: Any) -> None:
    assert credential_row(years_ago).digest_key == "old"
    assert api.resolve_credential(years_ago.secret, at=now()) is not None
    assert credential_row(years_ago).digest_key == "new"
    ring.KEY_RING = {"new": NEW}
    api.forget_credentials()
    found = api.resolve_credential(years_ago.secret, at=now())
    assert found is not None
    assert found.id == years_ago.credential.id


def test_a_session_moves_when_its_secret_is_next_shown(ring: Any, acme: Acme) -> None:
    _, secret = acme.sign_in_alice(at=now())
    ring.KEY_RING = {"new": NEW, "old": OLD}
    results = at_once(lambda _: api.resolve_session_secret(secret, at=now()))
    assert all(isinstance(one, api.Session) for one in results), results
    with tenant_transaction(acme.tenant_id):
        assert SessionRow.objects.get(secret_digest__isnull=False).digest_key == "new"
    ring.KEY_RING = {"new": NEW}
    assert api.resolve_session_secret(secret, at=now()) is not None


def test_a_secret_that_is_wrong_or_revoked_moves_nothing(years_ago: Acme) -> None:
    wrong = years_ago.secret[:-1] + ("A" if years_ago.secret[-1] != "A" else "B")
    assert api.resolve_credential(wrong, at=now()) is None
    api.revoke_credential(tenant_id=years_ago.tenant_id, credential_id=years_ago.credential.id, by="test", at=now())
    assert api.resolve_credential(years_ago.secret, at=now()) is None
    assert credential_row(years_ago).digest_key == "old"


def test_who_cannot_write_is_let_in_all_the_same(years_ago: Acme) -> None:
    def refuse(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("UPDATE"):
            sql, params = "SELECT 1 / 0", None
        return execute(sql, params, *rest)

    with connection.execute_wrapper(refuse):
        assert api.resolve_credential(years_ago.secret, at=now()) is not None
    assert credential_row(years_ago).digest_key == "old"


def test_an_old_key_is_told_to_stay_until_nothing_needs_it(years_ago: Acme) -> None:
    said = told("status")
    assert "old must stay" in said
    assert "reports-api" in said
    assert not ring_use(at=now()).may_go("old", at=now())
    said = told("rotate")
    assert "old must stay: 1 credentials, each of which moves when next used" in said
    api.resolve_credential(years_ago.secret, at=now())
    assert "old may be taken out of TIERGATE_KEYRING." in told("status")
    assert not ring_use(at=now()).may_go("new", at=now())


def test_a_rotated_credentials_old_secret_keeps_its_key_until_its_overlap_ends(years_ago: Acme) -> None:
    api.rotate_credential(
        tenant_id=years_ago.tenant_id,
        credential_id=years_ago.credential.id,
        overlap=timedelta(hours=1),
        by="test",
        at=now(),
    )
    assert "a rotated credential's old secret works until" in told("rotate")
    use = ring_use(at=now())
    assert not use.may_go("old", at=now())
    assert use.may_go("old", at=now() + timedelta(hours=2))


def test_what_the_code_before_made_is_not_taken_for_moved(years_ago: Acme) -> None:
    told("rotate")
    with tenant_transaction(years_ago.tenant_id):
        ServiceCredential.objects.filter(tenant_id=years_ago.tenant_id).update(digest_key="")
    assert "what is not said may be under it" in told("status")
    api.resolve_credential(years_ago.secret, at=now())
    assert "old may be taken out" in told("status")


def test_nothing_secret_is_printed(years_ago: Acme) -> None:
    said = told("rotate") + told("status")
    assert years_ago.secret not in said
    assert BOBS_SECRET not in said
    assert OLD.decode() not in said


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02\x03newxxxxxxxxxxxx", b"\x01\xff" + b"x" * 40, b"\x01\x03new"])
def test_what_is_no_sealed_secret_names_no_key(sealed: bytes) -> None:
    assert key_of(sealed) == ""
