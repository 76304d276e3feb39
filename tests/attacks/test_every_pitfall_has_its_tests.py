"""No row of the list of what others fell for is without a test that is there, asserts something, and is run."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.attacks.pitfalls import ADVISORIES, OWED, PITFALLS, Promises

TESTS = Path(__file__).resolve().parents[1]
ROWS = PITFALLS | ADVISORIES


@cache
def _functions(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((TESTS / f"{file}.py").read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _says_something(node: ast.FunctionDef, file: str) -> bool:
    """Say whether a test asserts, expects an error, or leaves that to a function beside it that does."""
    for part in ast.walk(node):
        if isinstance(part, ast.Assert):
            return True
        if isinstance(part, ast.Call):
            called = ast.unparse(part.func)
            beside = _functions(file).get(called)
            if called == "pytest.raises" or (beside not in {None, node} and _says_something(beside, file)):
                return True
    return False


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_tests_that_are_there_and_assert_something(row: str) -> None:
    promises: Promises = ROWS[row]
    assert promises or row in OWED, "no test is named"
    for file, name in promises:
        tests = {test: node for test, node in _functions(file).items() if test.startswith("test_")}
        found = list(tests.values()) if name == "test_" else [tests[name]] if name in tests else []
        assert found, f"{file} has no {name}"
        assert all(_says_something(node, file) for node in found), f"{file} asserts nothing in {name}"
        for node in found:
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            assert not [mark for mark in marks if "skip" in mark or "xfail" in mark], f"{name} is not run"


def test_every_design_pitfall_is_a_row() -> None:
    assert [row.split()[0] for row in PITFALLS] == [str(number) for number in range(1, 19)]
    assert len(ADVISORIES) == 19


def test_nothing_is_owed_that_is_there() -> None:
    assert {row for row in ROWS if not ROWS[row]} == OWED
