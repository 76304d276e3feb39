"""Which rules are in force is changed by a step that is told, or not at all; and rules that cannot be read are not none."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections, transaction
from django.test import Client

from decisions.models import PolicyActivation
from decisions.policy import memory
from decisions.policy.activating import activate, read_stage, rollback
from decisions.policy.errors import BundleUnproved, SignatureInvalid, StageChanged
from decisions.policy.history import list_activations
from decisions.policy.memory import policy_for
from decisions.policy.stage import Mode
from decisions.policy.storing import Signature, store_bundle
from isolation import clock
from licensing import api as licensing
from tests.attacks.parallel import at_once
from tests.decisions.asking import ask, body
from tests.decisions.bundles import applied, files, put_in_force, stored
from tests.decisions.conftest import World, client, world
from tiergate.policy import compile_bundle
from tiergate.policy.signing import new_key, public_key, sign

__all__ = ["client", "world"]

TABLES = ("decisions_bundle", "decisions_bundle_signature", "decisions_activation")


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


@pytest.fixture
def publishers(settings: Any) -> dict[str, bytes]:
    """Believe two publishers, and hold their keys."""
    keys = {"release": new_key(), "release-2": new_key()}
    settings.POLICY_PUBLISHERS = {name: public_key(key) for name, key in keys.items()}
    return keys


def _signed(name: str, publisher: str, key: bytes) -> str:
    digest = compile_bundle(files(name)).digest
    signature = Signature(publisher=publisher, value=sign(key, digest))
    return store_bundle(files(name), by="user:olga", signature=signature, at=clock.now()).digest


def _tampered(superuser: psycopg.Connection, statement: str) -> None:
    """Write as nobody may: with every trigger off."""
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute(statement.encode())


@pytest.mark.parametrize("alias", ["default", "sweep"])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_no_role_that_serves_changes_what_was_written(world: World, alias: str, table: str, statement: str) -> None:
    applied()
    column = {"decisions_bundle": "files", "decisions_activation": "active_id"}.get(table, "publisher")
    with pytest.raises(DatabaseError), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(statement.format(table, column, column))
    assert len(list_activations()) == 1


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_not_even_who_owns_the_tables_does(
    world: World, superuser: psycopg.Connection, publishers: dict[str, bytes], table: str, statement: str
) -> None:
    put_in_force(_signed("acme", "release", publishers["release"]))
    column = {"decisions_bundle": "files", "decisions_activation": "active_id"}.get(table, "publisher")
    with pytest.raises(psycopg.errors.IntegrityError), superuser.transaction():
        superuser.execute(statement.format(table, column, column).encode())


def test_a_step_is_numbered_by_the_database_alone(world: World) -> None:
    done = applied()
    for number in (1, 3, 7):
        with pytest.raises(DatabaseError), transaction.atomic():
            PolicyActivation.objects.create(
                number=number, step="activate", mode="none", because="so", by="me", at=clock.now()
            )
    with transaction.atomic():
        # A generation of before, under which every process would find it gone with a snapshot that it holds.
        PolicyActivation.objects.create(
            number=2, generation=1, step="activate", mode="none", because="so", by="me", at=clock.now()
        )
        assert PolicyActivation.objects.get(number=2).generation > done.generation
        # Untold as it is it does not stand.
        transaction.set_rollback(True)


def test_of_two_who_apply_at_once_one_wins_and_the_other_is_told(world: World) -> None:
    digests = [stored(name).digest for name in ("first", "second")]
    found = at_once(lambda number: put_in_force(digests[number], expected=None), count=2)
    told = [one for one in found if isinstance(one, StageChanged)]
    won = [one.active for one in found if not isinstance(one, Exception)]
    assert (len(told), len(won)) == (1, 1), found
    assert (read_stage().active, len(list_activations())) == (won[0], 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions_bundle SET files = jsonb_set(files, '{{rules/a.yaml}}', '\"[]\"') WHERE digest = '{}'",
        "UPDATE decisions_bundle SET files = '{{}}' WHERE digest = '{}'",
        "DELETE FROM decisions_bundle WHERE digest = '{}'",
    ],
)
def test_a_bundle_that_is_not_what_was_stored_is_unknown_and_never_no_rules(
    world: World, client: Client, superuser: psycopg.Connection, statement: str
) -> None:
    handle = world.asserted()
    done = applied()
    memory.forget_bundles()
    _tampered(superuser, statement.format(done.active))
    answer = ask(client, world.acme_key, body(session=handle), status=503)
    assert answer["code"] == "facts_unavailable"
    # Going back reads nothing of what is broken.
    rollback(because="somebody changed the row", by="user:olga", at=clock.now())
    assert ask(client, world.acme_key, body(session=handle))["decision"] is True


def test_a_signature_is_looked_at_again_by_whoever_loads_a_bundle(
    world: World, client: Client, superuser: psycopg.Connection, publishers: dict[str, bytes], settings: Any
) -> None:
    handle = world.asserted()
    first = _signed("first", "release", publishers["release"])
    put_in_force(first)
    assert ask(client, world.acme_key, body(session=handle))["decision"] is False
    settings.POLICY_PUBLISHERS = {"release-2": public_key(publishers["release-2"])}
    memory.forget_bundles()
    ask(client, world.acme_key, body(session=handle), status=503)
    with pytest.raises(SignatureInvalid):
        put_in_force(first)
    # The same bundle with the new key's signature is what it was.
    assert _signed("first", "release-2", publishers["release-2"]) == first
    memory.forget_bundles()
    assert ask(client, world.acme_key, body(session=handle))["decision"] is False
    _tampered(superuser, "UPDATE decisions_bundle_signature SET signature = 'AAAA'")
    memory.forget_bundles()
    ask(client, world.acme_key, body(session=handle), status=503)


def test_nobody_goes_back_to_what_nobody_answers_for_any_more(
    world: World, publishers: dict[str, bytes], settings: Any
) -> None:
    put_in_force(_signed("first", "release", publishers["release"]))
    second = put_in_force(_signed("second", "release-2", publishers["release-2"]))
    settings.POLICY_PUBLISHERS = {"release-2": public_key(publishers["release-2"])}
    with pytest.raises(SignatureInvalid):
        rollback(because="it locks us out", by="user:olga", at=clock.now())
    assert read_stage().active == second.active


def test_a_candidate_that_cannot_be_read_takes_nobodys_answer(
    world: World, client: Client, superuser: psycopg.Connection
) -> None:
    handle = world.asserted()
    shadow = put_in_force(stored().digest, mode=Mode.SHADOW, percent=100)
    memory.forget_bundles()
    _tampered(superuser, "UPDATE decisions_bundle SET files = '{}'")
    assert ask(client, world.acme_key, body(session=handle))["decision"] is True
    snapshot = licensing.get_snapshot(tenant_id=world.acme, at=clock.now())
    assert (shadow.candidate is not None, policy_for(snapshot).shadow) == (True, None)


def test_what_is_rolled_back_with_its_transaction_was_never_in_force(world: World, client: Client) -> None:
    handle = world.asserted()
    digest = stored().digest
    with transaction.atomic():
        put_in_force(digest)
        within = licensing.get_snapshot(tenant_id=licensing.VENDOR_TENANT_ID, at=clock.now())
        assert policy_for(within).bundle is not None
        transaction.set_rollback(True)
    assert ask(client, world.acme_key, body(session=handle))["decision"] is True
    assert read_stage().active is None


# Z3 does not read patterns, so it cannot tell that one of the two always holds.
_WAIVED = {
    "rules/a.yaml": (
        "- id: one\n  on: {actions: [reports.read]}\n"
        "  when: subject.id.matches('^a') || subject.id.matches('^[^a]|^$')\n"
        "  require: {level: aal2}\n  because: It is asked of all.\n  owner: security\n  waives_tests: It always holds.\n"
    ),
    "tests/a.yaml": (
        "- it: is asked\n  given: {action: {name: reports.read, feature: '', scopes: []}, subject: {id: bob}}\n"
        "  want: {outcome: asks, require: {level: aal2}}\n"
    ),
    "invariants/a.yaml": (
        "- id: kept\n  on: {actions: [reports.read]}\n  never_below: {level: aal2}\n  owner: security\n"
        "  waiver: {owner: olga, until: '%s', because: We look at it by hand.}\n"
    ),
}


def test_what_stands_on_a_word_that_is_over_is_put_in_force_by_nobody(
    world: World, publishers: dict[str, bytes]
) -> None:
    at = clock.now()
    day = (at + timedelta(days=3)).date().isoformat()
    said = {**files("waived"), **_WAIVED, "invariants/a.yaml": _WAIVED["invariants/a.yaml"] % day}
    digest = compile_bundle(said).digest
    signed = Signature(publisher="release", value=sign(publishers["release"], digest))
    stored = store_bundle(said, by="user:olga", signature=signed, at=at)
    assert [one["outcome"] for one in stored.findings] == ["unproved"]
    later = at + timedelta(days=30)
    for mode, share in ((Mode.NONE, 0), (Mode.STAGED, 1)):
        with pytest.raises(BundleUnproved):
            activate(digest=digest, mode=mode, percent=share, because="it is time", by="user:olga", at=later)
    assert read_stage().active is None
    # Whoever changes the publisher's key may still sign what is there.
    assert store_bundle(said, by="user:olga", signature=signed, at=later).digest == digest
    assert activate(digest=digest, because="it is time", by="user:olga", at=at).active == digest


def test_nobody_lowers_what_is_promised_by_having_no_rules_in_between(world: World) -> None:
    promise = "- id: held\n  on: {actions: [reports.read]}\n  never_lowered: true\n  owner: security\n"
    strict = store_bundle(
        {**files("strict", says="aal3"), "invariants/a.yaml": promise}, by="user:olga", at=clock.now()
    ).digest
    lax = stored("lax", says="aal2").digest
    put_in_force(strict)
    with pytest.raises(BundleUnproved):
        put_in_force(lax)
    put_in_force(None)
    with pytest.raises(BundleUnproved):
        put_in_force(lax)
    assert put_in_force(strict).active == strict
