"""The house keeps its shape: every room is named, and is entered by its door alone."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    *("tiergate", "telemetry", "isolation", "audit", "licensing", "riskengine", "authlevels"),
    *("billing", "decisions", "console", "sample", "config"),
)
BESIDE = {"tests", "bench", "deploy", "docs", "templates", "policies", "staticfiles"}

# Doors besides api.py, each with its reason.
OTHER_DOORS = {
    "isolation.migrations_ops": "what a migration needs to guard its table",
    "isolation.clock": "the one edge clock",
    "isolation.roles": "the names of the database's roles",
    "audit.management.commands.audit": "console's command of the same name adds its verbs to it",
    "riskengine.management.commands.risk": "likewise",
}

POLICY = {"cel_expr_python", "yaml", "google", "z3"}


def _sources(room: str) -> Iterator[Path]:
    return (path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)


@cache
def _imported(path: Path) -> tuple[tuple[str, int], ...]:
    """Give each module that a file imports, and the line; `from a import b` may name a module a.b."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                deeper = ROOT / node.module.replace(".", "/") / alias.name
                is_module = deeper.is_dir() or deeper.with_suffix(".py").is_file()
                yield (f"{node.module}.{alias.name}" if is_module else node.module), node.lineno


def test_every_directory_at_the_top_is_a_named_room_or_known() -> None:
    found = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))}
    assert found - set(ROOMS) - BESIDE == set()
    assert set(ROOMS) - found == set()


def test_the_import_contract_names_every_room() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [name.strip() for layer in contract["contracts"][0]["layers"] for name in layer.split("|")]
    assert sorted(layers) == sorted(contract["root_packages"]) == sorted(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_begins_with_its_question(room: str) -> None:
    question = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
    assert question is not None
    assert "?" in question.splitlines()[0]


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in {"config", "tiergate"}])
def test_other_rooms_are_entered_by_their_doors_alone(room: str) -> None:
    trespasses = []
    for path in _sources(room):
        for module, line in _imported(path):
            other, _, inside = module.partition(".")
            # The kernel is entered by its package: its names are all public.
            if other in {room, "tiergate"} or other not in ROOMS:
                continue
            if inside != "api" and module not in OTHER_DOORS:
                trespasses.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert trespasses == []


def test_the_kernel_imports_nothing_but_itself_msgspec_and_the_standard_library() -> None:
    allowed = sys.stdlib_module_names | {"tiergate", "msgspec"}
    # Its names are not in the package's own: nobody needs PyJWT who does not check tokens.
    known = {"tiergate/tokens.py": {"jwt"}, "tiergate/policy/signing.py": {"cryptography"}}
    strangers = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in (ROOT / "tiergate").rglob("*.py")
        for module, line in _imported(path)
        if module.partition(".")[0] not in allowed | known.get(str(path.relative_to(ROOT)), set())
        # Nor does anybody need CEL, YAML or Z3 who has no rules to read; the extra `policy` brings them, and signatures.
        and not (ROOT / "tiergate" / "policy" in path.parents and module.partition(".")[0] in POLICY)
    ]
    assert strangers == []
    within = {module for module, _line in _imported(ROOT / "tiergate" / "__init__.py")}
    assert not {"tiergate.tokens", "tiergate.guard"} & within


def test_stripes_library_is_imported_by_the_gateway_alone() -> None:
    found = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in _sources(room)
        for module, _line in _imported(path)
        if module.partition(".")[0] == "stripe"
    }
    assert found == {"billing/gateway.py"}


@pytest.mark.parametrize("room", ROOMS)
def test_no_file_outgrows_four_hundred_lines(room: str) -> None:
    long = {path.name: count for path in _sources(room) if (count := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_there_is_no_bag_of_leftovers() -> None:
    bags = {"utils.py", "helpers.py", "common.py", "misc.py", "signals.py", "managers.py"}
    assert [path for room in ROOMS for path in _sources(room) if path.name in bags] == []


def test_the_lock_pins_every_package_with_hashes_and_names_no_host() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    assert "://" not in lock
    blocks = [block for block in lock.replace("\\\n", " ").splitlines() if block and not block.lstrip().startswith("#")]
    assert len(blocks) > 50
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
