"""Snapshots are read from a replica where it is proven new enough; an answer is never older for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from config.embedded.paths import APP
from config.embedded.processes import wait_until
from deploy.drill.cluster import Cluster, machine
from deploy.drill.installation import Process, installation, made_secrets, valkey
from deploy.drill.load import SOLD
from deploy.drill.pair import Pair, make_pair
from deploy.drill.questions import QUESTIONS, answer, subscribe

pytestmark = pytest.mark.storm

SCANS = "SELECT coalesce(sum(seq_scan + idx_scan), 0)::int FROM pg_stat_user_tables WHERE relname = 'licensing_subscription'"


@dataclass
class Served:
    """A decide node that has a replica to read from, and web, which has none."""

    pair: Pair
    web: Process
    decide: Process
    made: dict[str, Any]

    def ask(self, **context: str) -> str:
        """Ask whether what Acme may not have bought is allowed; returns the outcome."""
        body = QUESTIONS[SOLD].body(self.made)
        body["context"] |= context
        said = self.decide.ask("POST", "/access/v1/evaluation", by=self.made["credentials"]["acme"], body=body)
        return str(said.json()["context"]["outcome"]) if said.status_code == 200 else str(said.status_code)


def scans(cluster: Cluster) -> int:
    """Count how often a server has looked at the subscriptions."""
    with cluster.superuser() as connection:
        (found,) = connection.execute(SCANS).fetchone() or (0,)
    return int(found)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    given = made_secrets()
    with machine(given) as here, valkey(here) as redis_url:
        pair = make_pair(here, is_synchronous=False)
        with installation(here, secrets=given, cluster=pair.primary, valkey_url=redis_url) as ours:
            made = ours.seed()
            pair.wait_until_caught_up()
            web = ours.start("web")
            decide = ours.start("decide", DATABASE_REPLICA_URL=pair.replica.url(APP))
            yield Served(pair, web, decide, made)


def test_what_snapshots_are_made_from_is_read_at_the_replica(served: Served) -> None:
    before = scans(served.pair.replica)

    def is_read_there() -> bool:
        # A change of another tenant's catalogue row would do as well: whatever makes the node build anew.
        assert subscribe(served.web, served.made, "acme", "starter") is not None
        served.pair.wait_until_caught_up()
        with served.pair.primary.superuser() as connection:
            connection.execute("UPDATE licensing_tenant SET name = name || '.' WHERE slug = 'acme'")
        served.pair.wait_until_caught_up()
        assert served.ask() == "upgrade"
        return scans(served.pair.replica) > before

    assert wait_until(is_read_there, seconds=30)


def test_a_replica_that_lags_behind_is_never_what_is_answered_from(served: Served) -> None:
    with served.pair.replica.superuser() as replica:
        replica.execute("SELECT pg_wal_replay_pause()")
        for plan, outcome in (
            ("business", "allow"),
            ("starter", "upgrade"),
            ("business", "allow"),
            ("starter", "upgrade"),
        ):
            version = subscribe(served.web, served.made, "acme", plan)
            assert version is not None
            assert served.ask(min_snapshot=version) == outcome
            assert wait_until(lambda outcome=outcome: served.ask() == outcome, seconds=1.5), plan  # type: ignore[misc]
        replica.execute("SELECT pg_wal_replay_resume()")
    served.pair.wait_until_caught_up()


def test_a_replica_that_became_a_primary_of_its_own_is_not_believed(served: Served) -> None:
    assert subscribe(served.web, served.made, "acme", "business") is not None
    served.pair.wait_until_caught_up()
    assert wait_until(lambda: served.ask() == "allow", seconds=2)
    with served.pair.replica.superuser() as replica:
        # By mistake: nobody fenced the primary, which goes on.
        assert replica.execute("SELECT pg_promote()").fetchone() == (True,)
        replica.execute("SELECT txid_current() FROM generate_series(1, 10)")
        assert subscribe(served.web, served.made, "acme", "starter") is not None
        assert wait_until(lambda: served.ask() == "upgrade", seconds=1.5)
        (sold,) = replica.execute(
            "SELECT count(*) FROM licensing_subscription s JOIN licensing_plan_version v ON v.id = s.plan_version_id"
            " JOIN licensing_plan p ON p.id = v.plan_id JOIN licensing_tenant t ON t.id = s.tenant_id"
            " WHERE t.slug = 'acme' AND p.key = 'business' AND s.active_to IS NULL"
        ).fetchone() or (0,)
        assert sold == 1, "the copy agrees with the primary, so this shows nothing"
    assert {served.ask() for _ in range(20)} == {"upgrade"}


def test_without_its_replica_a_node_answers_from_the_primary(served: Served) -> None:
    served.pair.replica.kill()
    assert answer(served.decide, QUESTIONS["a routine allow"], served.made) == ("allow", "allowed")
    for plan, outcome in (("business", "allow"), ("starter", "upgrade")):
        version = subscribe(served.web, served.made, "acme", plan)
        assert version is not None
        assert served.ask(min_snapshot=version) == outcome
        assert {served.ask() for _ in range(5)} == {outcome}
