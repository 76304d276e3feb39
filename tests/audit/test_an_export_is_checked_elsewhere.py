"""An auditor with the one file, the export and the public key finds what was done to the export, and is told where."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import audit.verifier
from audit.checkpoints import as_json
from audit.seal_keys import Signer
from tests.audit.conftest import Exported, Trail

pytestmark = pytest.mark.django_db

type Check = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def check(tmp_path: Path, public_key: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Check lines as the command line does."""

    def run(lines: list[str], key: Path = public_key) -> tuple[int, list[str]]:
        path = tmp_path / "export.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines))
        capsys.readouterr()
        code = audit.verifier.main([str(path), "--key", str(key)])
        told = capsys.readouterr()
        return code, (told.out + told.err).splitlines()

    return run


def test_the_one_file_is_all_that_an_auditor_needs(
    trail: Trail, exported: Exported, tmp_path: Path, public_key: Path
) -> None:
    alone = tmp_path / "auditor"
    alone.mkdir()
    script = shutil.copy(audit.verifier.__file__, alone / "verifier.py")
    lines = exported()

    def run() -> subprocess.CompletedProcess[str]:
        (alone / "export.jsonl").write_text("".join(f"{line}\n" for line in lines))
        return subprocess.run(
            [sys.executable, "-I", str(script), "export.jsonl", "--key", str(public_key)],
            cwd=alone,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Everything holds.\n")
    lines[7] = _changed(lines[7], kind="session.revoked")
    done = run()
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(lines[7])["id"] in done.stdout


def _changed(line: str, **fields: Any) -> str:
    return json.dumps(json.loads(line) | fields)


def test_a_whole_export_holds(trail: Trail, exported: Exported, check: Check) -> None:
    trail.append(count=2)
    code, said = check(exported())
    assert (code, said[-1]) == (0, "Everything holds.")
    assert said[0].startswith(f"{trail.size() - 2} entries are proved by checkpoint ")
    assert said[1] == "2 entries are not sealed yet: nothing proves them."


def test_one_tenants_export_holds_alone(trail: Trail, exported: Exported, check: Check) -> None:
    lines = exported(trail.globex)
    assert len(lines) == 1 + trail.one("SELECT count(*) FROM audit_entry WHERE tenant_id = %s", [trail.globex])[0]
    assert not any(str(trail.acme) in line for line in lines[1:])
    code, said = check(lines)
    assert (code, said[-1]) == (0, "Everything holds.")


@pytest.mark.parametrize("of_all", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        {"payload": '{"n": 77}'},
        {"kind": "session.revoked"},
        {"subject_id": "mallory"},
        {"at": "2026-11-22T13:00:00.000001Z"},
        {"seq": 1},
        {"xid": "4"},
        {"session_id": "00000000-0000-0000-0000-000000000000"},
        {"ordinal": 1},
        {"previous_seq": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_line_is_named(
    trail: Trail, exported: Exported, check: Check, change: dict[str, Any], *, of_all: bool
) -> None:
    lines = exported(None if of_all else trail.acme)
    lines[9] = _changed(lines[9], **change)
    code, said = check(lines)
    assert code == 1
    assert f"id {json.loads(lines[9])['id']} (" in said[0]
    assert "was changed or inserted" in said[0]


@pytest.mark.parametrize("of_all", [True, False])
def test_removed_lines_are_named_wherever_they_stood(
    trail: Trail, exported: Exported, check: Check, *, of_all: bool
) -> None:
    lines = exported(None if of_all else trail.acme)
    mine = [n for n, line in enumerate(lines) if n and json.loads(line)["tenant_id"] == str(trail.acme)]
    gone = [json.loads(lines[n]) for n in (mine[4], mine[5])]
    code, said = check([line for n, line in enumerate(lines) if n not in mine[4:6]])
    assert code == 1
    assert said[0] == (
        f"Entries {gone[0]['ordinal']} to {gone[1]['ordinal']} of tenant {trail.acme} were removed, "
        f"the last of them with seq {gone[1]['seq']}."
    )
    last = json.loads(lines[mine[-1]])
    code, said = check([line for n, line in enumerate(lines) if n not in mine[-3:]])
    assert code == 1
    assert said[0] == (
        f"Entries {last['ordinal'] - 2} to {last['ordinal']} of tenant {trail.acme} were removed, "
        f"the last of them with seq {last['seq']}, id {last['id']}."
    )


def test_all_of_a_tenants_lines_removed_are_missed(trail: Trail, exported: Exported, check: Check) -> None:
    lines = exported()
    code, said = check([lines[0], *(one for one in lines[1:] if json.loads(one)["tenant_id"] != str(trail.globex))])
    assert code == 1
    assert f"of tenant {trail.globex} were removed, the last of them with seq" in said[0]


def test_swapped_repeated_and_foreign_lines_are_named(trail: Trail, exported: Exported, check: Check) -> None:
    lines = exported(trail.acme)
    first, second = json.loads(lines[5]), json.loads(lines[6])
    code, said = check([*lines[:5], lines[6], lines[5], *lines[7:]])
    assert code == 1
    assert said[:-2] == [f"{_named(first)} was reordered or repeated: it was sealed before the one above it."]
    code, said = check([*lines[:7], lines[6], *lines[7:]])
    assert code == 1
    assert said[0] == f"{_named(second)} was reordered or repeated: it was sealed before the one above it."
    code, said = check([*lines, exported(trail.globex)[1]])
    assert code == 1
    assert said[0].endswith("is of another tenant.")


def test_an_invented_line_is_named_sealed_or_not(trail: Trail, exported: Exported, check: Check) -> None:
    lines = exported(trail.acme)
    invented = _changed(lines[5], id="11111111-1111-1111-1111-111111111111", payload="{}")
    code, said = check([*lines[:6], invented, *lines[6:]])
    assert code == 1
    assert "id 11111111-1111-1111-1111-111111111111 " in said[0]
    assert "was changed or inserted" in said[0]
    told = {name: value for name, value in json.loads(invented).items() if name not in {"position", "proof"}}
    code, said = check([*lines, json.dumps(told)])
    assert code == 1
    assert "id 11111111-1111-1111-1111-111111111111 " in said[0]
    assert "was inserted: it says to be from before checkpoint" in said[0]
    code, said = check([*lines, json.dumps(told | {"xid": "99999999", "seq": 99999999})])
    assert code == 1
    assert said[0] == "1 entries are not sealed, where 0 were exported."


def test_another_key_signs_nothing(
    trail: Trail, exported: Exported, check: Check, tmp_path: Path, public_key: Path
) -> None:
    stranger = Ed25519PrivateKey.generate()
    pem = tmp_path / "stranger.pem"
    pem.write_bytes(stranger.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    lines = exported()
    code, said = check(lines, pem)
    assert code == 1
    assert "is not signed by a known key: it proves nothing." in said[0]
    said_first = json.loads(json.loads(lines[0])["body"])
    forged = said_first | {"checkpoint": as_json(Signer(stranger).sign(said_first["checkpoint"]["body"]))}
    code, said = check([json.dumps(as_json(Signer(stranger).sign(json.dumps(forged)))), *lines[1:]], public_key)
    assert code == 1
    assert any("the first line, which says what there is, is not signed" in one.lower() for one in said)


def test_the_first_line_cannot_be_weakened(trail: Trail, exported: Exported, check: Check) -> None:
    lines = exported(trail.acme)
    head = json.loads(lines[0])
    said = json.loads(head["body"])
    weakenings: list[dict[str, Any]] = [{"checkpoint": None}, {"last": {}}, {"tenant": None}, {"unsealed": 1}]
    for weaker in weakenings:
        body = json.dumps(said | weaker)
        code, found = check([json.dumps(head | {"body": body}), *lines[1:]])
        assert code == 1
        assert any("is not signed by a known key" in one for one in found)
    code, found = check([_changed(lines[0], signature=""), *lines[1:]])
    assert code == 1


def test_a_reader_who_has_an_older_checkpoint_is_shown_that_the_tree_only_grew(
    trail: Trail, exported: Exported, check: Check
) -> None:
    code, said = check(exported(older=2))
    assert code == 0
    assert said[0].startswith(f"It holds all that checkpoint 2 ({trail.at:%Y-%m-%dT%H:%M}")
    lines = exported(older=2)
    head = json.loads(lines[0])
    told = json.loads(head["body"])
    told["older"]["proof"][0] = base64.b64encode(bytes(32)).decode()
    code, said = check([json.dumps(head | {"body": json.dumps(told)}), *lines[1:]])
    assert code == 1
    assert "does not hold all that checkpoint 2 held" in said[0]


@pytest.mark.parametrize("line", ["", "{", "[]", "7", '{"position": 1}', '{"xid": "x"}', "[" * 100_000, "\x00"])
def test_rubbish_is_told_by_its_line(trail: Trail, exported: Exported, check: Check, line: str) -> None:
    lines = exported()
    code, said = check([*lines[:3], line, *lines[3:]])
    assert code == 1
    assert said[0].startswith("Line 4 is no entry: ")
    code, said = check([line, *lines[1:]])
    assert code == 2
    assert said[0].startswith("This cannot be checked: ")


def test_what_is_planted_in_the_database_is_found_in_its_export(trail: Trail, exported: Exported, check: Check) -> None:
    changed, removed, _ = trail.append(count=3)
    trail.seal()
    named, seq = trail.name(changed), trail.seq(removed)
    trail.forge("UPDATE audit_entry SET payload = '{}' WHERE id = %s", [changed])
    trail.forge("DELETE FROM audit_entry WHERE id = %s", [removed])
    code, said = check(exported(trail.acme))
    assert code == 1
    assert said[0].startswith(named)
    assert f"were removed, the last of them with seq {seq}." in said[1]


def _named(entry: dict[str, Any]) -> str:
    sentence = audit.verifier.name_entry(entry)
    return sentence[:1].upper() + sentence[1:]


def test_an_entry_that_was_removed_and_its_leaf_given_to_another_is_found_over_all_tenants_alone(
    trail: Trail, exported: Exported, check: Check
) -> None:
    position, entry = trail.one(
        "SELECT position, entry_id FROM audit_leaf WHERE tenant_id = %s ORDER BY ordinal DESC", [trail.acme]
    )
    given = "UPDATE audit_leaf SET tenant_id = %s, ordinal = 1000 WHERE position = %s"
    assert trail.forge(given, [trail.globex, position]) == 1
    assert trail.forge("DELETE FROM audit_entry WHERE id = %s", [entry]) == 1
    code, said = check(exported())
    assert code == 1
    assert f"of tenant {trail.globex} were removed" in said[0]
    assert not trail.verify().is_true
    # As the threat model says: whoever asks about Acme alone is shown all but that one.
    assert check(exported(trail.acme))[0] == 0
    alone = trail.verify(tenant_id=trail.acme)
    assert alone.is_true
    assert alone.remarks[0] == "1 leaves of other tenants are not proved to be theirs: verify the trail of all."
