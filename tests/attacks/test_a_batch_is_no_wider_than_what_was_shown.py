"""Pitfall 16: several things confirmed at once are counted, each once, and none is larger or other than was shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.attacks.parallel import at_once
from tests.decisions.asking import ask, body
from tests.decisions.conftest import World, client, code_at, world
from tiergate import ActionSpec, BatchSpec, Level, Requirement, Scope

__all__ = ["client", "world"]

ONCE = Requirement(level=Level.AAL2, max_age=120, scope=Scope.TRANSACTION)
AMOUNT, PAYEE = "resource.properties.amount", "resource.properties.payee"


def _declare(batch: BatchSpec | None = None, *, approvals: int = 0) -> None:
    """Put an action for each kind of batch into the catalogue."""
    once = Requirement(level=Level.AAL2, max_age=120, scope=Scope.TRANSACTION, approvals=approvals)
    with licensing.edit_catalogue(by="test", at=clock.now()) as edit:
        for name, binds, one in (
            ("records.delete", (), BatchSpec(max_items=3)),
            ("payouts.make", (AMOUNT, PAYEE), batch or BatchSpec(max_items=3, per_item={AMOUNT: 50})),
        ):
            edit.put_action(
                ActionSpec(name=name, resource_type="record", privilege=name, binds=binds, requirement=once, batch=one)
            )
        edit.put_role("member", ["reports.read", "payments.approve", "records.delete", "payouts.make"])


@pytest.fixture
def handle(world: World) -> str:
    _declare()
    return world.asserted()


def _delete(number: Any, handle: str, kind: str = "record") -> dict[str, Any]:
    return body("records.delete", resource=(kind, str(number)), session=handle)


def _pay(number: Any, handle: str, amount: Any = 20, payee: str = "Ann") -> dict[str, Any]:
    properties = {"amount": amount, "payee": payee}
    return body("payouts.make", resource=("record", str(number)), properties=properties, session=handle)


def _open(client: Client, world: World, document: Any, items: int, *, status: int = 201) -> Any:
    refused = ask(client, world.acme_key, document)
    assert refused["context"]["outcome"] == "step_up"
    asked = {"decision_id": refused["context"]["challenge"]["decision_id"], "batch": {"items": items}}
    return ask(client, world.acme_key, asked, path="/step-up/challenges", status=status)


def _confirm(client: Client, world: World, document: Any, items: int) -> str:
    opened = _open(client, world, document, items)
    verify = f"/step-up/challenges/{opened['challenge_id']}/verify"
    shown = {"method": "totp", "code": code_at(clock.now())}
    elevation: str = ask(client, world.acme_key, shown, path=verify)["elevation_id"]
    return elevation


def _is_done(client: Client, world: World, document: Any, request_id: str = "") -> bool:
    headers = {"X-Request-ID": request_id} if request_id else {}
    done: bool = ask(client, world.acme_key, document, headers=headers)["decision"]
    return done


def test_up_to_as_many_are_done_as_were_confirmed_and_then_no_more(client: Client, world: World, handle: str) -> None:
    _confirm(client, world, _delete(1, handle), 3)
    assert [_is_done(client, world, _delete(number, handle)) for number in (7, 1, 9, 2)] == [True, True, True, False]


def test_each_thing_is_done_once_and_its_retry_is_the_same_one(client: Client, world: World, handle: str) -> None:
    _confirm(client, world, _delete(1, handle), 3)
    assert _is_done(client, world, _delete(1, handle), "r1")
    assert not _is_done(client, world, _delete(1, handle), "r2")
    assert not _is_done(client, world, _delete(1, handle))
    assert _is_done(client, world, _delete(1, handle), "r1")
    assert _is_done(client, world, _delete(2, handle), "r3")
    assert _is_done(client, world, _delete(3, handle), "r4")
    # Nothing is left: whoever did one may hear so again, and has no other by it.
    assert _is_done(client, world, _delete(3, handle), "r4")
    assert not _is_done(client, world, _delete(4, handle), "r4")


def test_a_retry_is_of_the_very_same_amount(client: Client, world: World, handle: str) -> None:
    _confirm(client, world, _pay(1, handle), 3)
    assert _is_done(client, world, _pay(1, handle, 20), "r1")
    assert not _is_done(client, world, _pay(1, handle, 50), "r1")
    assert _is_done(client, world, _pay(1, handle, 20), "r1")


@pytest.mark.parametrize("amount", [50.01, 12000, -1, "20", True, None, [20], {"20": 20}])
def test_an_amount_beyond_the_limit_or_of_another_kind_is_refused(
    client: Client, world: World, handle: str, amount: Any
) -> None:
    _confirm(client, world, _pay(1, handle), 3)
    assert not _is_done(client, world, _pay(2, handle, amount))
    assert _is_done(client, world, _pay(2, handle, 50))


def test_what_no_limit_is_named_for_stays_what_was_shown(client: Client, world: World, handle: str) -> None:
    _confirm(client, world, _pay(1, handle), 3)
    assert not _is_done(client, world, _pay(2, handle, payee="Mallory"))
    assert _is_done(client, world, _pay(2, handle))


def test_a_batch_is_for_one_action_one_kind_of_thing_and_one_session(client: Client, world: World, handle: str) -> None:
    _confirm(client, world, _delete(1, handle), 3)
    assert not _is_done(client, world, _pay(1, handle))
    assert not _is_done(client, world, _delete(1, handle, "record/old"))
    assert not _is_done(client, world, _delete(1, world.asserted()))
    assert _is_done(client, world, _delete(1, handle))


def test_the_person_sees_how_many_how_large_and_for_whom(client: Client, world: World, handle: str) -> None:
    shown = _open(client, world, _pay(1, handle), 3)["display"]
    assert shown["batch"] == {"items": 3, "per_item": {AMOUNT: 50}}
    assert (shown["title"], shown["resource"]["id"]) == ("payouts.make: up to 3", "up to 3")
    assert {one["label"]: one["value"] for one in shown["fields"]} == {"amount": "at most 50 each", "payee": "Ann"}


def test_a_challenge_for_one_is_never_answered_for_several(client: Client, world: World, handle: str) -> None:
    refused = ask(client, world.acme_key, _delete(1, handle))
    asked = {"decision_id": refused["context"]["challenge"]["decision_id"]}
    one = ask(client, world.acme_key, asked, path="/step-up/challenges", status=201)
    several = _open(client, world, _delete(1, handle), 3)
    assert one["challenge_id"] != several["challenge_id"]
    assert _open(client, world, _delete(1, handle), 2)["challenge_id"] not in {
        one["challenge_id"],
        several["challenge_id"],
    }


def test_no_more_is_confirmed_at_once_than_the_catalogue_allows(client: Client, world: World, handle: str) -> None:
    assert _open(client, world, _delete(1, handle), 4, status=400)["code"] == "batch_refused"
    assert _open(client, world, _pay(1, handle, 51), 2, status=400)["code"] == "batch_refused"
    single = body(
        "payments.approve", resource=("payment", "1"), properties={"amount": 1, "payee": "Ann"}, session=handle
    )
    assert _open(client, world, single, 2, status=400)["code"] == "batch_refused"
    for odd in (0, 1, -3, 101, "many"):
        assert _open(client, world, _delete(1, handle), odd, status=400)["code"] == "invalid"  # type: ignore[arg-type]


def test_a_limit_that_was_lowered_meanwhile_holds(client: Client, world: World, handle: str) -> None:
    _confirm(client, world, _pay(1, handle), 3)
    _declare(BatchSpec(max_items=3, per_item={AMOUNT: 10}))
    assert not _is_done(client, world, _pay(1, handle, 20))
    assert _is_done(client, world, _pay(2, handle, 10))


def test_a_batch_that_the_catalogue_withdrew_counts_no_further(client: Client, world: World, handle: str) -> None:
    _confirm(client, world, _pay(1, handle), 3)
    with licensing.edit_catalogue(by="test", at=clock.now()) as edit:
        edit.put_action(
            ActionSpec(
                name="payouts.make",
                resource_type="record",
                privilege="payouts.make",
                binds=(AMOUNT, PAYEE),
                requirement=ONCE,
            )
        )
    assert not _is_done(client, world, _pay(1, handle))


def test_a_batch_is_used_up_from_afar_one_by_one(client: Client, world: World, handle: str) -> None:
    elevation = _confirm(client, world, _delete(1, handle), 2)

    def use(number: int, request_id: str, status: int = 200) -> Any:
        path = f"/access/v1/elevations/{elevation}/consume"
        document = _delete(number, handle)
        return ask(
            client, world.acme_key, document, path=path, headers={"X-Request-ID": request_id}, status=status
        ).get("decision")

    assert (use(1, "r1"), use(1, "r1"), use(1, "r2"), use(2, "r2")) == (True, True, False, True)
    assert use(2, "r2") is True
    use(3, "r3", status=409)


def test_ending_the_task_ends_the_rest_of_the_batch(client: Client, world: World, handle: str) -> None:
    elevation = _confirm(client, world, _delete(1, handle), 3)
    assert _is_done(client, world, _delete(1, handle))
    ids = authlevels.parse_elevation_ref(elevation)
    assert ids
    assert not authlevels.claim_use(tenant_id=ids[0], elevation_id=ids[1], request_id="all", at=clock.now())
    client.delete(f"/step-up/elevations/{elevation}", headers={"Authorization": f"Bearer {world.acme_key}"})
    assert not _is_done(client, world, _delete(2, handle))


def test_a_batch_expires_as_a_whole(client: Client, world: World, handle: str) -> None:
    elevation = _confirm(client, world, _delete(1, handle), 3)
    held = authlevels.get_elevation(ref=elevation)
    assert held.scope.until is not None
    assert held.scope.until - clock.now() < timedelta(seconds=121)
    facts = authlevels.session_facts(
        tenant_id=world.acme, session=handle, subject=("user", "alice"), at=held.scope.until
    )
    assert [proof.method for proof in facts.proofs] == ["pwd"]


@pytest.mark.storm
def test_of_twelve_at_once_as_many_are_done_as_were_confirmed(client: Client, world: World, handle: str) -> None:
    _confirm(client, world, _delete(1, handle), 3)
    done = at_once(lambda number: _is_done(Client(), world, _delete(number % 6, handle)), 12)
    assert sum(one is True for one in done) == 3
    assert all(one in (True, False) or isinstance(one, AssertionError) for one in done)
