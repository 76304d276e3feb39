"""The command answers people in lines and jobs in JSON, and its exit code says which of three it was."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.policy.bundles import ABOUT, files, rule
from tiergate.policy.command import main

ROOT = Path(__file__).resolve().parents[2]
HIGH = rule("risk.band == 'high'")
CASES = """\
- it: forbids where the risk is high
  given: {action: {name: a}, risk: {band: high}}
  want: {outcome: forbids}
- it: lets it be where it is low
  given: {action: {name: a}, risk: {band: low}}
  want: {outcome: nothing}
"""


def _write(folder: Path, rules: str = HIGH, cases: str = CASES) -> Path:
    for name, text in files(rules, tests_a=cases).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _run(*words: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main([str(word) for word in words], out, err), out.getvalue(), err.getvalue()


def _json(*words: str | Path) -> tuple[int, dict[str, Any]]:
    code, out, err = _run(*words, "--json")
    assert err == ""
    return code, json.loads(out)


def test_a_good_bundle_is_checked_and_tried(tmp_path: Path) -> None:
    folder = _write(tmp_path)
    code, out, err = _run("check", folder)
    assert (code, out.partition(": ")[2], err) == (0, "1 rules, 0 invariants, 2 cases\n", "")
    assert _run("test", folder)[:2] == (0, "2 cases, 0 failed; 1 rules, 0 untested, 0 waived\n")
    code, said = _json("test", folder)
    assert (code, said["is_good"], len(said["cases"]), len(said["digest"])) == (0, True, 2, 64)


@pytest.mark.parametrize("verb", ["check", "test"])
@pytest.mark.parametrize(
    ("rules", "cases", "says"),
    [
        (rule("risk.bnd == 'low'"), CASES, "rules/a.yaml:4:9: undeclared reference to 'risk.bnd'"),
        (HIGH, CASES.replace("nothing", "allow"), "tests/a.yaml:6:19: an outcome is one of"),
    ],
)
def test_what_is_wrong_with_a_bundle_is_shown_and_exits_with_1(
    tmp_path: Path, verb: str, rules: str, cases: str, says: str
) -> None:
    folder = _write(tmp_path, rules, cases)
    code, out, err = _run(verb, folder)
    assert (code, out.startswith(says), "^\n1 wrong\n" in out, err) == (1, True, True, "")
    code, said = _json(verb, folder)
    (error,) = said["errors"]
    assert (code, said["is_good"]) == (1, False)
    assert f"{error['file']}:{error['line']}:{error['column']}: {error['message']}".startswith(says)


def test_a_case_that_fails_and_a_rule_that_none_tries_exit_with_1(tmp_path: Path) -> None:
    folder = _write(tmp_path, HIGH + rule(name="two", on="{actions: [b]}"), CASES.replace("nothing", "forbids"))
    code, out, _ = _run("test", folder)
    assert (code, out.splitlines()) == (
        1,
        [
            "tests/a.yaml:4: it lets it be where it is low",
            "  outcome: wanted forbids, got nothing (rules: none)",
            "rules/a.yaml:8: two: untested: there is no case in which it holds",
            "2 cases, 1 failed; 2 rules, 1 untested, 0 waived",
        ],
    )
    said = _json("test", folder)[1]
    assert [one["id"] for one in said["untested"]] == ["two"]
    assert [len(one["complaints"]) for one in said["cases"]] == [0, 1]


def test_files_are_laid_out_and_stay_so(tmp_path: Path) -> None:
    folder = _write(tmp_path, "- owner: security\n  id: one\n  on: {actions: [a]}\n  forbid: true\n  because: So.   \n")
    rules = folder / "rules" / "a.yaml"
    rules.chmod(0o640)
    before = rules.read_text()
    assert _run("fmt", folder, "--check") == (1, "rules/a.yaml: would be laid out\n", "")
    assert rules.read_text() == before
    assert _run("fmt", folder) == (0, "rules/a.yaml: laid out\n", "")
    assert rules.read_text().startswith("- id: one\n")
    assert (rules.stat().st_mode & 0o777, [one.name for one in rules.parent.iterdir()]) == (0o640, ["a.yaml"])
    assert _json("fmt", folder, "--check") == (0, {"is_good": True, "changed": [], "errors": []})


def test_of_a_folder_that_is_half_understood_nothing_is_laid_out(tmp_path: Path) -> None:
    folder = _write(tmp_path, HIGH + "   \n", "- [\n")
    before = (folder / "rules" / "a.yaml").read_text()
    assert _run("fmt", folder)[0] == 1
    assert (folder / "rules" / "a.yaml").read_text() == before


def test_a_request_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, asked = _write(tmp_path), '{"action": {"name": "a"}, "risk": {"band": "high"}}'
    request = folder / "request.json"
    request.write_text(asked)
    code, out, _ = _run("explain", folder, request)
    assert (code, out.splitlines()[0]) == (0, "a is forbidden, whatever anybody shows.")
    monkeypatch.setattr(sys, "stdin", io.StringIO(asked))
    code, said = _json("explain", folder, "-")
    assert (code, said["outcome"], said["rules"][0]["read"]) == (0, "forbids", {"risk.band": "'high'"})


@pytest.mark.parametrize(
    "request_text", ["", "[]", '{"actions": {}}', '{"risk": {"band": "odd"}}', "[" * 100_000, '{"action": 1}']
)
def test_what_is_no_request_exits_with_2(tmp_path: Path, request_text: str) -> None:
    request = _write(tmp_path) / "request.json"
    request.write_text(request_text)
    code, out, err = _run("explain", tmp_path, request)
    assert (code, out, "this is no request" in err) == (2, "", True)


def test_what_cannot_be_looked_at_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("check", tmp_path / "nowhere") == (2, "", f"{tmp_path}/nowhere: No such file or directory\n")
    code, out, _ = _run("check", tmp_path / "nowhere", "--json")
    assert (code, json.loads(out)["error"]) == (2, f"{tmp_path}/nowhere: No such file or directory")
    assert [_run(), _run("check"), _run("burn", tmp_path)] == [(2, "", "")] * 3
    assert "usage: tiergate policy" in capsys.readouterr().err
    assert _run("--help")[0] == 0


ODD = {
    "a folder whose name is misspelt": ("rule/a.yaml", b"", "rule:1:1: no file of a bundle"),
    "YAML beside the bundle's": ("others.yaml", b"", "others.yaml:1:1: no file of a bundle"),
    "a file of rules that would not be read": ("rules/b.yml", b"", "rules/b.yml:1:1: no file of a bundle"),
    "rules deeper down": ("rules/more/b.yaml", b"", "rules/more:1:1: no file of a bundle"),
    "what is no text": ("rules/b.yaml", b"- id: \xff\n", "rules/b.yaml:1:1: this is no UTF-8: byte 7"),
    "what is larger than any": ("rules/b.yaml", b"#" * (5 << 20), "rules/b.yaml:1:1: larger than"),
}


@pytest.mark.parametrize(("name", "content", "says"), ODD.values(), ids=ODD)
def test_what_could_be_taken_for_a_part_of_the_bundle_is_refused_and_not_passed_over(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = _write(tmp_path) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    code, out, _ = _run("check", tmp_path)
    assert (code, out.startswith(says)) == (1, True), out


def test_a_link_is_no_file_of_a_bundle_and_what_stands_beside_it_is_let_be(tmp_path: Path) -> None:
    folder = _write(tmp_path)
    for beside in ("README.md", ".hidden.yaml", "rules/.a.yaml.swp"):
        (folder / beside).write_text("- ]")
    assert _run("check", folder)[0] == 0
    (folder / "rules" / "b.yaml").symlink_to(folder / "README.md")
    code, out, _ = _run("check", folder)
    assert (code, out.startswith("rules/b.yaml:1:1: no file of a bundle")) == (1, True)


def test_what_would_move_a_cursor_is_not_printed(tmp_path: Path) -> None:
    folder = _write(tmp_path)
    (folder / "bundle.yaml").write_text(ABOUT.replace("acme", '"ac\\u00admé"'))
    assert "\u00ad" not in _run("check", folder)[1]


ASKED = rule("environment.sensitivity == 'production'", says="require: {level: aal2}")
PROMISE = "- id: promise\n  on: {actions: [data.export]}\n  never_below: {level: aal2}\n  owner: security\n"
KEPT = PROMISE.replace("never_below: {level: aal2}", "never_lowered: true")


def _promise(folder: Path, promise: str, rules: str = ASKED) -> Path:
    folder.mkdir(exist_ok=True)
    (_write(folder, rules, "[]\n") / "invariants").mkdir(exist_ok=True)
    (folder / "invariants" / "a.yaml").write_text(promise)
    return folder


def test_a_promise_that_is_broken_exits_with_1_and_shows_a_request_that_is_explained(tmp_path: Path) -> None:
    folder = _promise(tmp_path / "one", PROMISE)
    code, out, err = _run("verify", folder)
    place, request, counted = out.splitlines()
    assert (code, err) == (1, "")
    assert place == "invariants/a.yaml:1: promise: refuted: the rules ask for nothing there, and not for aal2"
    assert counted == "1 invariants: 0 proved, 1 refuted, 0 unproved, 0 waived"
    (tmp_path / "request.json").write_text(request)
    explained = _json("explain", folder, tmp_path / "request.json")[1]
    assert (explained["outcome"], explained["rules"][0]["holds"]) == ("nothing", False)
    said = _json("verify", folder)[1]
    assert (said["is_good"], said["invariants"][0]["counterexample"]) == (False, json.loads(request))


def test_what_is_proved_exits_with_0_and_says_where_that_says_little(tmp_path: Path) -> None:
    folder = _promise(tmp_path / "one", KEPT)
    code, out, _ = _run("verify", folder)
    assert (code, out.splitlines()[0]) == (
        0,
        "invariants/a.yaml:1: promise: proved: there is no bundle before it to compare with",
    )
    code, out, _ = _run("verify", folder, "--against", folder)
    assert (code, out.splitlines()[0]) == (0, "invariants/a.yaml:1: promise: proved")
    none = _promise(tmp_path / "two", "[]\n")
    assert _run("verify", none)[:2] == (0, "0 invariants: 0 proved, 0 refuted, 0 unproved, 0 waived\n")
    assert _json("verify", none, "--against", folder)[1]["against"] == _json("verify", folder)[1]["digest"]


def test_what_the_bundle_before_promised_is_held_and_named(tmp_path: Path) -> None:
    before, after = _promise(tmp_path / "one", KEPT), _promise(tmp_path / "two", "[]\n", "[]\n")
    code, out, _ = _run("verify", after, "--against", before)
    assert (code, "refuted, which the bundle before promised: the rules ask for nothing there" in out) == (1, True)
    (before / "invariants" / "a.yaml").write_text(PROMISE)
    code, out, _ = _run("verify", after, "--against", before)
    first = "invariants/a.yaml:1: promise: given up, which the bundle before promised: nobody says so"
    assert (code, out.splitlines()[0]) == (1, first)
    (after / "invariants" / "a.yaml").write_text(
        "- id: promise\n  given_up: {owner: me, until: 2999-12-31, because: It is done by hand.}\n"
    )
    code, out, _ = _run("verify", after, "--against", before)
    first = "invariants/a.yaml:1: promise: given up by me, which the bundle before promised: It is done by hand."
    assert (code, out.splitlines()[0]) == (0, first)
    assert _json("verify", after, "--against", before)[1]["given_up"][0]["word"]["until"] == "2999-12-31"


@pytest.mark.parametrize(
    ("until", "code", "line"), [("2999-12-31", 0, "  waived by me until 2999-12-31: So."), ("2001-01-01", 1, "")]
)
def test_a_waiver_is_shown_with_its_owner_and_its_day_until_it_is_over(
    tmp_path: Path, until: str, code: int, line: str
) -> None:
    each = ("!subject.id.matches('^[^x]*$')", "!subject.id.matches('x')")
    doubtful = "".join(rule(one, name=f"r{at}", says="require: {level: aal2}") for at, one in enumerate(each))
    waived = f'{PROMISE}  when: environment.sensitivity == "production"\n  waiver: {{owner: me, until: {until}, because: So.}}\n'
    found, out, _ = _run("verify", _promise(tmp_path / "one", waived, doubtful))
    assert (found, line in out.splitlines() or not line, "its waiver was over" in out) == (code, True, code == 1), out


def test_a_promise_that_is_none_and_a_time_that_is_none_are_told(tmp_path: Path) -> None:
    folder = _promise(tmp_path / "one", PROMISE.replace("aal2", "aal9"))
    code, out, _ = _run("verify", folder)
    assert (code, out.startswith("invariants/a.yaml:3:24: 'aal9' is not a valid Level")) == (1, True), out
    assert [_run("verify", folder, "--timeout", one)[0] for one in ("0", "nan", "soon", "-1", "1e300")] == [2] * 5
    assert _run("verify", folder, "--against", tmp_path / "nowhere")[0] == 2


@pytest.mark.storm
def test_the_command_needs_the_kernel_alone(tmp_path: Path) -> None:
    without = (
        "import sys\n"
        "class Only:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in {'django', 'psycopg', 'celery', 'redis', 'rest_framework', 'config'}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Only())\n"
        "from tiergate.policy.command import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", without, "test", str(_write(tmp_path))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
