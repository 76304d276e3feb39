"""Rules that were put in force are soon those that every process decides by, and no answer is made half by others."""

import pytest

from bench.changes import put_site
from bench.deciders import Deciders
from bench.policy_apply import QUESTIONS, measure

pytestmark = pytest.mark.storm


def test_no_request_fails_and_no_answer_mixes_two_bundles(under_load: Deciders) -> None:
    site = put_site("rules")
    handle = site.signed_in("alice").handle
    probes = {name: site.probe(action, "alice", handle) for name, action in QUESTIONS.items()}
    seeing = measure(under_load, probes, applies=6, rules=20)
    assert seeing.answers > 6 * len(probes) * len(under_load.ports)
    assert (seeing.mixed, dict(seeing.failed), seeing.unseen) == ([], {}, 0)
