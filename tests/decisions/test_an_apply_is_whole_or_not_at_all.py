"""A process that dies while it puts rules in force leaves those of before, and nothing that is half done."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded import paths
from decisions.policy.activating import read_stage
from decisions.policy.history import list_activations
from decisions.policy.stage import Mode
from tests.decisions.bundles import applied, files, stored
from tests.decisions.conftest import World
from tests.files.test_two_files_at_once import locked
from tiergate.policy import compile_bundle

PATIENCE = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in files("second").items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.fixture
def applying(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `manage.py policy apply` in a process of its own, begun by whoever asks for it last."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "policy", "apply", str(folder), "--because", "it is time", "--yes"],
        cwd=paths.CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def _rows(superuser: psycopg.Connection) -> list[tuple[object, ...]]:
    found = superuser.execute(
        "SELECT 'step', number::text FROM decisions_activation UNION ALL SELECT 'entry', kind FROM audit_entry "
        "WHERE kind LIKE 'bundle.%' ORDER BY 1, 2"
    ).fetchall()
    superuser.rollback()
    return found


@pytest.mark.storm
@pytest.mark.parametrize(
    ("table", "is_stored", "kept"),
    [
        # The bundle stands in its transaction, and is not told yet.
        ("audit_entry", False, []),
        # It is stored; the generation is what the step takes first.
        ("licensing_generation", False, [("entry", "bundle.stored")]),
        # The step stands in its transaction, and is not told yet.
        ("audit_entry", True, []),
    ],
)
def test_a_process_killed_in_the_middle_leaves_the_rules_of_before(
    world: World,
    superuser: psycopg.Connection,
    request: pytest.FixtureRequest,
    table: str,
    is_stored: bool,  # noqa: FBT001 - as above
    kept: list[tuple[str, str]],
) -> None:
    if is_stored:
        stored("second")
    before = applied("first")
    rows = _rows(superuser)
    with locked(table) as wait_for:
        dying: subprocess.Popen[str] = request.getfixturevalue("applying")
        wait_for(dying)
        dying.kill()
        dying.communicate()
    stage = read_stage()
    assert (stage.active, stage.candidate, stage.mode) == (before.active, None, Mode.NONE)
    assert [one.number for one in list_activations()] == [1]
    assert sorted(_rows(superuser)) == sorted([*rows, *kept])
    # And the next one finds nothing in its way.
    again = applied("second")
    assert (again.number, again.active) == (2, compile_bundle(files("second")).digest)
