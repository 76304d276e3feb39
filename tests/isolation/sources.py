"""What our own sources say of tenants, read as syntax trees, as sentences about whatever is wrong."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
ROOMS: Final = (
    *("telemetry", "isolation", "audit", "licensing", "riskengine", "authlevels"),
    *("billing", "decisions", "console", "sample", "config"),
)
_SWEEP: Final = re.compile(r"_?SWEEP(_ALIAS)?")
_FOR_GOOD: Final = re.compile(
    r"\bSET\s+(SESSION\s+)?(app\.|ROLE\b|row_security|session_replication_role)|\bSET\s+SESSION\s+AUTHORIZATION"
    r"|set_config\([^)]*,\s*false\s*\)",
    re.IGNORECASE,
)
_CONNECTS: Final = {"connect", "ConnectionPool", "NullConnectionPool", "AsyncConnectionPool", "AsyncConnection"}
_WHOSE: Final = {"session", "credential", "principal", "person", "answer", "row"}


@cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    """Give every source of every room but migrations, which run as the owner, with its path."""
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts]
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text(), str(path))) for path in paths)


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Give all that a source is made of, walked through once."""
    return tuple(ast.walk(tree))


def aliases(tree: ast.Module) -> Iterator[tuple[int, ast.expr]]:
    """Yield every expression by which a source names a database: ``using=…``, ``.using(…)``, ``connections[…]``."""
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            named = {"using", "database"} if _last_name(node.func) in {"set_defaults", "call_command"} else {"using"}
            yield from ((node.lineno, one.value) for one in node.keywords if one.arg in named)
            if isinstance(node.func, ast.Attribute) and node.func.attr in {"using", "db_manager"} and node.args:
                yield node.lineno, node.args[0]
        elif isinstance(node, ast.Subscript) and _last_name(node.value) in {"connections", "databases"}:
            yield node.lineno, node.slice


@cache
def names_every_tenant(tree: ast.Module) -> bool:
    """Say whether a source names the role that sees every tenant, or the owner, by whatever way."""
    for node in nodes(tree):
        if isinstance(node, ast.Constant) and node.value == "sweep":
            return True
        if isinstance(node, ast.Name) and _SWEEP.fullmatch(node.id):
            return True
        if isinstance(node, ast.ImportFrom) and any(_SWEEP.fullmatch(one.name) for one in node.names):
            return True
    return any(isinstance(one, ast.Constant) and one.value == "owner" for _line, one in aliases(tree))


def unreadable_aliases(tree: ast.Module) -> Iterator[str]:
    """Yield where a database is named by something that cannot be read off here."""
    parameters = {
        one.arg
        for node in nodes(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for one in (*node.args.args, *node.args.kwonlyargs)
    }
    for line, alias in aliases(tree):
        is_said = isinstance(alias, ast.Constant) and alias.value in {"default", "replica", "sweep", "owner"}
        is_named = isinstance(alias, ast.Name) and (
            alias.id in {"DEFAULT_DB_ALIAS", "REPLICA"}
            or bool(_SWEEP.fullmatch(alias.id))
            or alias.id in parameters & {"using"}
        )
        if not (is_said or is_named):
            yield f"line {line} names a database by {ast.unparse(alias)}"


def own_connections(tree: ast.Module) -> Iterator[str]:
    """Yield where a source connects by itself, past the aliases and their roles."""
    for node in nodes(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in _CONNECTS and "psycopg" in ast.dump(tree):
            yield f"line {node.lineno} connects by itself: {ast.unparse(node.func)}"


def settings_for_good(tree: ast.Module) -> Iterator[str]:
    """Yield where SQL names a tenant or a role for longer than its transaction."""
    for node in nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _FOR_GOOD.search(node.value):
            yield f"line {node.lineno} says {node.value.strip()[:60]!r}"


def half_way(tree: ast.Module) -> Iterator[str]:
    """Yield where a generator may be left half-way with a transaction open: its caller would go on within it."""
    for function in _functions(tree):
        marks = {_last_name(one.func if isinstance(one, ast.Call) else one) for one in function.decorator_list}
        if marks & {"contextmanager", "asynccontextmanager"}:
            continue
        for block in _within(function):
            opens = isinstance(block, ast.With) and any(
                isinstance(one.context_expr, ast.Call)
                and _last_name(one.context_expr.func) in {"tenant_transaction", "atomic"}
                for one in block.items
            )
            if opens and any(isinstance(one, ast.Yield | ast.YieldFrom) for one in _within(block)):
                yield f"{function.name} yields within a transaction"


def tenants_not_the_callers(tree: ast.Module, *, allowed: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield where a view's source names a tenant by something else than the guarded path or who calls.

    allowed: names of classes and functions that may.
    """
    for top in tree.body:
        name = getattr(top, "name", "")
        if name in (allowed or {}):
            continue
        guarded = isinstance(top, ast.ClassDef) and _says_tenant_kwarg(top)
        for function in _functions(top):
            helper = not isinstance(top, ast.ClassDef) and name.startswith("_")
            for line, whose in _tenants_named(function):
                if not _is_callers(whose, function, may_be_path=guarded or helper):
                    yield f"{name}.{function.name} (line {line}) takes its tenant from {ast.unparse(whose)}"


def _tenants_named(function: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        yield from ((node.lineno, one.value) for one in node.keywords if one.arg == "tenant_id")
        if _last_name(node.func) in {"get_tenant", "tenant_transaction"} and node.args:
            yield node.lineno, node.args[0]


def _is_callers(whose: ast.expr, function: ast.AST, *, may_be_path: bool) -> bool:  # noqa: PLR0911 - a line for each way to say it
    match whose:
        case ast.Attribute(value=ast.Call(func=called, args=[first, *_]), attr="id") if (
            _last_name(called) == "get_tenant"
        ):
            return _is_callers(first, function, may_be_path=may_be_path)
        case ast.Attribute(value=holder, attr="tenant_id"):
            return _last_name(holder) in _WHOSE
        case ast.Attribute(value=ast.Name(id=name), attr="id"):
            return _is_callers(ast.Name(id=name), function, may_be_path=may_be_path)
        case ast.Attribute(attr="home"):
            return True
        case ast.Call(func=called, args=[first, *_]) if _last_name(called) == "get_tenant":
            return _is_callers(first, function, may_be_path=may_be_path)
        case ast.Call(func=ast.Name(id=name)) if name.startswith("_"):
            return True  # a helper of this very source, which is looked at by itself
        case ast.Name(id="tenant") if _is_parameter("tenant", function):
            return may_be_path
        case ast.Name(id="tenant_id") if _is_parameter("tenant_id", function):
            return isinstance(function, ast.FunctionDef) and function.name.startswith("_")
        case ast.Name(id=name):
            values = list(_assigned(name, function))
            return bool(values) and all(_is_callers(one, function, may_be_path=may_be_path) for one in values)
    return False


def _is_parameter(name: str, function: ast.AST) -> bool:
    arguments = function.args if isinstance(function, ast.FunctionDef) else None
    return arguments is not None and name in {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}


def _assigned(name: str, function: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=False)
                    yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == name)


def _says_tenant_kwarg(view: ast.ClassDef) -> bool:
    return any(isinstance(one, ast.Assign) and _last_name(one.targets[0]) == "tenant_kwarg" for one in view.body)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what a function or block holds, but no function inside it."""
    for one in ast.iter_child_nodes(node):
        if not isinstance(one, ast.FunctionDef | ast.Lambda | ast.GeneratorExp):
            yield one
            yield from _within(one)


def _last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
