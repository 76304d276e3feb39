"""The pipelines of docs/examples/policy are what their hosts take, type what the command takes, and guard their secrets."""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema.validators import validator_for

from tests.policy.answering import Answering, Asked, Said
from tests.policy.bundles import bundle, files, rule
from tiergate.command import main
from tiergate.policy.remote.server import TOKEN
from tiergate.policy.signing import is_signed_by, new_key, public_key

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "policy"
GITHUB: Any = yaml.safe_load((EXAMPLES / "github.yml").read_text())
GITLAB: Any = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())
JOBS = {name: job for name, job in GITLAB.items() if isinstance(job, dict) and "script" in job}
# Neither a commit that nobody has looked at, nor a name that can be moved.
PINNED = re.compile(r"actions/(checkout|setup-python)@COMMIT_THAT_YOU_REVIEWED")

CASES = """\
- it: forbids where the risk is high
  given: {action: {name: a}, risk: {band: high}}
  want: {outcome: forbids}
- it: lets it be where it is low
  given: {action: {name: a}, risk: {band: low}}
  want: {outcome: nothing}
"""
FILES = files(rule("risk.band == 'high'"), tests_a=CASES)
DIGEST = bundle(rule("risk.band == 'high'"), tests_a=CASES).digest
KEY = new_key()
GIVEN = {
    "TIERGATE_PUBLISHER": "release",
    "TIERGATE_PLAN_TOKEN": "planner",
    "TIERGATE_APPLY_TOKEN": "applier",
    "GITHUB_REPOSITORY": "acme/rules",
    "GITHUB_SHA": "5f1c0de",
    "GITHUB_ACTOR": "alice",
    "CI_PROJECT_PATH": "acme/rules",
    "CI_COMMIT_SHA": "5f1c0de",
    "CI_COMMIT_TITLE": "Ask more $(of) `exports`",
    "CI_COMMIT_AUTHOR": "Alice <alice@example.com>",
}
# What GitHub writes for its expressions.
EXPRESSIONS = {
    "vars.TIERGATE_SERVER": "TIERGATE_SERVER",
    "vars.TIERGATE_PUBLISHER": "TIERGATE_PUBLISHER",
    "secrets.TIERGATE_PLAN_TOKEN": "TIERGATE_PLAN_TOKEN",
    "secrets.TIERGATE_APPLY_TOKEN": "TIERGATE_APPLY_TOKEN",
    "secrets.TIERGATE_POLICY_KEY": "TIERGATE_POLICY_KEY",
    "github.event.pull_request.head.sha": "GITHUB_SHA",
    "github.event.head_commit.message": "MESSAGE",
    "github.event.pull_request.number": "NUMBER",
    "github.token": "GH_TOKEN",
}


def _answer(asked: Asked) -> Said:
    done = {"id": "p1", "status": "done", "report": {"changes": {}}, "markdown": "### nothing\n"}
    return {
        ("GET", "/v1/policy"): Said(200, {"active": None, "candidate": None}),
        ("POST", "/v1/policy/bundles"): Said(201, {"digest": DIGEST}),
        ("POST", "/v1/policy/activations"): Said(201, {"sentence": "done"}),
        ("POST", "/v1/policy/plans"): Said(202, done),
    }[asked.method, asked.path]


@pytest.fixture
def server() -> Iterator[Answering]:
    found = Answering(_answer)
    yield found
    found.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("policies", "before/policies"):
        for name, text in FILES.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tmp_path


