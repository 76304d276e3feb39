"""The cases that a bundle brings with it: given a request, what it is wanted to say."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, cast

from msgspec import Struct

from tiergate.policy.bundle import Bundle, Judged
from tiergate.policy.errors import BundleRefused
from tiergate.policy.nodes import Listing, Members, Node, Plain, to_plain, to_text
from tiergate.policy.request import Request
from tiergate.policy.rules import read_requirement, read_sentence
from tiergate.policy.schema import FIELDS, Field, Kind
from tiergate.requirements import Requirement

MEMBERS: Final = ("it", "given", "want")
WANTS: Final = ("outcome", "require", "because", "rules", "unjudged")
_GROUPS: Final[Mapping[str, Mapping[str, Field]]] = MappingProxyType(
    {
        group: {one.member: one for one in FIELDS.values() if one.group == group}
        for group in dict.fromkeys(one.group for one in FIELDS.values())
    }
)


class Outcome(StrEnum):
    """What comes of a bundle's rules for one request."""

    NOTHING = "nothing"
    ASKS = "asks"
    FORBIDS = "forbids"


class Want(Struct, frozen=True, kw_only=True):
    """What a bundle is wanted to say of a request.

    require: all that is asked, joined: no more, no less. because: a sentence of a rule that holds. rules: the ids of
    all rules that hold, in order. unjudged: likewise of those that cannot be judged, which no case passes over.
    None: it does not matter.
    """

    outcome: Outcome
    require: Requirement | None = None
    because: str | None = None
    rules: tuple[str, ...] | None = None
    unjudged: tuple[str, ...] = ()


class Case(Struct, frozen=True, kw_only=True):
    """One case. it: finishes the sentence that "it" begins. file, line: where it stands."""

    it: str
    given: Request
    want: Want
    file: str
    line: int


def outcome_of(judged: Judged) -> Outcome:
    """Tell what comes of a bundle's answer: what forbids wins."""
    if judged.forbids:
        return Outcome.FORBIDS
    return Outcome.ASKS if judged.contributions else Outcome.NOTHING


def read_cases(bundle: Bundle) -> tuple[Case, ...]:
    """Read the cases of a bundle, in the order of its files.

    :raises BundleRefused: a case that is none; all that is wrong is named, with places.
    """
    cases, errors = [], []
    for node in bundle.tests:
        before = len(node.source.errors)
        case = _case(node, bundle)
        errors += node.source.errors[before:]
        # INVARIANT: a file notes so many errors and no more; kept, those of many cases would hide the next one's.
        del node.source.errors[before:]
        if case is not None:
            cases.append(case)
    if errors:
        raise BundleRefused(errors)
    return tuple(cases)


def _case(node: Members, bundle: Bundle) -> Case | None:
    before = len(node.source.errors)
    node.refuse_others(MEMBERS, "a case")
    it = read_sentence(node, "it", "a case")
    given, want = _given(node), _want(node, bundle)
    if len(node.source.errors) > before or it is None or given is None or want is None:
        return None
    return Case(it=it, given=given, want=want, file=node.source.file, line=node.line + 1)


def _given(node: Members) -> Request | None:
    """Read a request as rules read it; what is left out is not known."""
    given = node.get("given")
    if not isinstance(given, Members):
        (given or node).refuse("a case needs 'given': a request such as {action: {name: data.export}}")
        return None
    given.refuse_others(tuple(_GROUPS), "a request")
    before = len(node.source.errors)
    said: dict[str, object] = {}
    for group, member in given.members.items():
        fields = _GROUPS.get(group)
        if fields is None:
            continue
        if not isinstance(member.value, Members):
            member.value.refuse(f"{group} is a mapping with {', '.join(fields)}")
            continue
        member.value.refuse_others(tuple(fields), group)
        said[group] = {
            name: _value(fields[name], one.value) for name, one in member.value.members.items() if name in fields
        }
    if len(node.source.errors) > before:
        return None
    try:
        return Request.from_json(said)
    except ValueError as error:
        given.refuse(str(error))
        return None


def _value(field: Field, node: Node) -> Plain:
    """Read the value of a field, and note it where the field can have no such value."""
    value = to_plain(node)
    is_text = isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    # `name: 5` is a number to one reader and a text to another; so is what rules read as a text.
    if not field.admits(_instant(value) if field.kind == Kind.TIMESTAMP and is_text else value):
        node.refuse(f"{field.name} {_admitted(field)}, never {_shown(value)}")
    return value


def _instant(value: Plain) -> object:
    try:
        return datetime.fromisoformat(cast("str", value))
    except (TypeError, ValueError):
        return None


def _admitted(field: Field) -> str:
    if field.values:
        return f"is one of {', '.join(field.values)}"
    if field.kind == Kind.TIMESTAMP:
        return "is an instant with its offset, such as 2026-11-02T12:00:00Z"
    ends = "" if field.lowest is None else f" from {field.lowest}"
    ends += "" if field.highest is None else f" to {field.highest}"
    return f"is of type {field.kind.value}{ends}"


def _shown(value: Plain) -> str:
    return "nothing: leave it out where it is not known" if value is None else repr(value)[:80]


def _want(node: Members, bundle: Bundle) -> Want | None:
    given = node.get("want")
    if not isinstance(given, Members):
        (given or node).refuse(f"a case needs 'want': a mapping with {', '.join(WANTS)}")
        return None
    given.refuse_others(WANTS, "want")
    before = len(node.source.errors)
    outcome = _outcome(given)
    require = given.get("require")
    requirement = None if require is None else read_requirement(require)
    because = None if given.get("because") is None else read_sentence(given, "because", "want")
    rules, unjudged = _ids(given, "rules", bundle), _ids(given, "unjudged", bundle) or ()
    if require is None and outcome == Outcome.ASKS:
        given.refuse("a case that wants to be asked says what: require")
    elif require is not None and outcome not in {Outcome.ASKS, None}:
        require.refuse(f"where the outcome is {outcome}, nothing is required")
    if unjudged and outcome not in {Outcome.FORBIDS, None}:
        given.refuse("a rule that cannot be judged forbids")
    if outcome is None or len(node.source.errors) > before:
        return None
    return Want(outcome=outcome, require=requirement, because=because, rules=rules, unjudged=unjudged)


def _outcome(want: Members) -> Outcome | None:
    given = want.get("outcome")
    if given is None:
        want.refuse(f"want needs an outcome: {', '.join(Outcome)}")
        return None
    text = to_text(given)
    if text is not None and text not in list(Outcome):
        given.refuse(f"an outcome is one of {', '.join(Outcome)}")
        return None
    return None if text is None else Outcome(text)


def _ids(want: Members, name: str, bundle: Bundle) -> tuple[str, ...] | None:
    """Read the ids of rules, which the bundle has to have; None where none are given."""
    given = want.get(name)
    if given is None:
        return None
    if not isinstance(given, Listing):
        given.refuse(f"{name} is a list of rules by their ids")
        return None
    out = []
    for one in given.items:
        text = to_text(one)
        if text is not None and text not in bundle.rules:
            one.refuse(f"there is no rule {text!r} in this bundle")
        elif text is not None:
            out.append(text)
    return tuple(sorted(set(out)))
