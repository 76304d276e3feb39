"""`pip install 'tiergate[policy]'` is all that a CI job needs: built, installed into an empty place, and run there."""

import email
import importlib.metadata
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.storm

ROOT = Path(__file__).resolve().parents[2]
# Nothing of a checkout, of this environment or of this user reaches what is run.
BARE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}


def _run(*words: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=BARE | more,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package from the files that git keeps, as they are now."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    kept = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in kept.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    build = f"from setuptools import build_meta; print(build_meta.build_wheel({str(built)!r}))"
    done = _run(sys.executable, "-c", build, cwd=source)
    assert done.returncode == 0, done.stderr
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty environment with the package and what it says that it needs, and nothing else; return its bin."""
    place = tmp_path_factory.mktemp("installed")
    done = _run(sys.executable, "-m", "venv", place, cwd=place)
    assert done.returncode == 0, done.stderr
    packages = next(place.glob("lib/python*/site-packages"))
    for name in _needed(_metadata(wheel).get_all("Requires-Dist") or [], "policy"):
        _copy(name, packages)
    done = _run(place / "bin" / "python", "-m", "pip", "install", "--no-index", f"{wheel}[policy]", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "bin"


def _metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as file:
        (name,) = (name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(file.read(name))


def _needed(lines: list[str], extra: str) -> set[str]:
    """Walk what is required, as this environment has it by its lock."""
    names: set[str] = set()
    left = [(Requirement(line), extra) for line in lines]
    while left:
        one, asked = left.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": asked}):
            continue
        name = canonicalize_name(one.name)
        if name not in names:
            names.add(name)
            children = [Requirement(line) for line in importlib.metadata.requires(name) or ()]
            left += [(child, wanted) for child in children for wanted in ("", *one.extras)]
    return names


def _copy(name: str, packages: Path) -> None:
    """Put a package there, file by file, as its own record lists them."""
    here = importlib.metadata.distribution(name)
    for file in here.files or ():
        if ".." not in file.parts:
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(here.locate_file(file)), packages / file)


def test_the_wheel_holds_the_kernel_and_nothing_of_the_server(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        (points,) = (file.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"tiergate"}
    kept = {str(path.relative_to(ROOT)) for path in (ROOT / "tiergate").rglob("*.py")}
    data = {"tiergate/py.typed", *(f"tiergate/policy/schemas/{name}.json" for name in _schemas())}
    assert {name for name in names if ".dist-info/" not in name} == kept | data
    assert points.split() == ["[console_scripts]", "tiergate", "=", "tiergate.command:main"]


def _schemas() -> list[str]:
    found = [path.stem for path in (ROOT / "tiergate" / "policy" / "schemas").glob("*.json")]
    assert found
    return found


def test_the_kernel_needs_msgspec_and_the_rest_is_asked_for(wheel: Path) -> None:
    required = [Requirement(line) for line in _metadata(wheel).get_all("Requires-Dist") or []]
    assert {one.name for one in required if one.marker is None} == {"msgspec"}
    assert set(_metadata(wheel).get_all("Provides-Extra") or []) == {"policy", "tokens"}
    servers = {"django", "celery", "psycopg", "redis", "granian", "stripe"}
    assert not servers & _needed([str(one) for one in required], "policy")
    assert _metadata(wheel)["License-Expression"] == "Apache-2.0"


def test_a_job_that_installs_the_package_alone_checks_tries_and_proves(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    tiergate = installed / "tiergate"
    for words in (("check",), ("fmt", "--check"), ("test",), ("verify",)):
        done = _run(tiergate, "policy", words[0], "policies", *words[1:], cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), (words, done.stdout, done.stderr)
    request = {"action": {"name": "data.export", "feature": "", "scopes": []}, "risk": {"band": "low"}}
    (tmp_path / "request.json").write_text(json.dumps(request))
    done = _run(tiergate, "policy", "explain", "policies", "request.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert _run(tiergate, "policy", "keygen", "key.pem", cwd=tmp_path).returncode == 0
    done = _run(tiergate, "policy", "sign", "policies", "--key", "key.pem", cwd=tmp_path)
    assert (done.returncode, len(done.stdout.strip())) == (0, 88), done.stderr
    done = _run(tiergate, "policy", "state", "--server", "http://127.0.0.1:9", cwd=tmp_path, TIERGATE_TOKEN="none")
    assert (done.returncode, "does not answer" in done.stderr) == (2, True)
    done = _run(
        installed / "python", "-c", "import tiergate, sys; print(tiergate.__file__); import django", cwd=tmp_path
    )
    assert (done.returncode, str(installed.parent) in done.stdout) == (1, True)
    assert "No module named 'django'" in done.stderr


def test_without_the_extra_the_kernel_runs_and_the_command_says_what_is_lacking(wheel: Path, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(packages)
    _copy("msgspec", packages)
    words = (sys.executable, "-S", "-c")
    done = _run(*words, "import tiergate; print(tiergate.decide)", cwd=tmp_path, PYTHONPATH=str(packages))
    assert done.returncode == 0, done.stderr
    command = "import sys; from tiergate.command import main; sys.exit(main(['policy', 'check', '.']))"
    done = _run(*words, command, cwd=tmp_path, PYTHONPATH=str(packages))
    assert (done.returncode, "pip install 'tiergate[policy]'" in done.stderr) == (2, True), done.stderr


def test_what_is_installed_is_what_is_locked(wheel: Path) -> None:
    lock = (ROOT / "requirements.txt").read_text()
    for name in _needed(_metadata(wheel).get_all("Requires-Dist") or [], "policy"):
        assert f"\n{name}=={importlib.metadata.version(name)} " in lock, name
