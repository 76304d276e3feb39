"""The kernel reads nothing but its facts: no clock, no chance, no input or output, no framework."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tiergate

# What a service that is shown tokens imports by name: it checks signatures, and asks for keys.
CLIENT = {"tokens", "guard"}
# The policy's command reads folders and prints: it is a program of its own, and nothing imports it.
COMMAND = {"__main__", "command", "folder", "keys", "promises", "verbs"}
# How long a proof may take: it decides whether there is a proof, and never what is proved.
PATIENCE = {"patience"}
# What it asks a server of bundles with.
REMOTE = "remote"
SOURCES = sorted(
    path
    for path in Path(tiergate.__file__).parent.rglob("*.py")
    if path.stem not in CLIENT | COMMAND | PATIENCE and path.parent.name != REMOTE
)
# What a pure module may take from the standard library.
PURE = {"collections", "datetime", "enum", "functools", "hashlib", "json", "operator", "types", "typing"}
# What the rules of a bundle are read, checked and proved with, by the one package that may.
POLICY = {"cel_expr_python", "fractions", "google", "math", "re", "struct", "threading", "unicodedata", "yaml", "z3"}
# What a bundle is signed with.
SIGNING = {"base64", "binascii", "cryptography"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}
DOORS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "globals", "breakpoint"}


def _is_policy(path: Path) -> bool:
    return "policy" in path.relative_to(Path(tiergate.__file__).parent).parts[:-1]


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_module_imports_only_what_is_pure(path: Path) -> None:
    names = set(_imports(ast.parse(path.read_text())))
    roots = {name.split(".")[0] for name in names}
    assert roots <= PURE | {"msgspec", "tiergate"} | ((POLICY | SIGNING) if _is_policy(path) else set())
    assert _is_policy(path) or not any(name.startswith("tiergate.policy") for name in names)
    assert sys.stdlib_module_names >= PURE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_module_asks_no_clock_and_opens_nothing(path: Path) -> None:
    called = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(attr=name):
                    called.add(name)
                case ast.Name(id=name):
                    called.add(name)
        assert not isinstance(node, ast.Global | ast.Nonlocal)
    # CEL and regular expressions have a `compile` and an `eval` of their own.
    assert not called & (CLOCKS | DOORS - ({"compile", "eval"} if _is_policy(path) else set()))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_module_keeps_nothing_that_could_change(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            names = [ast.unparse(one) for one in getattr(node, "targets", None) or [node.target]]  # type: ignore[union-attr]
            # A dict that is only read is written in capitals; a list or set could be added to by a slip.
            assert names == ["__all__"] or not isinstance(value, ast.List | ast.Set | ast.ListComp | ast.SetComp)


def test_every_exported_name_is_there_and_no_file_outgrows_a_screenful_of_screens() -> None:
    assert sorted(tiergate.__all__) == sorted(set(tiergate.__all__))
    assert all(hasattr(tiergate, name) for name in tiergate.__all__)
    assert all(len(path.read_text().splitlines()) < 400 for path in SOURCES)


def test_nothing_imports_the_command() -> None:
    for path in SOURCES:
        parts = {
            part
            for name in _imports(ast.parse(path.read_text()))
            if name.startswith("tiergate")
            for part in name.split(".")
        }
        assert not parts & {*COMMAND, REMOTE}, path
