"""While a tenant changes without pause, every answer and every record belongs to the one version that it names."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from audit import api as audit
from bench.changes import FEATURES, Site, put_member, put_plan, put_site
from bench.deciders import Deciders
from bench.invalidation import cut
from bench.probes import Connection, Probe, Reply
from config.embedded.processes import wait_until
from decisions.trail import read_back
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing

pytestmark = pytest.mark.storm

CHANGES = 40
NOT_YET = frozenset({409, 503})
"""What says that it is no answer: ask again."""


@contextmanager
def asking(ports: tuple[int, ...], probe: Probe) -> Iterator[list[Reply]]:
    """Ask every process without pause while the block runs; gives what they answered."""
    heard: list[Reply] = []
    faults: list[Exception] = []
    over = threading.Event()

    def ask(port: int) -> None:
        try:
            with Connection(port) as kept:
                while not over.is_set():
                    heard.append(kept.ask(probe.as_bytes()))
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=ask, args=(port,)) for port in ports]
    for one in threads:
        one.start()
    try:
        yield heard
    finally:
        over.set()
        for one in threads:
            one.join()
    assert not faults, faults


def heard_of_each(heard: list[Reply], count: int) -> None:
    """Wait for so many answers more."""
    wanted = len(heard) + count
    assert wait_until(lambda: len(heard) >= wanted, seconds=30)


def batch(site: Site, session: str) -> Probe:
    """Ask about the one feature and the other, several times, in one request."""
    items = [{"action": {"name": f"{feature}.read"}} for feature in FEATURES * 3]
    return Probe(
        path="/access/v1/evaluations",
        secret=site.secret,
        document={**site.question("left.read", "alice", session), "evaluations": items},
    )


@pytest.mark.parametrize("channel", ["push", "swallowed"])
def test_every_answer_belongs_to_the_version_that_it_names(running: Deciders, channel: str) -> None:
    """Two features change places at once: whoever saw one old and one new would see neither or both."""
    # Each change reaches into the past, so that it stands at the instant of whatever request knows of it.
    begun_at = now() - timedelta(hours=1)
    site = put_site(f"flips-{channel}", at=begun_at)
    session = site.signed_in("alice").handle
    plan_of = {licensing.snapshot_version(tenant_id=site.id): "left"}
    cut(running, channel)
    try:
        with asking(running.ports, batch(site, session)) as heard:
            for number in range(CHANGES):
                plan = FEATURES[(number + 1) % 2]
                put_plan(site, plan, at=begun_at + timedelta(seconds=number + 1))
                plan_of[licensing.snapshot_version(tenant_id=site.id)] = plan
                heard_of_each(heard, len(running.ports))
    finally:
        running.link.mend()
    seen: Counter[str] = Counter()
    for reply in heard:
        assert reply.status == 200, reply
        versions = []
        for number, item in enumerate(reply.document["evaluations"]):
            context = item["context"]
            if "error" in context:
                assert context["error"]["status"] in NOT_YET
                continue
            seen[context["snapshot"]] += 1
            versions.append(int(context["snapshot"].partition(".t")[2]))
            assert item["decision"] is (plan_of[context["snapshot"]] == FEATURES[number % 2]), (number, context)
        assert versions == sorted(versions), "a later answer of a batch is of no older version"
    assert len(seen) > CHANGES / 4, "too few versions were seen to say anything"
    assert_records_agree(site, plan_of)


def assert_records_agree(site: Site, plan_of: dict[str, str]) -> None:
    """Look every recorded decision over: its facts and its outcome are of the version that it names."""
    looked_at = 0
    audit.drain()
    with tenant_transaction(site.id), connection.cursor() as cursor:
        cursor.execute("SELECT payload::text FROM audit_entry WHERE kind = 'decision' ORDER BY at DESC LIMIT 2000")
        rows = [json.loads(row[0]) for row in cursor.fetchall()]
    for row in rows:
        entry = type("Recorded", (), {"payload": row, "subject": None})
        facts, decision = read_back(entry)  # type: ignore[arg-type]  # these two members are all that it reads
        assert facts.action is not None
        assert facts.entitlement is not None
        is_held = plan_of[facts.versions.snapshot] == facts.action.feature
        assert facts.versions == decision.versions
        assert facts.entitlement.is_granted is is_held
        assert decision.is_allowed is is_held
        looked_at += 1
    assert looked_at > CHANGES


@pytest.mark.parametrize("channel", ["push", "swallowed"])
def test_what_was_never_so_is_never_answered(running: Deciders, channel: str) -> None:
    """Alice comes into a role only while it grants nothing: an allow would be of a role of then and a member of now."""
    site = put_site(f"never-{channel}")
    session = site.signed_in("alice").handle
    put_member(site, "alice", "visitor")
    put_crew(site, ["both.read"])
    cut(running, channel)
    try:
        with asking(running.ports, site.probe("both.read", "alice", session)) as heard:
            for _ in range(CHANGES // 3):
                put_crew(site, [])
                put_member(site, "alice", "crew")
                heard_of_each(heard, len(running.ports))
                put_member(site, "alice", "visitor")
                put_crew(site, ["both.read"])
                heard_of_each(heard, len(running.ports))
    finally:
        running.link.mend()
    words = Counter(reply.word for reply in heard)
    assert words["allow"] == 0, words
    assert words["deny no_privilege"] > CHANGES, words
    assert words.keys() <= {"deny no_privilege", "503", "409"}, words


def put_crew(site: Site, privileges: list[str]) -> None:
    licensing.put_role(tenant_id=site.id, key="crew", privileges=privileges, by="test", at=now())


@pytest.mark.parametrize("channel", ["push", "refused", "swallowed"])
def test_who_has_seen_a_version_is_answered_by_no_older_one(under_load: Deciders, channel: str) -> None:
    """Whoever just paid, or was just let go, asks each process at once, and names what they have seen."""
    site = put_site(f"seen-{channel}")
    session = site.signed_in("alice").handle
    cut(under_load, channel)
    connections = [Connection(port) for port in under_load.ports]
    refused = 0
    for number in range(CHANGES // 2):
        plan = FEATURES[(number + 1) % 2]
        role = ("reader", "visitor")[number // 2 % 2]
        put_plan(site, plan)
        put_member(site, "alice", role)
        seen = licensing.snapshot_version(tenant_id=site.id)
        is_allowed = plan == "left" and role == "reader"
        for one in connections:
            question = site.question("left.read", "alice", session, min_snapshot=seen)
            reply = one.ask(Probe(secret=site.secret, document=question).as_bytes())
            if reply.status in NOT_YET:
                refused += 1
                continue
            assert reply.status == 200, reply
            assert reply.document["decision"] is is_allowed, (plan, role, reply.document)
            assert reply.document["context"]["snapshot"] == seen
    for one in connections:
        one.wire.close()
    assert refused < CHANGES, "most are answered"
