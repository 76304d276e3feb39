"""`keygen` and `sign`: a key is a file that its owner alone reads; what others could have read signs nothing."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from tests.policy.bundles import bundle, files, rule
from tiergate.policy.command import main
from tiergate.policy.signing import is_signed_by

RULES = rule("risk.band == 'high'")
DIGEST = bundle(RULES).digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in files(RULES).items():
        path = tmp_path / "policies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "policies"


def _run(*words: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main([str(word) for word in words], out, err), out.getvalue(), err.getvalue()


@pytest.mark.parametrize("mask", [0, 0o777])
def test_a_key_is_made_and_signs(folder: Path, mask: int) -> None:
    key = folder / ".." / "publisher.pem"
    mask = os.umask(mask)
    try:
        code, public, err = _run("keygen", key)
    finally:
        os.umask(mask)
    assert (code, err, key.stat().st_mode & 0o777) == (0, "", 0o600)
    code, signature, err = _run("sign", folder, "--key", key)
    assert (code, err) == (0, "")
    assert is_signed_by(public.strip(), DIGEST, signature.strip())
    said = json.loads(_run("sign", folder, "--key", key, "--json")[1])
    assert said == {
        "is_good": True,
        "digest": DIGEST,
        "public_key": public.strip(),
        "signature": signature.strip(),
    }


def test_a_key_may_be_given_on_standard_input_and_touch_no_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = folder / ".." / "publisher.pem"
    public = _run("keygen", key)[1].strip()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(key.read_bytes())))
    code, signature, _ = _run("sign", folder, "--key", "-")
    assert code == 0
    assert is_signed_by(public, DIGEST, signature.strip())


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    key = tmp_path / "publisher.pem"
    assert _run("keygen", key)[0] == 0
    before = key.read_bytes()
    assert _run("keygen", key)[0] == 2
    assert key.read_bytes() == before
    assert _run("keygen", tmp_path / "nowhere" / "publisher.pem")[0] == 2


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602])
def test_a_key_that_others_may_read_or_change_signs_nothing(folder: Path, mode: int) -> None:
    key = folder / ".." / "publisher.pem"
    _run("keygen", key)
    key.chmod(mode)
    code, out, err = _run("sign", folder, "--key", key)
    assert (code, out, "others may read or change this key" in err) == (2, "", True)


def test_what_is_no_key_signs_nothing_and_is_not_shown(folder: Path) -> None:
    key = folder / ".." / "publisher.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n")
    key.chmod(0o600)
    code, out, err = _run("sign", folder, "--key", key)
    assert (code, out, "secret" in err, "this is no private key" in err) == (2, "", False, True)
    assert _run("sign", folder, "--key", folder / "nowhere")[0] == 2
    os.mkfifo(folder / ".." / "pipe", 0o600)
    assert "no file" in _run("sign", folder, "--key", folder / ".." / "pipe")[2]


def test_a_bundle_that_is_none_is_not_signed(folder: Path) -> None:
    key = folder / ".." / "publisher.pem"
    _run("keygen", key)
    (folder / "rules" / "a.yaml").write_text(rule("risk.bnd == 'high'"))
    code, out, _ = _run("sign", folder, "--key", key)
    assert (code, "undeclared reference" in out) == (1, True)
