"""Say what changes, a line for each thing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from licensing.catalog_file.applying import Applied
from licensing.catalogue_changes import Change
from tiergate import Requirement, Sensitivity

NOTHING_TO_CHANGE = "= nothing to change"
_ADD_ON = "add_on"
_TELLING = {"member": "roles", "subscription": "plan", "override": "effect"}


def diff_lines(applied: Applied, *, prune: bool) -> list[str]:
    """List what a catalogue file changes, as lines for a person.

    ``+`` is new, ``~`` is otherwise than before, ``-`` is not in the file, ``!`` is a warning.
    """
    out = [line for change in applied.changes for line in change_lines(change)]
    if not applied.changes:
        out.append(NOTHING_TO_CHANGE)
    if prune:
        out += [f"! {sentence}" for sentence in applied.kept]
    else:
        out += [
            f"- {_named(what)} {key} is not in the file; it stays, unless you say --prune"
            for what, key in applied.absent
        ]
    return out


def change_lines(change: Change) -> Iterator[str]:
    """Say of one thing how it changed; of a plan's new version, also who stays on the old one."""
    named = f"{_named(change.what)} {change.key}"
    if change.what in {"plan", _ADD_ON}:
        yield from _plan(named, change)
    elif change.what == "draft" and change.old and change.new:
        yield f"~ {named}: {'; '.join(differences(_content(change.old), _content(change.new)))}"
    elif change.old is None:
        telling = _TELLING.get(change.what)
        yield f"+ {named}" + (f": {_value(change.new[telling])}" if telling and change.new else "")
    elif change.new is None:
        yield f"- {named}"
    else:
        yield f"~ {named}: {'; '.join(differences(change.old, change.new))}"
        if _asks_less(change.old, change.new):
            yield f"! {named} asks less of people than it did"


def _asks_less(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    was, now = old.get("requirement"), new.get("requirement")
    if was and not (now and Requirement.from_json(now).is_at_least(Requirement.from_json(was))):
        return True
    return old.get("sensitivity") == Sensitivity.REGULATED != new.get("sensitivity")


def _plan(named: str, change: Change) -> Iterator[str]:
    old, new = change.old or {}, change.new or {}
    before, after = old.get("version"), new.get("version")
    if after is None:
        yield f"- {named}@{before['number'] if before else '?'}: off sale; who is on it stays on it"
        return
    if change.old is None:
        yield f"+ {named}@{after['number']}"
        return
    rest = differences(_without(old, "version"), _without(new, "version"))
    if rest:
        yield f"~ {named}: {'; '.join(rest)}"
    if before is None:
        yield f"+ {named}@{after['number']}: on sale again"
    elif before["number"] != after["number"]:
        changes = "; ".join(differences(_content(before), _content(after)))
        yield (f"+ {named}@{after['number']}: {changes} (subscriptions on {change.key}@{before['number']} stay on it)")


def _content(version: Mapping[str, Any]) -> dict[str, Any]:
    said = {"price": version["price"], "grace_days": version["grace_days"]}
    return {**said, **{term["feature"]: _without(term, "feature") for term in version["terms"]}}


def _without(value: Mapping[str, Any], member: str) -> dict[str, Any]:
    return {key: one for key, one in value.items() if key != member}


def _named(what: str) -> str:
    return what.replace("_", "-")


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """List in words how one JSON object differs from another: ``sensitivity standard -> regulated``."""
    return [
        f"{key} {_value(old.get(key))} -> {_value(new.get(key))}"
        for key in [*old, *(key for key in new if key not in old)]
        if old.get(key) != new.get(key)
    ]


def _value(value: Any) -> str:
    match value:
        case None:
            return "none"
        case str() if value and value.isprintable() and " " not in value:
            return value
        case dict() if len(value) == 1 and "value" in value:
            return _value(value["value"])
        case dict():
            return "{" + ", ".join(f"{key}: {_value(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return _items(value)
        case _:
            return json.dumps(value)


def _items(values: Sequence[Any]) -> str:
    return "[" + ", ".join(map(_value, values)) + "]"
