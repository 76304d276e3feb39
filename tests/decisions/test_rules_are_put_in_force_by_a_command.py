"""What an operator types on the server: each verb says what it did, and what it did is so."""

import json
import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from audit import api as audit
from decisions.policy.activating import read_stage
from decisions.policy.history import list_activations
from decisions.policy.stage import Mode, Stage
from decisions.policy.storing import Source, get_bundle
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.bundles import applied, files, put_in_force, stored
from tests.decisions.conftest import World
from tiergate.policy import compile_bundle
from tiergate.policy.signing import new_key, public_key, sign

type Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(world: World) -> Typed:
    """Type `manage.py policy …`, and read the code it exits with and all that it says."""

    def type_it(*words: str) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("policy", *words, stdout=out, stderr=out)
        except SystemExit as stop:
            return int(stop.code or 0), out.getvalue()
        return 0, out.getvalue()

    return type_it


def _written(folder: Path, name: str = "acme", **how: str) -> str:
    for path, text in files(name, **how).items():
        (folder / path).parent.mkdir(exist_ok=True, parents=True)
        (folder / path).write_text(text)
    return str(folder)


def _kinds() -> list[str]:
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        found = audit.list_entries(tenant_id=licensing.VENDOR_TENANT_ID)
    return [one.kind for one in found if one.kind.startswith("bundle.")]


def test_a_folder_is_put_in_force_and_all_of_it_is_told(typed: Typed, tmp_path: Path) -> None:
    code, said = typed("apply", _written(tmp_path), "--because", "ticket 4711", "--yes")
    digest = compile_bundle(files()).digest
    assert code == 0, said
    assert f"acme ({digest[:12]}) is about to be put in force for everybody; no bundle is in force." in said
    assert "+ one" in said
    assert f"#1: manage.py put acme ({digest[:12]}) in force, because: ticket 4711" in said
    assert read_stage().active == digest
    assert sorted(_kinds()) == ["bundle.activated", "bundle.stored"]
    assert "acme" in typed("state")[1]
    assert "ticket 4711" in typed("history")[1]
    assert "in force already" in typed("apply", str(tmp_path), "--because", "again", "--yes")[1]
    assert len(_kinds()) == 2


def test_nothing_is_put_in_force_where_nobody_agreed(typed: Typed, tmp_path: Path) -> None:
    code, said = typed("apply", _written(tmp_path), "--because", "ticket 4711")
    assert code == 2, said
    assert read_stage() == Stage()


@pytest.mark.parametrize("verb", ["apply", "withdraw", "rollback"])
def test_where_others_have_to_agree_it_is_said_that_they_are_passed_over_or_nothing_is_changed(
    typed: Typed, tmp_path: Path, settings: Any, verb: str
) -> None:
    applied("first")
    put_in_force(stored("second").digest, mode=Mode.STAGED, percent=5)
    before, kinds = read_stage(), _kinds()
    settings.POLICY_APPROVALS = 2
    words = [verb, *([_written(tmp_path), "--yes"] if verb == "apply" else []), "--because", "we are locked out"]
    code, said = typed(*words)
    assert (code, "2 others have to agree" in said, "--past-approvals" in said) == (1, True, True)
    assert (read_stage(), _kinds()) == (before, kinds), "nor is anything stored"
    code, said = typed(*words, "--past-approvals")
    assert (code, "manage.py, past the second person, " in said) == (0, True), said
    assert read_stage() != before
    assert "manage.py, past the second person, " in typed("history", "--limit", "1")[1]
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        found = [
            one for one in audit.list_entries(tenant_id=licensing.VENDOR_TENANT_ID) if one.payload.get("number") == 3
        ]
    assert [one.payload["by"] for one in found] == ["manage.py, past the second person,"]


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("rules/a.yaml", "- id: one\n", "rules/a.yaml:1:3: "),
        ("tests/a.yaml", "[]\n", "one: there is no case that it is tried by"),
        ("tests/a.yaml", "- it: x\n  given: {action: {name: a}}\n  want: {outcome: forbids}\n", "it x: outcome"),
        ("tests/a.yaml", "- it: x\n", "a case needs 'given'"),
        ("invariants/a.yaml", "- nothing: x\n", "invariants/a.yaml:1:3: "),
    ],
)
def test_a_broken_bundle_leaves_the_one_before(typed: Typed, tmp_path: Path, path: str, text: str, told: str) -> None:
    before = applied("before")
    folder = Path(_written(tmp_path))
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(text)
    code, said = typed("apply", str(folder), "--because", "ticket 4711", "--yes")
    assert (code, read_stage().active) == (1, before.active), said
    assert told in said
    assert len(_kinds()) == 2


def test_what_it_promises_and_does_not_keep_is_not_put_in_force(typed: Typed, tmp_path: Path) -> None:
    folder = Path(_written(tmp_path, says="aal2"))
    (folder / "invariants").mkdir()
    (folder / "invariants" / "a.yaml").write_text(
        "- id: reports-need-aal3\n  on: {actions: [reports.read]}\n  never_below: {level: aal3}\n  owner: security\n"
    )
    code, said = typed("apply", str(folder), "--because", "ticket 4711", "--yes", "--json")
    answer: dict[str, Any] = json.loads(said[said.index("{") :])
    assert (code, answer["code"], read_stage().active) == (1, "bundle_unproved", None)
    assert answer["errors"][0]["file"] == "invariants/a.yaml"
    assert _kinds() == []


