"""Which bundle is in force is one with the state that an answer is made from."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import Client

from decisions.policy import memory
from decisions.policy.activating import activate, read_stage, rollback, withdraw
from decisions.policy.errors import NothingToUndo, StageChanged, StageRefused
from decisions.policy.history import list_activations
from decisions.policy.memory import policy_for
from decisions.policy.stage import Mode, Stage, bucket
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, body
from tests.decisions.bundles import applied, put_in_force, stored
from tests.decisions.conftest import World


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


def _in_force(world: World) -> str | None:
    bundle = policy_for(licensing.get_snapshot(tenant_id=world.acme, at=clock.now())).bundle
    return bundle.digest if bundle else None


def test_where_nothing_was_ever_applied_rules_ask_nothing(world: World) -> None:
    assert read_stage() == Stage()
    assert policy_for(licensing.get_snapshot(tenant_id=world.acme, at=clock.now())) == memory.NO_RULES


def test_a_bundle_that_is_only_stored_asks_nothing(world: World) -> None:
    stored()
    assert _in_force(world) is None


def test_the_next_answer_is_made_by_what_was_applied(world: World, client: Client) -> None:
    handle = world.asserted()
    assert ask(client, world.acme_key, body(session=handle))["decision"] is True
    done = applied()
    answer = ask(client, world.acme_key, body(session=handle))
    assert answer["decision"] is False
    assert done.digest == _in_force(world)


def test_a_snapshot_of_before_goes_with_the_bundle_of_before(world: World) -> None:
    first = applied("first")
    seen = licensing.get_snapshot(tenant_id=world.acme, at=clock.now())
    second = applied("second")
    memory.forget_bundles()
    before = policy_for(seen).bundle
    assert before is not None
    assert before.digest == first.digest
    assert _in_force(world) == second.digest


def test_going_back_goes_back_once_more_each_time(world: World) -> None:
    first, second, third = applied("first"), applied("second"), applied("third")
    back = [rollback(because="it locks us out", by="user:olga", at=clock.now()).active for _ in range(3)]
    assert back == [second.digest, first.digest, None]
    assert third.digest not in back
    assert _in_force(world) is None
    with pytest.raises(NothingToUndo):
        rollback(because="once more", by="user:olga", at=clock.now())


def test_a_candidate_is_in_force_for_whom_it_is_staged_alone(world: World) -> None:
    first, second = applied("first"), stored("second")
    put_in_force(second.digest, mode=Mode.STAGED, tenants=[world.globex])
    assert _in_force(world) == first.digest
    at_globex = policy_for(licensing.get_snapshot(tenant_id=world.globex, at=clock.now()))
    assert at_globex.bundle is not None
    assert (at_globex.bundle.digest, at_globex.shadow) == (second.digest, None)
    withdraw(because="enough seen", by="user:olga", at=clock.now())
    assert policy_for(licensing.get_snapshot(tenant_id=world.globex, at=clock.now())).bundle is not at_globex.bundle
    with pytest.raises(NothingToUndo):
        withdraw(because="once more", by="user:olga", at=clock.now())


def test_what_is_tried_in_the_shadow_is_in_force_for_nobody(world: World) -> None:
    first, second = applied("first"), stored("second")
    put_in_force(second.digest, mode=Mode.SHADOW, percent=100)
    found = policy_for(licensing.get_snapshot(tenant_id=world.acme, at=clock.now()))
    assert found.bundle is not None
    assert found.shadow is not None
    assert (found.bundle.digest, found.shadow.digest) == (first.digest, second.digest)


def test_a_candidate_that_is_put_in_force_is_none_any_more(world: World) -> None:
    second = stored("second")
    put_in_force(second.digest, mode=Mode.STAGED, percent=10)
    put_in_force(second.digest)
    stage = read_stage()
    assert (stage.active, stage.candidate, stage.mode) == (second.digest, None, Mode.NONE)


def test_whoever_expects_another_bundle_changes_nothing(world: World) -> None:
    first, second = applied("first"), stored("second")
    with pytest.raises(StageChanged):
        put_in_force(second.digest, expected=None)
    with pytest.raises(StageChanged):
        rollback(expected=second.digest, because="it locks us out", by="user:olga", at=clock.now())
    assert read_stage().active == first.digest
    assert put_in_force(second.digest, expected=first.digest).active == second.digest
    third = stored("third")
    put_in_force(third.digest, mode=Mode.SHADOW, percent=10)
    for undo, meant in ((withdraw, first), (rollback, third)):
        with pytest.raises(StageChanged):
            undo(digest=meant.digest, because="it is not what I meant", by="user:olga", at=clock.now())
    assert (read_stage().active, read_stage().candidate) == (second.digest, third.digest)


@pytest.mark.parametrize(
    ("mode", "more"),
    [
        (Mode.NONE, {"percent": 10}),
        (Mode.SHADOW, {}),
        (Mode.SHADOW, {"digest": None, "percent": 10}),
        (Mode.STAGED, {"percent": 100}),
        (Mode.STAGED, {"percent": 101}),
        (Mode.STAGED, {"percent": -1}),
        (Mode.NONE, {"because": " "}),
        (Mode.NONE, {"because": "a\x1b[2J"}),
    ],
)
def test_for_whom_and_why_is_said(world: World, mode: Mode, more: dict[str, object]) -> None:
    found = stored()
    with pytest.raises(StageRefused):
        activate(**{"digest": found.digest, "mode": mode, "because": "so", "by": "me", "at": clock.now(), **more})  # type: ignore[arg-type]
    assert read_stage() == Stage()


def test_a_share_that_grows_takes_nobody_out(world: World) -> None:
    digest = "a" * 64
    stages = [Stage(active=None, candidate=digest, mode=Mode.STAGED, percent=share) for share in range(101)]
    for tenant in (world.acme, world.globex):
        chosen = [stage.in_force(tenant) == digest for stage in stages]
        assert chosen == [share > bucket(digest, tenant) for share in range(101)]


def test_history_reads_as_sentences(world: World) -> None:
    first, second = applied("first"), stored("second")
    put_in_force(second.digest, mode=Mode.SHADOW, percent=10, tenants=[world.acme])
    put_in_force(second.digest)
    rollback(because="it locks us out", by="user:olga", at=clock.now())
    withdrawn = stored("third")
    put_in_force(withdrawn.digest, mode=Mode.STAGED, tenants=[world.acme])
    withdraw(because="enough seen", by="user:olga", at=clock.now())
    one, two, three = (
        f"first ({str(first.active)[:12]})",
        f"second ({second.digest[:12]})",
        f"third ({withdrawn.digest[:12]})",
    )
    said = [entry.sentence.partition(" UTC, ")[2] for entry in reversed(list_activations())]
    assert said == [
        f"#1: user:olga put {one} in force, because: it is time",
        f"#2: user:olga had the candidate {two} tried in the shadow of {one} for one named tenant and 10 % of the others, because: it is time",
        f"#3: user:olga put {two} in force in place of {one}, because: it is time",
        f"#4: user:olga went back to {one} from {two}, because: it locks us out",
        f"#5: user:olga had the candidate {three} put in force in place of {one} for one named tenant, because: it is time",
        f"#6: user:olga withdrew the candidate {three}; {one} stays in force, because: enough seen",
    ]
    assert [entry.number for entry in list_activations(before=3, limit=1)] == [2]


def test_what_commits_with_a_step_is_undone_where_somebody_else_was_quicker(world: World) -> None:
    first, second = stored("first"), stored("second")
    ends: list[str] = []

    @contextmanager
    def overtaken() -> Iterator[None]:
        put_in_force(first.digest)
        try:
            yield
        except Exception:
            ends.append("undone")
            raise

    with pytest.raises(StageChanged):
        put_in_force(second.digest, within=overtaken)
    assert ends == ["undone"]
    assert [one.active for one in list_activations()] == [first.digest]
