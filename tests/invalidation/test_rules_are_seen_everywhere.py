"""Rules that were put in force are soon those that every process decides by, and no answer is made half by others."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.changes import put_site
from bench.deciders import Deciders
from bench.policy_apply import OUTCOMES, QUESTIONS, Seeing, measure, put_in_force
from bench.policy_apply import files as bundle
from bench.probes import Probe, ask
from config.embedded import paths
from config.embedded.processes import wait_until
from decisions.policy.activating import read_stage
from decisions.policy.storing import store_bundle
from isolation.clock import now
from tests.files.test_two_files_at_once import locked

pytestmark = pytest.mark.storm

RULES = 20
PATIENCE = 30


@pytest.fixture
def probes(under_load: Deciders, request: pytest.FixtureRequest) -> Mapping[str, Probe]:
    """Ask as somebody of a tenant of this test's own."""
    assert under_load.ports
    site = put_site(f"rules-{abs(hash(request.node.name)) % 10**9}")
    handle = site.signed_in("alice").handle
    return {name: site.probe(action, "alice", handle) for name, action in QUESTIONS.items()}


def test_no_request_fails_and_no_answer_mixes_two_bundles(under_load: Deciders, probes: Mapping[str, Probe]) -> None:
    seeing = measure(under_load, probes, applies=6, rules=RULES)
    assert seeing.answers > 6 * len(probes) * len(under_load.ports)
    assert (seeing.mixed, dict(seeing.failed), seeing.unseen) == ([], {}, 0)


def test_a_process_that_is_killed_as_it_puts_rules_in_force_changes_no_answer(
    under_load: Deciders, probes: Mapping[str, Probe], tmp_path: Path
) -> None:
    seeing = Seeing()
    digest = put_in_force(0, RULES, seeing)
    for path, text in bundle(1, RULES).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    before = read_stage()
    apply = [sys.executable, "manage.py", "policy", "apply", str(tmp_path), "--because", "it is time", "--yes"]
    store_bundle(bundle(1, RULES), by="bench", at=now())
    # The step stands in its transaction, with its generation, and is not told yet.
    with locked("audit_entry") as wait_for, subprocess.Popen(apply, cwd=paths.CHECKOUT) as dying:
        wait_for(dying)
        dying.kill()
    assert read_stage() == before
    assert _answers(under_load, probes) == {(name, digest, OUTCOMES[name][0]) for name in probes}
    # And the next one finds nothing in its way.
    digest = put_in_force(1, RULES, seeing)
    wanted = {(name, digest, OUTCOMES[name][1]) for name in probes}
    assert wait_until(lambda: _answers(under_load, probes) == wanted, seconds=PATIENCE)


def _answers(deciders: Deciders, probes: Mapping[str, Probe]) -> set[tuple[str, str, str]]:
    """Ask every process, and give what was asked, by which bundle it was answered, and what."""
    found = set()
    for port in deciders.ports:
        for name, probe in probes.items():
            context = ask(port, probe).document["context"]
            found.add((name, context["bundle_version"], context["outcome"]))
    return found
