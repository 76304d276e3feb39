"""The bundle of docs/policy.md compiles, passes its cases, keeps what it promises; and the page names what there is."""

import re
from datetime import date
from pathlib import Path

from decisions.policy import acting, looking
from tiergate.policy import FIELDS, command, compile_bundle, try_bundle
from tiergate.policy.proving import verify
from tiergate.policy.remote.acting import VERBS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text()


def _bundle() -> dict[str, str]:
    return dict(re.findall(r"^```yaml\n# ([\w./]+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


def test_the_bundle_of_the_page_is_tried_and_proved() -> None:
    files = _bundle()
    assert set(files) == {"bundle.yaml", "rules/payments.yaml", "tests/payments.yaml", "invariants/payments.yaml"}
    bundle = compile_bundle(files)
    trial = try_bundle(bundle)
    assert (trial.is_good, len(trial.cases)) == (True, 5)
    found = verify(bundle, today=date(2026, 11, 2), timeout_ms=10_000, base=bundle)
    assert found.is_accepted
    assert {one.invariant.id: str(one.outcome) for one in found.findings} == {
        "large-payments-are-confirmed": "proved",
        "payments-are-within-reach": "proved",
        "exports-are-never-asked-less-for": "proved",
    }


def test_the_page_names_every_group_and_every_verb() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z]+)", row.split("|")[1])}
    verbs = {verb.name for verb in (*command.VERBS, *VERBS, *acting.VERBS, *looking.VERBS)}
    assert named == verbs | {field.group for field in FIELDS.values()}
