"""Whoever mistypes something in any file of a bundle is shown the place, and what is meant to stand there."""

import io
from pathlib import Path

import pytest

from tests.policy.bundles import ABOUT
from tiergate.policy.command import main

GOOD = {
    "bundle.yaml": ABOUT,
    "rules/a.yaml": (
        "- id: one\n  on: {actions: [payment.create]}\n  when: risk.score > 0.5\n  require: {level: aal2}\n"
        "  because: So.\n  owner: payments\n"
    ),
    "tests/a.yaml": "- it: asks\n  given: {risk: {score: 0.9}}\n  want: {outcome: nothing}\n",
    "invariants/a.yaml": (
        "- id: kept\n  on: {actions: [payment.create]}\n  when: risk.score > 0.5\n  never_below: {level: aal2}\n"
        "  owner: payments\n"
    ),
}
# What is written where, instead of what; and what is said of it.
MISTAKES = {
    "a list that is not ended": ("rules", "create]", "create", "2:32: did not find expected ',' or ']'"),
    "a text that is not ended": ("rules", "So.", "'So.", "5:12: found unexpected end of stream"),
    "a mapping that is not ended at the end": ("tests", "nothing}", "nothing", "3:9: did not find expected ',' or '}'"),
    "a tab": ("rules", "  because", "\tbecause", "5:1: found character that cannot start any token"),
    "a colon in a text": ("rules", "So.", "So: it is.", "5:14: mapping values are not allowed in this context"),
    "a condition that begins with !": ("rules", "risk.score > 0.5", "!device.is_known", "3:9: tags are not read here"),
    "a pattern without quotes": ("rules", "payment.create", "*.create", "2:19: did not find expected alphabetic"),
    "a key twice": ("invariants", "  owner", "  owner: me\n  owner", "6:3: 'owner' stands here twice"),
    "an unknown member": ("rules", "owner", "ownr", "6:3: unknown member 'ownr': a rule has id, on,"),
    "a name for a list": ("rules", "[payment.create]", "a", "2:17: actions is a list of names"),
    "no name": ("rules", "[payment.create]", "['']", "2:18: '' is no name: letters, digits,"),
    "no level": ("rules", "aal2", "high", "4:20: 'high' is not a valid Level: those are aal1, aal2, aal3"),
    "no scope": ("rules", "level: aal2", "scope: all", "4:20: 'all' is not a valid Scope: those are session,"),
    "no duration": ("rules", "aal2", "aal2, max_age: 5m", "4:35: max_age must be a whole number of seconds"),
    "a condition half written": ("rules", "0.5", "", "3:21: Syntax error"),
    "a condition of other types": ("rules", "0.5", "'5'", "3:20: found no matching overload"),
    "a name that there is not": ("rules", "score", "scor", "3:13: undeclared reference to 'risk.scor'"),
    "a word that can never be": ("rules", "risk.score > 0.5", "risk.band == 'x'", "3:22: risk.band is one of low,"),
    "no action of our own": ("rules", "payment", "tiergate.paymnt", "2:18: no action of Tiergate's own is called"),
    "a field of a case": ("tests", "score", "scor", "2:18: unknown member 'scor': risk has "),
    "a value in a case": ("tests", "0.9", "much", "2:25: risk.score is of type double"),
    "what no case can want": ("tests", "nothing", "maybe", "3:19: an outcome is one of nothing, asks, forbids"),
    "a promise half written": ("invariants", "0.5", "", "3:21: Syntax error"),
    "a promise of no kind": ("invariants", "never_below", "never", "4:3: unknown member 'never'"),
    "a promise about nothing": ("invariants", "[payment.create]", "[]", "2:17: actions is a list of names"),
    "a promise about no action": ("invariants", "payment", "tiergate.paymnt", "2:18: no action of Tiergate's own"),
}


def _checked(folder: Path, files: dict[str, str]) -> tuple[int, str]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    out = io.StringIO()
    return main(["check", str(folder)], out, io.StringIO()), out.getvalue()


@pytest.mark.parametrize(("folder", "given", "typed", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_shown_where_it_is_with_a_caret(
    tmp_path: Path, folder: str, given: str, typed: str, said: str
) -> None:
    name = f"{folder}/a.yaml"
    text = GOOD[name].replace(given, typed)
    code, out = _checked(tmp_path, {**GOOD, name: text})
    assert code == 1
    lines = out.splitlines()
    at = next((number for number, line in enumerate(lines) if line.startswith(f"{name}:{said}")), None)
    assert at is not None, out
    place = said.split(":")
    assert lines[at + 1] == f"  {text.splitlines()[int(place[0]) - 1]}"
    assert lines[at + 2].index("^") == int(place[1]) + 1


def test_what_is_wrong_with_cases_and_with_promises_is_told_at_once(tmp_path: Path) -> None:
    assert _checked(tmp_path, GOOD)[0] == 0
    wrong = {name: GOOD[name].replace("score", "scor") for name in ("tests/a.yaml", "invariants/a.yaml")}
    code, out = _checked(tmp_path, wrong)
    assert (code, "invariants/a.yaml:3:13: undeclared" in out, "tests/a.yaml:2:18: unknown" in out) == (1, True, True)
    assert out.endswith("2 wrong\n")
