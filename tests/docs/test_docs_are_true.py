"""What the documents name is there, and their tables say what the code says."""

import ast
import importlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
import yaml
from django.urls import resolve

import decisions.answers
import decisions.problems
from audit.api import Kind
from decisions.problem_codes import ERRORS, REASONS
from decisions.question import Answer
from tiergate import Action, Decision, Need, NeedKind, Outcome, Reason, TiergateError, Verb

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ROOMS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
ENDINGS = {".py", ".md", ".yaml", ".yml", ".toml", ".html", ".txt", ".json", ".css"}

# What reads a setting by its name (config/environment.py).
READERS = {
    "required",
    "whole_number",
    "flag",
    "one_of",
    "long_secret",
    "own_directory",
    "hosts",
    "environment.certificates",
}

# What the framework itself says, without an error class of ours.
FRAMEWORK_CODES = {
    "invalid": {400},
    "unknown_caller": {401},
    "not_authenticated": {401},
    "permission_denied": {403},
    "not_found": {404},
    "unavailable": {503},
    "internal_error": {500, 503},
    "parse_error": {400},
    "method_not_allowed": {405},
    "not_acceptable": {406},
    "unsupported_media_type": {415},
}


def _ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def _prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def _named(page: Path) -> Iterator[str]:
    yield from re.findall(r"`([^`\n]+)`", _prose(page))


def _rows(page: Path, heading: str) -> Iterator[list[str]]:
    """Yield the cells of the rows of the first table below a heading."""
    section = page.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _is_path(name: str) -> bool:
    if name.startswith(("/", "…")) or set(name) & set(" {}$<>*:=…()"):
        return False
    if "/" in name:
        first = name.split("/", 1)[0]
        return (ROOT / first).is_dir() or Path(name).suffix in ENDINGS
    return Path(name).suffix in ENDINGS and not name.startswith(".")


@cache
def _words() -> frozenset[str]:
    """Collect names with dots that are not Python's: actions, verbs, and the sample's catalogue."""
    catalogue = yaml.safe_load((ROOT / "sample" / "northwind" / "catalog.yaml").read_text())
    return frozenset(
        {*map(str, Action), *map(str, Verb), *map(str, Kind), *catalogue["features"], *catalogue["actions"]}
    )


