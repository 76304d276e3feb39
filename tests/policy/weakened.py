"""Ways to make a rule say something else, one at a time."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from tiergate.policy.nodes import Listing, to_plain
from tiergate.policy.reading import read_yaml
from tiergate.policy.source import Source

type Said = dict[str, Any]

_LEVELS = {"aal3": "aal2", "aal2": "aal1"}
_SCOPES = {"transaction": "resource", "resource": "action", "action": "session"}
# Parts of a condition, each with what it could be mistaken for. Texts are passed over but in lists.
_SWAPS = {
    "&&": ("||",),
    "||": ("&&",),
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "!": ("",),
}
_TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|&&|\|\||==|!=|<=|>=|<|>|!|\b\d+\b")
_LIST = re.compile(r"\[([^\]]*)\]")


def list_rules(files: Mapping[str, str]) -> list[Said]:
    """List the rules of a bundle's files as JSON has them."""
    out: list[Said] = []
    for path, text in sorted(files.items()):
        if path.startswith("rules/"):
            node = read_yaml(Source(path, text))
            assert isinstance(node, Listing)
            out += [said for item in node.items if isinstance(said := to_plain(item), dict)]
    return out


def weaken(rule: Said) -> Iterator[tuple[str, Said | None]]:
    """Change a rule in each way, one at a time: what was done, and what is left of the rule; None for nothing."""
    yield "deleted", None
    yield from _asking_otherwise(rule)
    for name, globs in rule["on"].items():
        if len(globs) > 1:
            for glob in globs:
                yield f"without {glob}", _with(rule, "on", {**rule["on"], name: [one for one in globs if one != glob]})
        for glob in globs:
            nothing = [one if one != glob else glob.replace("*", "none") for one in globs]
            if nothing != globs:
                yield f"{glob} without its star", _with(rule, "on", {**rule["on"], name: nothing})
    yield "never", _with(rule, "when", "false")
    if "when" in rule:
        yield "always", {name: value for name, value in rule.items() if name != "when"}
        for done, condition in _conditions(rule["when"]):
            yield done, _with(rule, "when", condition)


def let_off(rule: Said) -> Iterator[tuple[str, Said]]:
    """Let somebody or something off whom no case need know, one at a time: what was done, and what the rule says then."""
    when = f"({rule['when']}) && " if "when" in rule else ""
    yield "one person", _with(rule, "when", f'{when}!(subject.id == "root")')
    yield "one role", _with(rule, "when", f'{when}!("breakglass" in subject.roles)')
    for name, globs in rule["on"].items():
        for at, glob in enumerate(globs):
            if "**" in glob:
                narrow = [*globs[:at], glob.replace("**", "*"), *globs[at + 1 :]]
                yield f"{glob} narrowed", _with(rule, "on", {**rule["on"], name: narrow})


def _asking_otherwise(rule: Said) -> Iterator[tuple[str, Said]]:
    if "require" not in rule:
        asking = {name: value for name, value in rule.items() if name != "forbid"}
        yield "asks and does not forbid", {**asking, "require": {"level": "aal3"}}
        return
    asked = rule["require"]
    yield "forbids", {**{name: value for name, value in rule.items() if name != "require"}, "forbid": True}
    for name, value in asked.items():
        without = {one: kept for one, kept in asked.items() if one != name}
        if without:
            yield f"without {name}", _with(rule, "require", without)
        lesser = {"level": _LEVELS.get(value), "scope": _SCOPES.get(value)} if isinstance(value, str) else {}
        if lesser.get(name):
            yield f"{name}: {lesser[name]}", _with(rule, "require", {**asked, name: lesser[name]})
        if type(value) is int:
            for other in {value - 1, value + 1} - {0}:
                yield f"{name}: {other}", _with(rule, "require", {**asked, name: other})


def _conditions(when: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(when):
        token = found.group()
        others: tuple[str, ...] = _SWAPS.get(token, ())
        if token.isdigit():
            others = (str(int(token) - 1), str(int(token) + 1))
        for other in others:
            changed = when[: found.start()] + other + when[found.end() :]
            yield f"{changed}", changed
    for found in _LIST.finditer(when):
        items = [one.strip() for one in found.group(1).split(",")]
        for item in items if len(items) > 1 else ():
            kept = ", ".join(one for one in items if one != item)
            changed = f"{when[: found.start()]}[{kept}]{when[found.end() :]}"
            yield f"{changed}", changed


def _with(rule: Said, name: str, value: object) -> Said:
    return {**deepcopy(rule), name: value}
