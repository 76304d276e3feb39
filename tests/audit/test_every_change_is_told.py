"""Whatever changes leaves an entry in the same transaction; what leaves none is named here, with its reason."""

import ast
import inspect
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import audit.api
from audit.api import Kind
from authlevels import api as authlevels
from billing import api as billing
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests import rows
from tests.audit.doors import TOLD
from tests.audit.writers import READS, UNTOLD, WRITERS
from tests.authlevels.acme import (
    BOBS_SECRET,
    NOON,
    PASSWORD,
    code,
    found_acme,
    later,
    put_alice,
    restored_acme,
)

ROOT = Path(__file__).resolve().parents[2]
WRITES = {"save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "update", "delete"}
STATEMENTS = ("INSERT INTO", "UPDATE ", "DELETE FROM")


def _writers() -> Iterator[str]:
    for room in ("licensing", "authlevels", "billing"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            tree = ast.parse(path.read_text())
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
            yield from (f"{module}.{node.name}" for node in functions if _is_writing(node))
            if any(isinstance(node, ast.Assign | ast.AnnAssign) and _is_writing(node) for node in tree.body):
                yield module


def _is_writing(node: ast.AST) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in WRITES:
            return True
        text = part.value if isinstance(part, ast.Constant) else None
        if isinstance(text, str) and text.lstrip().startswith(STATEMENTS):
            return True
    return False


def test_whoever_writes_a_row_is_told_of_by_a_door_or_has_a_reason() -> None:
    assert set(_writers()) == set(WRITERS)
    assert {door for door in WRITERS.values() if " " not in door} <= set(TOLD)


def test_every_door_changes_nothing_or_is_tried_below() -> None:
    doors = {
        name
        for room in (licensing, authlevels, billing)
        for name in room.__all__
        if inspect.isfunction(inspect.unwrap(getattr(room, name)))
    }
    assert doors >= READS | set(UNTOLD)
    assert doors - READS - set(UNTOLD) == {one.partition(",")[0] for one in TOLD}


AT_THE_VENDOR = {
    *("begin_draft", "edit_draft", "discard_draft", "publish_version", "retire_version"),
    *("edit_catalogue", "get_signer", "map_price", "put_user", "revoke_signing_key"),
    *("create_endpoint", "change_endpoint", "roll_secret", "remove_endpoint", "replay_delivery", "replay_since"),
    "replay",
}
OLD_AND_NEW = {
    *(Kind.TENANT_CHANGED, Kind.MEMBER_CHANGED, Kind.ROLE_CHANGED, Kind.SUBSCRIPTION_CHANGED, Kind.OVERRIDE_CHANGED),
    Kind.ENVIRONMENTS_CHANGED,
    *(Kind.CREDENTIAL_CREATED, Kind.CREDENTIAL_ROTATED, Kind.CREDENTIAL_REVOKED, Kind.STEP_UP_POLICY_CHANGED),
}
BY_NOBODY_ELSE = {
    Kind.APPROVAL_USED,
    Kind.SIGN_IN_FAILED,
    Kind.SESSION_STARTED,
    Kind.ELEVATION_USED,
    Kind.CHALLENGE_HANDED_OFF,
}


def told(tenant_id: Any) -> list[audit.api.Entry]:
    with tenant_transaction(tenant_id):
        return audit.api.list_entries(tenant_id=tenant_id, limit=audit.api.MAX_PAGE)


@pytest.mark.django_db
@pytest.mark.parametrize("door", TOLD)
def test_a_change_leaves_its_entry_with_who_and_what(door: str, worlds: rows.Worlds) -> None:
    do, kinds = TOLD[door]
    # Where people are made, Alice is not there yet.
    acme = worlds.put_back("without_alice", found_acme) if door == "put_user" else restored_acme(worlds)
    place = licensing.VENDOR_TENANT_ID if door in AT_THE_VENDOR else acme.tenant_id
    before = told(place)
    do(acme)
    new = told(place)[len(before) :]
    found = [entry for entry in new if entry.kind in kinds]
    assert {entry.kind for entry in found} == kinds
    for entry in found:
        if entry.kind in OLD_AND_NEW:
            assert {"old", "new", "by"} <= set(entry.payload)
            assert entry.payload["old"] != entry.payload["new"]
        elif entry.kind not in BY_NOBODY_ELSE:
            assert entry.payload["by"], entry.kind


@pytest.mark.django_db
def test_how_long_an_answer_took_and_by_what_is_told() -> None:
    acme = found_acme()
    challenge = acme.challenge(acme.assert_bob())
    with pytest.raises(authlevels.WrongCode):
        acme.show(challenge, "000000", at=later(5))
    acme.show(challenge, code(BOBS_SECRET, later(8)), at=later(8))
    parts = {entry.kind: entry.payload for entry in told(acme.tenant_id) if entry.kind.startswith("challenge.")}
    assert parts["challenge.failed"].items() >= {"method": "totp", "response_seconds": 5.0, "why": "wrong"}.items()
    assert parts["challenge.passed"].items() >= {"method": "totp", "response_seconds": 8.0}.items()
    assert {part["by"] for part in parts.values()} == {"credential:reports-api"}


@pytest.mark.django_db
def test_a_worn_out_factor_is_told_of_with_the_code_that_wore_it_out() -> None:
    acme = found_acme()
    challenge, at = acme.challenge(acme.assert_bob(at=NOON), at=NOON), NOON
    for number in range(100):
        at = at + (timedelta(minutes=31) if number and number % 10 == 0 else timedelta(0))
        if number and number % 10 == 0:
            challenge = acme.challenge(acme.assert_bob(at=at), at=at)
        with suppress(authlevels.WrongCode, authlevels.Throttled):
            acme.show(challenge, "000000", at=at)
    disabled = [entry for entry in told(acme.tenant_id) if entry.kind == Kind.FACTOR_DISABLED]
    assert [entry.subject for entry in disabled] == [("user", "bob")]


@pytest.mark.django_db
def test_a_failed_sign_in_names_members_alone_and_shows_what_was_typed_to_nobody() -> None:
    put_alice()
    acme = found_acme()
    authlevels.put_user(subject_id="mallory", password=PASSWORD, at=NOON)
    for name, password in (
        ("alice", "wrong"),
        ("mallory", PASSWORD),
        ("my secret passphrase", "x"),
        ("alice", "wrong"),
    ):
        with suppress(authlevels.SignInFailed):
            authlevels.sign_in_with_password(
                tenant_id=acme.tenant_id, username=name, password=password, network="192.0.2.1", at=NOON, ip="192.0.2.1"
            )
    failed = [entry for entry in told(acme.tenant_id) if entry.kind == Kind.SIGN_IN_FAILED]
    assert [entry.subject for entry in failed] == [("account", "alice"), None, None, ("account", "alice")]
    assert [entry.payload["attempts_left"] for entry in failed] == [9, 9, 9, 8]
    assert [entry.payload["why"] for entry in failed] == [
        *("wrong_password", "unknown_name_or_tenant", "unknown_name_or_tenant", "wrong_password")
    ]
    assert failed[0].payload["name"] == failed[3].payload["name"] != failed[2].payload["name"]
    assert failed[0].personal == {"ip": "192.0.2.1", "user_agent": ""}
    assert not [word for word in ("mallory", "secret", "192.0.2") for entry in failed[1:3] if word in str(entry)]
