"""From the files of a bundle to a bundle: everything that is wrong is told at once, and nothing of it is used then."""

import json
import re
from collections.abc import Mapping
from typing import Final

from tiergate.policy import limits
from tiergate.policy.bundle import About, Bundle
from tiergate.policy.errors import BundleRefused, PolicyError
from tiergate.policy.nodes import Listing, Members, Node, Plain, Text, to_plain
from tiergate.policy.reading import read_all
from tiergate.policy.rules import Rule, read_rule, read_sentence
from tiergate.policy.source import Source

ABOUT: Final = "bundle.yaml"
FORMAT: Final = 1
_PATH: Final = re.compile(r"(rules|invariants|tests)/[A-Za-z0-9_][A-Za-z0-9_.-]*\.yaml")
_ABOUT_MEMBERS: Final = ("name", "version", "description", "owner")


def compile_bundle(files: Mapping[str, str]) -> Bundle:
    """Compile a bundle from its files.

    files: text by path within the bundle, with ``/`` between its parts: ``bundle.yaml``, ``rules/*.yaml``,
    ``invariants/*.yaml``, ``tests/*.yaml``.

    :raises BundleRefused: it is none; all that is wrong is named, with places.
    """
    errors = _refuse_paths(files)
    if errors:
        raise BundleRefused(errors)
    sources = {path: Source(path, text) for path, text in sorted(files.items())}
    nodes = read_all(sources)
    about = _about(sources[ABOUT], nodes[ABOUT])
    rules = _rules(sources, nodes)
    invariants, tests = _items(sources, nodes, "invariants/"), _items(sources, nodes, "tests/")
    if len(invariants) > limits.MAX_INVARIANTS:
        invariants[limits.MAX_INVARIANTS].refuse(f"a bundle has at most {limits.MAX_INVARIANTS} invariants")
    said: dict[str, object] = {
        "about": None if about is None else [about.name, about.description, about.owner, FORMAT],
        "rules": sorted((rule.to_json() for rule in rules.values()), key=lambda one: str(one["id"])),
        "invariants": _in_order([to_plain(one) for one in invariants]),
        "tests": _in_order([to_plain(one) for one in tests]),
    }
    errors = [error for source in sources.values() for error in source.errors]
    if errors or about is None:
        raise BundleRefused(errors)
    return Bundle(about, tuple(rules.values()), invariants, tests, said)


def _refuse_paths(files: Mapping[str, str]) -> list[PolicyError]:
    """Name files that are none of a bundle's: what is not read is not to be believed to be."""
    out = []
    if ABOUT not in files:
        out.append(_at_top(ABOUT, "a bundle needs this file: name, version, description, owner"))
    if len(files) > limits.MAX_FILES:
        out.append(_at_top(ABOUT, f"a bundle has at most {limits.MAX_FILES} files"))
    if sum(map(len, files.values())) > limits.MAX_BUNDLE:
        out.append(_at_top(ABOUT, f"a bundle has at most {limits.MAX_BUNDLE} characters"))
    out += [
        _at_top(path, "no file of a bundle: those are bundle.yaml, and *.yaml in rules/, invariants/ and tests/")
        for path in files
        if path != ABOUT and not _PATH.fullmatch(path)
    ]
    return out


def _at_top(file: str, message: str) -> PolicyError:
    return PolicyError(file=file, line=1, column=1, message=message)


def _about(source: Source, node: Node | None) -> About | None:
    if not isinstance(node, Members):
        if not source.errors:
            source.refuse(0, 0, f"a bundle's file is a mapping: {', '.join(_ABOUT_MEMBERS)}")
        return None
    node.refuse_others(_ABOUT_MEMBERS, "a bundle")
    version = node.get("version")
    # What is written otherwise may mean otherwise.
    if version is None or to_plain(version) != FORMAT or to_plain(version) is True:
        (version or node).refuse(f"a bundle has version: {FORMAT}, which says how it is written")
    name, description = read_sentence(node, "name", "a bundle"), read_sentence(node, "description", "a bundle")
    owner = read_sentence(node, "owner", "a bundle")
    if name is None or description is None or owner is None:
        return None
    return About(name=name, description=description, owner=owner)


def _rules(sources: Mapping[str, Source], nodes: Mapping[str, Node | None]) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    count = written = 0
    for node in _each(sources, nodes, "rules/"):
        count += 1
        if count > limits.MAX_RULES:
            node.refuse(f"a bundle has at most {limits.MAX_RULES} rules")
            break
        condition = node.get("when") if isinstance(node, Members) else None
        written += len(condition.text) if isinstance(condition, Text) else 0
        if written > limits.MAX_CONDITIONS:
            node.refuse(f"the conditions of a bundle have at most {limits.MAX_CONDITIONS} characters between them")
            break
        rule = read_rule(node)
        if rule is None:
            continue
        first = found.setdefault(rule.id, rule)
        if first is not rule and isinstance(node, Members):
            node.members["id"].value.refuse(f"there is a rule {rule.id!r} already: {first.file}:{first.line}")
    return found


def _items(sources: Mapping[str, Source], nodes: Mapping[str, Node | None], folder: str) -> list[Members]:
    out = []
    for node in _each(sources, nodes, folder):
        if isinstance(node, Members):
            out.append(node)
        else:
            node.refuse("a mapping is meant to stand here")
    return out


def _each(sources: Mapping[str, Source], nodes: Mapping[str, Node | None], folder: str) -> list[Node]:
    """List what stands in the files of a folder; each is a list."""
    out: list[Node] = []
    for path, node in nodes.items():
        if not path.startswith(folder):
            continue
        if isinstance(node, Listing):
            out += node.items
        elif node is not None:
            node.refuse("this file is a list: each begins with '- '")
        elif not sources[path].errors:
            # A file that was emptied by accident is not a bundle without its rules.
            sources[path].refuse(0, 0, "this file is empty: remove it, or write [] into it")
    return out


def _in_order(items: list[Plain]) -> list[Plain]:
    return sorted(items, key=lambda one: json.dumps(one, sort_keys=True))