def _github(job: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each script of a job with its environment."""
    for step in GITHUB["jobs"][job]["steps"]:
        if "run" in step:
            yield step["run"], step.get("env", {})


def _gitlab(job: str) -> Iterator[tuple[str, dict[str, str]]]:
    found = JOBS[job]
    for line in [*GITLAB[".tiergate"]["before_script"], *found["script"], *found.get("after_script", ())]:
        yield line, found.get("variables", {})


PIPELINES = {
    "GitHub": [list(_github(job)) for job in ("check", "plan", "apply")],
    "GitLab": [list(_gitlab(job)) for job in ("policy:check", "policy:plan", "policy:apply")],
}


def _resolved(value: str, given: dict[str, str]) -> str:
    if found := re.fullmatch(r"\$\{\{ (.+) \}\}", value):
        return given[EXPRESSIONS[found[1]]]
    return given[value[1:]] if value.startswith("$") else value


def _typed(script: str) -> list[str]:
    """Give the lines of a script that run the command, each whole."""
    lines = script.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("tiergate ")]


def _words(line: str, given: dict[str, str]) -> list[str]:
    """Split a line as a shell would, for what these lines hold of its language."""
    line = re.sub(r"<<?<?\"\$\w+\"", "", line)
    line = re.sub(r"\$\(git log [^)]*\)", "Alice <alice@example.com>", line)
    return [
        re.sub(r"\$(?:\{(\w+)[^}]*\}|(\w+))", lambda found: given[found[1] or found[2]], word)
        for word in shlex.split(line)
    ]


@pytest.mark.parametrize(("name", "file"), [("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)])
def test_each_is_what_its_host_takes(name: str, file: dict[Any, Any]) -> None:
    schema = get_builtin_schema(name)
    # YAML 1.1 reads the key `on` as a truth.
    said = {"on" if key is True else key: value for key, value in file.items()}
    assert [error.message for error in validator_for(schema)(schema).iter_errors(said)] == []


@pytest.mark.parametrize("host", PIPELINES)
def test_the_command_takes_what_each_line_types(
    host: str, server: Answering, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    given = GIVEN | {"TIERGATE_SERVER": server.url, "MESSAGE": "Ask more\n\nof exports", "because": "Ask more"}
    typed: list[str] = []
    for scripts in PIPELINES[host]:
        for script, variables in scripts:
            env = given | {"NUMBER": "7", "GH_TOKEN": "t", "TIERGATE_POLICY_KEY": "key"}
            known = env | {name: _resolved(value, env) for name, value in variables.items()}
            for line in _typed(script):
                monkeypatch.setenv(TOKEN, known.get(TOKEN, ""))
                monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(KEY)))
                out, err = io.StringIO(), io.StringIO()
                words = _words(line, known)
                assert main(words[1:], out, err) == 0, (line, out.getvalue(), err.getvalue())
                typed.append(words[2])
    assert typed == ["check", "fmt", "test", "verify", "plan", "apply"]
    assert (checkout / "plan.md").read_text() == "### nothing\n"
    _heard(server)


def _heard(server: Answering) -> None:
    """Check what the server was told, by whom."""
    stored = [one for one in server.asked if one.path == "/v1/policy/bundles"]
    assert [one.headers["Authorization"] for one in stored] == ["Bearer planner", "Bearer applier"]
    assert "signature" not in stored[0].body
    assert stored[1].body["signature"]["publisher"] == "release"
    assert is_signed_by(public_key(KEY), DIGEST, stored[1].body["signature"]["value"])
    source = {"repository": "acme/rules", "commit": "5f1c0de", "author": "Alice <alice@example.com>"}
    assert stored[1].body["source"] == source
    (activated,) = [one for one in server.asked if one.path == "/v1/policy/activations"]
    assert activated.headers["Authorization"] == "Bearer applier"
    assert activated.body["because"].startswith("Ask more")
    assert "\n" not in activated.body["because"]


def test_nothing_that_outsiders_write_becomes_a_part_of_a_script() -> None:
    scripts = [script for job in GITHUB["jobs"] for script, _ in _github(job)]
    assert len(scripts) >= 8
    assert [script for script in scripts if "${{" in script] == []
    assert "pull_request_target" not in (EXAMPLES / "github.yml").read_text()


def test_each_job_of_github_may_do_the_least_and_runs_what_somebody_looked_at() -> None:
    assert GITHUB["permissions"] == {}
    assert {name: job["permissions"] for name, job in GITHUB["jobs"].items()} == {
        "check": {"contents": "read"},
        "plan": {"contents": "read", "pull-requests": "write"},
        "apply": {"contents": "read"},
    }
    used = [step for job in GITHUB["jobs"].values() for step in job["steps"] if "uses" in step]
    assert [step["uses"] for step in used if not PINNED.fullmatch(step["uses"])] == []
    kept = [step for step in used if "checkout" in step["uses"] and step["with"]["persist-credentials"] is not False]
    assert (len(used), kept) == (8, [])


def test_secrets_are_where_they_are_guarded() -> None:
    found = {name: set(re.findall(r"secrets\.(\w+)", repr(job))) for name, job in GITHUB["jobs"].items()}
    assert found == {
        "check": set(),
        "plan": {"TIERGATE_PLAN_TOKEN"},
        "apply": {"TIERGATE_APPLY_TOKEN", "TIERGATE_POLICY_KEY"},
    }
    places = {name: job.get("environment") for name, job in GITHUB["jobs"].items()}
    assert places == {"check": None, "plan": "policy-plan", "apply": "policy"}
    assert GITHUB["jobs"]["apply"]["if"] == "github.event_name == 'push'"
    assert GITHUB[True]["push"]["branches"] == ["main"]
    # What is proposed does not choose the code that runs beside a secret.
    for scripts in (PIPELINES["GitHub"][1], *PIPELINES["GitLab"][1:]):
        (install,) = [script for script, _ in scripts if "pip install" in script]
        assert "--require-hashes" in install
        assert install.endswith(" before/policies/requirements.txt")
    secret = r"TIERGATE_(?:PLAN_TOKEN|APPLY_TOKEN|POLICY_KEY)|POLICY_COMMENT_TOKEN"
    assert {name: set(re.findall(secret, repr(job))) for name, job in JOBS.items()} == {
        "policy:check": set(),
        "policy:plan": {"TIERGATE_PLAN_TOKEN", "POLICY_COMMENT_TOKEN"},
        "policy:apply": {"TIERGATE_APPLY_TOKEN", "TIERGATE_POLICY_KEY"},
    }
    (rule_,) = JOBS["policy:apply"]["rules"]
    assert '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_COMMIT_REF_PROTECTED == "true"' in rule_["if"]
    assert JOBS["policy:apply"]["environment"] == {"name": "policy"}


@pytest.mark.storm
@pytest.mark.parametrize("host", PIPELINES)
def test_a_shell_runs_each_script(host: str, server: Answering, checkout: Path, tmp_path: Path) -> None:
    """Run what is written, as it is written, with stand-ins only for what speaks to the host and for the installer."""
    tools = tmp_path / "tools"
    tools.mkdir()
    said = tmp_path / "said"
    for name in ("gh", "curl", "python"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{said}\ncat >>{said} </dev/stdin\n')
    (tools / "tiergate").write_text(
        f"#!{sys.executable}\nimport sys\nfrom tiergate.command import main\nsys.exit(main())\n"
    )
    for one in tools.iterdir():
        one.chmod(0o755)
    root = EXAMPLES.parents[2]
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "PYTHONPATH": str(root)}
    _commit(checkout, env)
    key = tmp_path / "key"
    key.write_bytes(KEY)
    given = GIVEN | {
        "TIERGATE_SERVER": server.url,
        "MESSAGE": "Ask more\n\n$(of) `exports`",
        "NUMBER": "7",
        "GH_TOKEN": "t",
        "POLICY_COMMENT_TOKEN": "commenter",
        "CI_API_V4_URL": "https://gitlab.example/api/v4",
        "CI_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_BEFORE_SHA": "HEAD",
        "TIERGATE_POLICY_KEY": KEY.decode() if host == "GitHub" else str(key),
    }
    own = {"CI_COMMIT_AUTHOR", "CI_COMMIT_TITLE", "CI_PROJECT_PATH"}
    for scripts in PIPELINES[host]:
        if host == "GitLab":
            shutil.rmtree(checkout / "before", ignore_errors=True)
        for script, variables in scripts:
            # GitHub tells a script what it is given by name; GitLab tells it everything.
            told = {name: value for name, value in given.items() if host == "GitLab" or name.startswith("GITHUB_")}
            assert host == "GitLab" or not own & set(told)
            known = env | told | {name: _resolved(value, given) for name, value in variables.items()}
            done = subprocess.run(
                ["bash", "-e", "-c", script],
                cwd=checkout,
                env=known,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, (script, done.stdout, done.stderr)
    _heard(server)
    comment = "gh pr comment 7" if host == "GitHub" else 'header = "PRIVATE-TOKEN: commenter"'
    assert comment in said.read_text()
    assert said.read_text().count("python -m pip install --require-hashes") == 3


def _commit(checkout: Path, env: dict[str, str]) -> None:
    """Make the checkout a repository with one commit, and itself where it came from."""
    author = ("-c", "user.name=Alice", "-c", "user.email=alice@example.com")
    for words in (("init", "--quiet"), ("add", "policies"), (*author, "commit", "--quiet", "--message", "Ask more")):
        subprocess.run(["git", *words], cwd=checkout, env=env, check=True)
    subprocess.run(["git", "remote", "add", "origin", str(checkout)], cwd=checkout, env=env, check=True)