def _find(dotted: str) -> object:
    """Find what a dotted name stands for; a module before an attribute of the same name."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AssertionError(dotted)


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_the_documents_are_there() -> None:
    names = {_ids(page) for page in PAGES}
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} <= names
    assert {f"docs/{name}.md" for name in ("integrate", "life-of-a-request", "glossary", "runbook")} <= names


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_every_path_that_is_named_exists(page: Path) -> None:
    made_up = {
        "bundle.yaml",
        "catalog.yaml",
        "mapping.yaml",
        "tenants.yaml",
        "product.mjs",
        "token.mjs",
        "api.py",
        "errors.py",
        "__init__.py",
    }
    missing = [name for name in _named(page) if _is_path(name) and name not in made_up and not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_every_module_and_function_that_is_named_exists(page: Path) -> None:
    missing = []
    for name in _named(page):
        is_python = re.fullmatch(r"[a-z_]+(\.\w+)+", name) and name.split(".")[0] in ROOMS
        if not is_python or name in _words() or _is_path(name):
            continue
        try:
            _find(name)
        except (AssertionError, AttributeError):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists():
            dead.append(target)
        elif anchor:
            headings = re.findall(r"^#+ (.+)$", other.read_text(), re.MULTILINE)
            if anchor not in {_slug(one) for one in headings}:
                dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_every_curl_leads_to_an_address_of_ours(page: Path) -> None:
    for block in _blocks(page, "sh"):
        for address in re.findall(r"curl [^\n]*?(?:\$WEB|\$DECIDE|http://localhost:\d+)(/[^\s'\"?]*)", block):
            path = re.sub(r"\$\w+", "x", address)
            assert callable(resolve(path).func), path


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_every_piece_of_json_can_be_read(page: Path) -> None:
    for block in _blocks(page, "json"):
        assert isinstance(json.loads(block), dict)


def test_there_is_enough_to_look_at() -> None:
    named = [name for page in PAGES for name in _named(page)]
    assert len([name for name in named if _is_path(name)]) > 40
    assert len([name for name in named if name.split(".")[0] in ROOMS and "." in name and not _is_path(name)]) > 60
    assert len([block for page in PAGES for block in _blocks(page, "sh") if "curl" in block]) >= 6


def test_every_reason_is_told_with_its_outcome_and_status() -> None:
    told = {row[0].strip("`"): (row[1], row[2]) for row in _rows(ROOT / "docs" / "integrate.md", "Reasons")}
    assert set(told) == set(Reason)
    for reason, (outcomes, statuses) in told.items():
        meant = {int(one) for one in statuses.split(", ")}
        answered = {
            _status(Reason(reason), Outcome(outcome), needs)
            for outcome in outcomes.split(", ")
            for needs in _needs(reason)
        }
        assert answered == meant, reason


def _needs(reason: str) -> tuple[tuple[Need, ...], ...]:
    waiting = (Need(kind=NeedKind.WAIT),)
    return ((), waiting) if reason == Reason.LIMIT_REACHED else ((),)


def _status(reason: Reason, outcome: Outcome, needs: tuple[Need, ...]) -> int:
    decision = Decision(outcome=outcome, reason=reason, as_of=datetime(2026, 1, 1, tzinfo=UTC), needs=needs)
    answer = Answer(
        decision_id=UUID(int=0), home=UUID(int=0), question=cast("Any", SimpleNamespace()), decision=decision
    )
    return decisions.answers.status_of(answer)


def test_every_error_code_is_told_with_its_status() -> None:
    told = {
        row[0].strip("`"): {int(one) for one in row[1].split(", ")}
        for row in _rows(ROOT / "docs" / "integrate.md", "Errors")
    }
    ours: dict[str, set[int]] = {code: set(statuses) for code, statuses in FRAMEWORK_CODES.items()}
    _import_what_defines_errors()
    for error in _subclasses(TiergateError):
        if error.__module__.split(".")[0] in ROOMS - {"sample", "config"}:
            ours.setdefault(error.code, set()).add(decisions.problems.STATUS_BY_KIND[error.kind])
    assert told == ours


def test_the_pages_of_codes_say_what_the_documents_say() -> None:
    guide = ROOT / "docs" / "integrate.md"
    for heading, table in (("Reasons", REASONS), ("Errors", ERRORS)):
        told = {row[0].strip("`"): row[1:] for row in _rows(guide, heading)}
        assert told == {
            code: [", ".join(one.outcomes)] * bool(one.outcomes)
            + [", ".join(str(status) for status, *_words in one.statuses), one.when]
            for code, one in table.items()
        }


def _import_what_defines_errors() -> None:
    """Import every module with an error of ours: a class is known once its module is."""
    for path in (path for room in ROOMS - {"sample", "config"} for path in (ROOT / room).rglob("*.py")):
        if "(TiergateError):" in path.read_text():
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _subclasses(of: type[TiergateError]) -> Iterator[type[TiergateError]]:
    for one in of.__subclasses__():
        yield one
        yield from _subclasses(one)


def test_the_settings_told_are_those_that_are_read() -> None:
    told = [row[0].strip("`") for row in _rows(ROOT / "docs" / "runbook.md", "Settings")]
    read: set[str] = set()
    sources = [ast.parse((ROOT / "config" / f"{name}.py").read_text()) for name in ("settings", "billing")]
    for node in (node for source in sources for node in ast.walk(source)):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        called = ast.unparse(node.func)
        if called in READERS or called.startswith("env."):
            read.add(str(node.args[0].value))
    assert sorted(told) == sorted(read)


def test_every_decision_of_the_house_has_its_parts_on_one_page() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for page in pages:
        parts = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
        assert parts == ["Status", "Context", "Decision", "Consequences", "Alternatives"], page.name
        assert len(page.read_text().splitlines()) <= 60, page.name
        assert page.name in index