def test_a_candidate_is_for_whom_it_is_said_to_be(typed: Typed, world: World, tmp_path: Path) -> None:
    before, folder = applied("before"), _written(tmp_path)
    assert (
        typed("apply", folder, "--mode", "staged", "--tenants", "acme", "--percent", "5", "--because", "a", "--yes")[0]
        == 0
    )
    stage = read_stage()
    assert (stage.active, stage.mode, stage.tenants, stage.percent) == (
        before.active,
        Mode.STAGED,
        frozenset({world.acme}),
        5,
    )
    assert typed("withdraw", "--because", "b")[0] == 0
    assert typed("apply", folder, "--mode", "shadow", "--because", "c", "--yes")[0] == 0
    assert read_stage().percent == 100
    assert typed("apply", folder, "--mode", "staged", "--tenants", "nobody", "--because", "d", "--yes")[0] == 1


def test_who_is_locked_out_goes_back_without_being_asked_anything(typed: Typed) -> None:
    before = applied("before", says="aal2")
    applied("wrong")
    code, said = typed("rollback", "--because", "nobody gets in")
    assert (code, read_stage().active) == (0, before.active), said
    assert "went back to before" in said
    assert typed("rollback", "--because", "b", "--expected", "none")[0] == 1
    assert "went back to no rules from before" in typed("rollback", "--because", "c")[1]
    assert "so that no rule asks for anything, because: c" in typed("history", "--limit", "1")[1]
    assert typed("rollback", "--because", "d") == (
        1,
        "Nothing was active before. What was taken back is put in force again by activating it. Nothing was changed.\n",
    )


def test_whoever_was_overtaken_is_told(typed: Typed, tmp_path: Path) -> None:
    folder = _written(tmp_path)
    put_in_force(stored("quicker").digest)
    code, said = typed("apply", folder, "--because", "a", "--yes", "--expected", "none")
    assert code == 1
    assert "is in force, and not what was expected" in said


def test_a_bundle_is_signed_by_whom_the_server_believes(typed: Typed, tmp_path: Path, settings: Any) -> None:
    ours, theirs = new_key(), new_key()
    settings.POLICY_PUBLISHERS = {"release": public_key(ours)}
    folder, digest = _written(tmp_path), compile_bundle(files()).digest
    apply = ("apply", folder, "--because", "a", "--yes", "--json")
    assert json.loads(typed(*apply)[1])["code"] == "signature_missing"
    for publisher, value in (("release", sign(theirs, digest)), ("nobody", sign(ours, digest)), ("release", "x")):
        refused = typed(*apply, "--publisher", publisher, "--signature", value)[1]
        assert json.loads(refused)["code"] == "signature_invalid"
    assert _kinds() == []
    code, said = typed(
        "apply", folder, "--because", "a", "--yes", "--publisher", "release", "--signature", sign(ours, digest)
    )
    assert code == 0
    assert "signed by release" in said
    # The next key: what is in force stays, with a signature of each.
    settings.POLICY_PUBLISHERS = {"release": public_key(ours), "release-2": public_key(theirs)}
    again = typed(*apply, "--publisher", "release-2", "--signature", sign(theirs, digest))
    assert (again[0], get_bundle(digest).signed_by) == (0, ("release", "release-2"))
    assert len(list_activations()) == 1


def test_the_commit_is_recorded_without_who_fetches_it(typed: Typed, tmp_path: Path) -> None:
    folder = Path(_written(tmp_path))

    def git(*words: str) -> None:
        named = ("-c", "user.name=Olga", "-c", "user.email=olga@northwind.example")
        subprocess.run(["git", *named, "-C", str(folder), *words], check=True, capture_output=True)

    git("init", "--quiet")
    git("remote", "add", "origin", "https://olga:s3cret@git.example/rules.git?token=t")
    git("add", ".")
    git("commit", "--quiet", "--message", "Rules")
    assert typed("apply", str(folder), "--because", "a", "--yes")[0] == 0
    source = get_bundle(compile_bundle(files()).digest).source
    assert isinstance(source, Source)
    assert (source.repository, source.author) == ("https://git.example/rules.git", "Olga <olga@northwind.example>")
    assert len(source.commit) == 40
    _written(folder, "changed")
    assert typed("apply", str(folder), "--because", "a", "--yes")[0] == 0
    assert get_bundle(compile_bundle(files("changed")).digest).source is None


def test_the_kernels_verbs_are_there_too(typed: Typed, tmp_path: Path) -> None:
    assert typed("check", _written(tmp_path))[0] == 0
    assert "0 untested" in typed("test", str(tmp_path))[1]
    assert typed("verify", str(tmp_path))[0] == 0
    assert typed("fmt", str(tmp_path / "nowhere"))[0] == 2
