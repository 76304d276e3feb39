"""One rule of a bundle: what it is about, when it holds, what it asks, and the words for the person."""

import re
from typing import Final

from msgspec import Struct

from tiergate.levels import Level
from tiergate.policy import limits
from tiergate.policy.expressions import When, compile_when
from tiergate.policy.globs import is_glob
from tiergate.policy.nodes import Listing, Members, Node, Text, to_plain, to_text, to_truth
from tiergate.requirements import Requirement, Scope

MEMBERS: Final = ("id", "on", "when", "require", "forbid", "because", "owner", "waives_tests")
TARGETS: Final = ("actions", "features", "scopes")
_HINTS: Final = {
    "level": f": those are {', '.join(one for one in Level if one != Level.NONE)}",
    "scope": f": those are {', '.join(Scope)}",
    "max_age": " of seconds",
}
ID: Final = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")


class Rule(Struct, frozen=True, kw_only=True):
    """A rule that is fit to be asked.

    actions, features, scopes: globs; () where it is not about such. when: None for always.
    requirement: what it asks; None: it forbids. waives_tests: why no test tries it; "" where one does.
    file, line: where it stands; no part of what it says.
    """

    id: str
    actions: tuple[str, ...]
    features: tuple[str, ...]
    scopes: tuple[str, ...]
    when: When | None
    requirement: Requirement | None
    because: str
    owner: str
    waives_tests: str = ""
    file: str = ""
    line: int = 0

    @property
    def source(self) -> str:
        """Name the rule as contributions and forbids do."""
        return f"policy:{self.id}"

    def to_json(self) -> dict[str, object]:
        """Write all that the rule says, the same however it was laid out."""
        on = {name: sorted(getattr(self, name)) for name in TARGETS if getattr(self, name)}
        out: dict[str, object] = {"id": self.id, "on": on, "because": self.because, "owner": self.owner}
        if self.when is not None:
            out["when"] = self.when.text
        if self.requirement is None:
            out["forbid"] = True
        else:
            out["require"] = self.requirement.to_json()
        if self.waives_tests:
            out["waives_tests"] = self.waives_tests
        return out


def read_rule(node: Node) -> Rule | None:
    """Read one rule; None where it is none, and everything that is wrong is noted where it stands."""
    if not isinstance(node, Members):
        node.refuse("a rule is a mapping: id, on, when, require or forbid, because, owner")
        return None
    before = len(node.source.errors)
    node.refuse_others(MEMBERS, "a rule")
    id_ = read_id(node)
    targets = _targets(node)
    condition = node.get("when")
    when_text = None if condition is None else to_text(condition)
    when = compile_when(condition) if when_text is not None and isinstance(condition, Text) else None
    requirement = _consequence(node)
    because, owner = read_sentence(node, "because", "a rule"), read_sentence(node, "owner", "a rule")
    waived = _waived(node)
    if len(node.source.errors) > before or id_ is None or because is None or owner is None:
        return None
    return Rule(
        id=id_,
        actions=targets[0],
        features=targets[1],
        scopes=targets[2],
        when=when,
        requirement=requirement,
        because=because,
        owner=owner,
        waives_tests=waived,
        file=node.source.file,
        line=node.line + 1,
    )


def read_id(node: Members, whose: str = "a rule") -> str | None:
    """Read a slug by which something is known in its bundle."""
    given = node.get("id")
    text = to_text(given)
    if given is None:
        node.refuse(f"{whose} needs an id")
    elif text is not None and (len(text) > limits.MAX_ID or not ID.fullmatch(text)):
        given.refuse(f"an id is small letters, digits and single - _ . between them, {limits.MAX_ID} at the most")
        return None
    return text


def read_sentence(node: Members, name: str, whose: str) -> str | None:
    """Read a sentence for people that has to be there."""
    given = node.get(name)
    text = to_text(given)
    if given is None:
        node.refuse(f"{whose} needs {name!r}")
        return None
    if text is None:
        return None
    if not text.strip() or len(text) > limits.MAX_SENTENCE:
        given.refuse(f"{name} says something, in {limits.MAX_SENTENCE} characters at the most")
        return None
    return " ".join(text.split())


def read_requirement(node: Node) -> Requirement | None:
    """Read a requirement, each member by itself, so that each that is wrong is noted where it stands."""
    if not isinstance(node, Members) or not node.members:
        node.refuse("a requirement is a mapping such as {level: aal2, max_age: 900}")
        return None
    node.refuse_others(Requirement.__struct_fields__, "a requirement")
    before = len(node.source.errors)
    found = {name: to_plain(member.value) for name, member in node.members.items()}
    for name, value in found.items():
        if name in Requirement.__struct_fields__:
            try:
                # What is written is meant: `max_age: null` is no way of leaving it out.
                if value is None:
                    raise ValueError(f"{name} says nothing")  # noqa: TRY301 - one way to note both
                Requirement.from_json({name: value})
            except ValueError as error:
                node.members[name].value.refuse(_hinted(name, str(error)))
    if len(node.source.errors) > before or not set(found) <= set(Requirement.__struct_fields__):
        return None
    return Requirement.from_json(found)


def _hinted(name: str, message: str) -> str:
    is_told = name == "max_age" and "seconds" in message
    return message if is_told else f"{message}{_HINTS.get(name, '')}"


def read_targets(given: Node | None, names: tuple[str, ...] = TARGETS) -> dict[str, tuple[str, ...]]:
    """Read lists of globs by name: what something is about."""
    if not isinstance(given, Members):
        if given is not None:
            given.refuse(f"on is a mapping with {', '.join(names)}")
        return {}
    given.refuse_others(names, "on")
    if not given.members:
        given.refuse(f"on names {', '.join(names[:-1])} or {names[-1]}")
    return {name: _globs(name, given.get(name)) for name in names}


def _targets(node: Members) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    given = node.get("on")
    if given is None:
        node.refuse("a rule needs 'on': the actions, features or scopes that it is about")
    found = read_targets(given)
    return found.get("actions", ()), found.get("features", ()), found.get("scopes", ())


def _globs(name: str, given: Node | None) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, Listing) or not given.items:
        given.refuse(f"{name} is a list of names, in which * and ** stand for any")
        return ()
    out = []
    for one in given.items:
        text = to_text(one)
        if text is not None and not is_glob(text):
            one.refuse(
                f"{text!r} is no name: letters, digits, . _ - : / ~ +, and * or ** for any, {limits.MAX_GLOB} at the most"
            )
        elif text is not None:
            out.append(text)
    return tuple(dict.fromkeys(out))


def _consequence(node: Members) -> Requirement | None:
    """Read what the rule asks; None where it forbids, or where something is noted."""
    require, forbid = node.get("require"), node.get("forbid")
    if (require is None) == (forbid is None):
        node.refuse("a rule has one of 'require' and 'forbid'")
        return None
    if require is not None:
        return read_requirement(require)
    if to_truth(forbid) is False and forbid is not None:
        forbid.refuse("a rule that does not forbid has no 'forbid'")
    return None


def _waived(node: Members) -> str:
    """Read why no test tries the rule; "" where none is waived."""
    given = node.get("waives_tests")
    if given is None or (isinstance(given, Text) and given.text in {"no", "false"}):
        return ""
    return read_sentence(node, "waives_tests", "a rule") or ""
