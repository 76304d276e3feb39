"""An invariant of a bundle: what it is about, and what is never less than so, or always within people's reach."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from tiergate.policy.bundle import Bundle
from tiergate.policy.errors import BundleRefused
from tiergate.policy.expressions import When, compile_when
from tiergate.policy.nodes import Listing, Members, Node, Text, to_text, to_truth
from tiergate.policy.proving.factors import FACTORS
from tiergate.policy.rules import Rule, read_id, read_requirement, read_sentence, read_targets
from tiergate.requirements import Requirement

# One of these says what is promised.
KINDS: Final = ("never_below", "never_lowered", "forbidden", "satisfiable_by")
MEMBERS: Final = ("id", "on", "when", *KINDS, "owner", "waiver")
WAIVER: Final = ("owner", "until", "because")
GIVEN_UP: Final = "given_up"
"""In the place of a promise: that of the bundle before it is made no more."""


class Waiver(Struct, frozen=True, kw_only=True):
    """Somebody's word for what is not proved, or is promised no more. until: its last day."""

    owner: str
    until: date
    because: str


class Invariant(Struct, frozen=True, kw_only=True):
    """What is to hold of every request that it is about, whatever the rules say.

    about: what it is about, as a rule, which is found and judged as rules are: one that errs is about the request.
    One of four is meant. never_below: what the bundle asks at the least; None where it is another.
    never_lowered: it asks for no less than the bundle before it, and forbids what that forbids. forbidden: it forbids.
    satisfiable_by: names of `FACTORS`, each good for everything that the bundle asks at once, or another is.
    """

    id: str
    about: Rule
    never_below: Requirement | None
    satisfiable_by: tuple[str, ...]
    never_lowered: bool = False
    forbidden: bool = False
    owner: str
    waiver: Waiver | None = None


class Promises(Struct, frozen=True, kw_only=True):
    """What a bundle promises, in the order of ids; and of the bundle before by id what it promises no more, with whose word."""

    invariants: tuple[Invariant, ...]
    given_up: Mapping[str, Waiver]


def read_invariants(bundle: Bundle) -> tuple[Invariant, ...]:
    """Read the invariants of a bundle, in the order of their ids.

    :raises BundleRefused: one of them is none; all that is wrong is named, with places.
    """
    return read_promises(bundle).invariants


def read_promises(bundle: Bundle) -> Promises:
    """Read what stands among the invariants of a bundle.

    :raises BundleRefused: something there is neither; all that is wrong is named, with places.
    """
    sources = {node.source.file: node.source for node in bundle.invariants}
    before = {file: len(source.errors) for file, source in sources.items()}
    found: dict[str, Invariant] = {}
    given_up: dict[str, Waiver] = {}
    for node in bundle.invariants:
        id_, one = _read_one(node)
        if id_ is None or one is None:
            continue
        if id_ in found or id_ in given_up:
            node.members["id"].value.refuse(f"there is an invariant {id_!r} already")
        elif isinstance(one, Waiver):
            given_up[id_] = one
        else:
            found[id_] = one
    errors = []
    for file, source in sources.items():
        errors += source.errors[before[file] :]
        # The bundle may be read again, and what is wrong is told again then.
        del source.errors[before[file] :]
    if errors:
        raise BundleRefused(errors)
    return Promises(invariants=tuple(found[id_] for id_ in sorted(found)), given_up=given_up)


def _read_one(node: Members) -> tuple[str | None, Invariant | Waiver | None]:
    """Read a promise, or the word that one is made no more."""
    word = node.get(GIVEN_UP)
    if word is None:
        found = _read(node)
        return None if found is None else found.id, found
    node.refuse_others(("id", GIVEN_UP), "a promise that is given up")
    return read_id(node, "a promise that is given up"), _waiver(word, "what is given up")


def _read(node: Members) -> Invariant | None:
    before = len(node.source.errors)
    node.refuse_others(MEMBERS, "an invariant")
    id_, owner = read_id(node, "an invariant"), read_sentence(node, "owner", "an invariant")
    if node.get("on") is None:
        node.refuse("an invariant needs 'on': the actions, features or scopes that it is about")
    targets = read_targets(node.get("on"))
    when = _when(node.get("when"))
    said = {name: found for name in KINDS if (found := node.get(name)) is not None}
    if len(said) != 1:
        node.refuse(f"an invariant has one of {', '.join(map(repr, KINDS))}")
    for name in ("never_lowered", "forbidden"):
        flag = said.get(name)
        if flag is not None and to_truth(flag) is False:
            flag.refuse(f"what promises nothing has no {name!r}")
    least, factors = said.get("never_below"), said.get("satisfiable_by")
    requirement = None if least is None else read_requirement(least)
    if least is not None and requirement == Requirement():
        least.refuse("this asks for nothing that is not always asked")
    names = () if factors is None else _factors(factors)
    waiver = node.get("waiver")
    waived = None if waiver is None else _waiver(waiver, "a waiver")
    if len(node.source.errors) > before or id_ is None or owner is None:
        return None
    about = Rule(
        id=id_,
        actions=targets.get("actions", ()),
        features=targets.get("features", ()),
        scopes=targets.get("scopes", ()),
        when=when,
        requirement=None,
        because=f"{id_} is about this.",
        owner=owner,
        file=node.source.file,
        line=node.line + 1,
    )
    return Invariant(
        id=id_,
        about=about,
        never_below=requirement,
        never_lowered="never_lowered" in said,
        forbidden="forbidden" in said,
        satisfiable_by=tuple(names),
        owner=owner,
        waiver=waived,
    )


def _when(node: Node | None) -> When | None:
    return compile_when(node) if to_text(node) is not None and isinstance(node, Text) else None


def _factors(node: Node) -> Sequence[str]:
    if not isinstance(node, Listing) or not node.items:
        node.refuse(f"satisfiable_by is a list of factors: {', '.join(FACTORS)}")
        return ()
    out = []
    for one in node.items:
        name = to_text(one)
        if name is not None and name not in FACTORS:
            one.refuse(f"there is no factor {name!r}: those are {', '.join(FACTORS)}")
        elif name is not None:
            out.append(name)
    return tuple(dict.fromkeys(out))


def _waiver(node: Node, what: str) -> Waiver | None:
    if not isinstance(node, Members):
        node.refuse(f"{what} is a mapping: {', '.join(WAIVER)}")
        return None
    node.refuse_others(WAIVER, what)
    owner, because = read_sentence(node, "owner", what), read_sentence(node, "because", what)
    given = node.get("until")
    text = to_text(given)
    if given is None:
        node.refuse(f"{what} needs 'until': the last day on which it holds")
    if given is None or text is None or owner is None or because is None:
        return None
    try:
        until = date.fromisoformat(text)
        # Python takes other ways of writing it, too.
        if until.isoformat() == text:
            return Waiver(owner=owner, until=until, because=because)
    except ValueError:
        pass
    given.refuse("until is a day such as 2027-01-31")
    return None
