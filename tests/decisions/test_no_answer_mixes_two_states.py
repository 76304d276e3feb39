"""What one answer is made from stood at one instant, however little a process has been told of changes since."""

import psycopg
import pytest
from django.test import Client

from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, body
from tests.decisions.conftest import World
from tests.licensing.test_snapshots import until_listening

ALICES = "UPDATE licensing_member SET roles = %s WHERE tenant_id = %s AND subject_id = 'alice'"


@pytest.fixture
def untold(superuser: psycopg.Connection) -> psycopg.Connection:
    """Change rows as another process does whose message is lost, while this one believes that it hears of all."""
    until_listening()
    superuser.execute("SET session_replication_role = origin")
    return superuser


def test_a_member_who_comes_into_an_emptied_role_is_granted_nothing(
    world: World, client: Client, untold: psycopg.Connection
) -> None:
    """In neither order of what is remembered: of the old role and the new member, or the other way round."""
    put_crew(world, ["reports.read"])
    session = world.asserted()
    put_alice(world, "auditor")
    question = body(session=session)
    assert ask(client, world.acme_key, question)["context"]["reason"] == "no_privilege"
    untold.execute("UPDATE licensing_role SET privileges = '{}' WHERE key = 'crew' AND tenant_id = %s", [world.acme])
    untold.execute(ALICES, [["crew"], world.acme])
    told = ask(client, world.acme_key, question)
    assert told["context"]["reason"] == "no_privilege", "alice never was in a crew that might"
    assert told["context"]["snapshot"] == licensing.snapshot_version(tenant_id=world.acme)


def test_what_is_remembered_of_a_person_goes_with_the_state_that_it_was_read_in(
    world: World, client: Client, untold: psycopg.Connection
) -> None:
    session = world.asserted()
    question = body(session=session)
    assert ask(client, world.acme_key, question)["decision"] is True
    untold.execute(ALICES, [["auditor"], world.acme])
    seen = licensing.snapshot_version(tenant_id=world.acme)
    told = ask(client, world.acme_key, body(session=session, min_snapshot=seen))
    assert told["context"]["snapshot"] == seen
    assert told["context"]["reason"] == "no_privilege", "the caller has seen a state in which alice may not"


def test_what_is_not_answered_from_memory_is_answered_from_the_state_of_now(
    world: World, client: Client, untold: psycopg.Connection
) -> None:
    session = world.asserted(tenant=world.globex)
    question = body("exports.create", resource=("export", "customers"), session=session)
    assert ask(client, world.globex_key, question)["context"]["outcome"] == "step_up"
    untold.execute(
        "UPDATE licensing_subscription SET plan_version_id = (SELECT current_id FROM licensing_plan"
        " WHERE key = 'starter') WHERE tenant_id = %s",
        [world.globex],
    )
    told = ask(client, world.globex_key, question)
    assert told["context"]["outcome"] == "upgrade", "a challenge would be for nothing"
    assert told["context"]["snapshot"] == licensing.snapshot_version(tenant_id=world.globex)


def put_crew(world: World, privileges: list[str]) -> None:
    licensing.put_role(tenant_id=world.acme, key="crew", privileges=privileges, by="test", at=clock.now())


def put_alice(world: World, role: str) -> None:
    licensing.put_member(
        tenant_id=world.acme, subject_type="user", subject_id="alice", roles=[role], by="test", at=clock.now()
    )
