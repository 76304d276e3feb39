"""The kernel reads nothing but its facts: no clock, no chance, no input or output, no framework."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tiergate

# What a service that is shown tokens imports by name: it checks signatures, and asks for keys.
CLIENT = {"tokens", "guard"}
SOURCES = sorted(path for path in Path(tiergate.__file__).parent.rglob("*.py") if path.stem not in CLIENT)
# What a pure module may take from the standard library.
PURE = {"collections", "datetime", "enum", "functools", "hashlib", "json", "operator", "types", "typing"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}
DOORS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "globals", "breakpoint"}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_module_imports_only_what_is_pure(path: Path) -> None:
    roots = {name.split(".")[0] for name in _imports(ast.parse(path.read_text()))}
    assert roots <= PURE | {"msgspec", "tiergate"}
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
    assert not called & (CLOCKS | DOORS)


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
