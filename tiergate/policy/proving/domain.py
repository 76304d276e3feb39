"""All requests there can be, as Z3 has them: each field of the schema with its values, and whether it is known.

Nothing that a request can be is left out: a proof over these is one over all requests. What they hold beyond (texts and
lists longer than may be, fractions between two doubles) can only refute too much, which the bundle itself is asked about.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import z3

from tiergate.catalogue import Sensitivity
from tiergate.policy import limits
from tiergate.policy.globs import pieces
from tiergate.policy.proving.names import Class, Pattern, read_question, tell_apart
from tiergate.policy.proving.patience import ENDLESS, Patience
from tiergate.policy.proving.terms import YES, Term, either, every, text_of
from tiergate.policy.rules import Rule
from tiergate.policy.schema import FIELDS, INT_MAX, INT_MIN, Field, Kind
from tiergate.policy.tree import Call, Each, Items, Literal, Name, Node, parts, walk

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# How many items of one list are told apart besides those that literals name.
MAX_OTHERS: Final = 6
# An instant is a count of these since `EPOCH`.
TICK: Final = timedelta(microseconds=1)
_FIRST_INSTANT: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // TICK
_LAST_INSTANT: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // TICK


class Listed:
    """A list of texts: which literals are in it, and a few others that conditions may be true, false or err by.

    Each condition on a list asks whether some item is so; one item of each that is so, with the literals, answers all
    of them as the whole list does.
    """

    def __init__(self, name: str, literals: Iterable[str], others: int, patience: Patience) -> None:
        self._patience = patience
        self.known = z3.Bool(f"{name} known")
        self.size = z3.Int(f"{name} size")
        self.literals = {one: z3.Bool(f"{one!r} in {name}") for one in sorted(literals)}
        self.others = [(z3.Bool(f"{name} has {at}"), z3.String(f"{name} {at}")) for at in range(others)]

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Go through whatever may be an item: whether it is one, and its text."""
        for literal, is_in in self.literals.items():
            # Each question of a list is one of each literal of all.
            self._patience.check()
            yield is_in, text_of(literal)
        yield from self.others

    def constraints(self) -> Iterator[Any]:
        """Say what any list is like."""
        present = [is_in for is_in, _ in self.items()]
        yield self.size >= 0
        yield self.size <= limits.MAX_ITEMS
        yield z3.Sum([z3.If(one, 1, 0) for one in present] or [z3.IntVal(0)]) <= self.size
        yield z3.Implies(self.size > 0, either(present))
        for is_in, text in self.others:
            yield z3.Implies(is_in, every([text != text_of(one) for one in self.literals]))


class Domain:
    """The variables of one proof, made as they are asked for.

    rules: all that is translated over it, so that what its lists need is known beforehand.
    """

    def __init__(self, rules: Iterable[Rule], patience: Patience = ENDLESS) -> None:
        self._patience = patience
        self.values: dict[str, Any] = {}
        self.known: dict[str, Any] = {}
        self.lists: dict[str, Listed] = {}
        self._constraints: list[Any] = []
        self._literals: dict[str, set[str]] = {}
        # What each list is asked beyond literals, by a key of what is asked; those that are told apart.
        self._asked: dict[str, list[object]] = {}
        patterns: dict[str, set[Pattern] | None] = {name: set() for name in _NAMED}
        for rule in rules:
            self._count_scopes(rule)
            patterns["action.name"] = _more(patterns["action.name"], map(pieces, rule.actions))
            patterns["action.feature"] = _more(patterns["action.feature"], map(pieces, rule.features))
            if rule.when is not None:
                _count_names(rule.when.tree, patterns)
                for node in walk(rule.when.tree):
                    self._count(node)

        # Names that nothing is asked of but patterns, by what there can be; the others are texts.
        self.classes: dict[str, Sequence[Class]] = {}
        for name, known in patterns.items():
            classes = None if known is None else tell_apart(frozenset(known))
            if classes is not None:
                self.classes[name] = classes

    def constraints(self) -> list[Any]:
        """Say what any request is like, as far as it is made of the variables that were asked for."""
        self._keep_together()
        listed = [one for found in self.lists.values() for one in found.constraints()]
        return self._constraints + listed

    def field(self, name: str) -> Term:
        """Give a field that is no list; a text of known values is the number of its value."""
        if name not in self.values:
            self._make(FIELDS[name])
        return Term(self.values[name], z3.Not(self.known[name]))

    def matches(self, name: str, patterns: Iterable[Pattern]) -> Any:
        """Say that a name that is told apart by patterns is of one of several."""
        self._patience.check()
        value = self.field(name).value
        wanted = set(patterns)
        return either([value == at for at, one in enumerate(self.classes[name]) if not wanted.isdisjoint(one.patterns)])

    def is_empty(self, name: str) -> Any:
        """Say that a name is known to be none."""
        term = self.field(name)
        # The first class is that name alone.
        return z3.And(z3.Not(term.errs), term.value == (0 if name in self.classes else z3.StringVal("")))

    def likely(self) -> list[Any]:
        """Say what most requests are like: somebody with a session of some level, and names that say something."""
        texts = [one != z3.StringVal("") for one in self.values.values() if z3.is_string(one)]
        levels = [self.values[name] for name in ("session.is_present", "assurance.level") if name in self.values]
        return [*texts, *(one if z3.is_bool(one) else one > 0 for one in levels)]

    def listed(self, name: str) -> Listed:
        """Give a field that is a list."""
        if name not in self.lists:
            # One more than is asked about, for a list that has only others.
            others = min(len(self._asked.get(name, ())), MAX_OTHERS) + 1
            self.lists[name] = Listed(name, self._literals.get(name, ()), others, self._patience)
        return self.lists[name]

    def is_told_apart(self, name: str, asked: object) -> bool:
        """Say whether the items of a list do for a question about some item."""
        known = self._asked.get(name, [])
        return asked not in known or known.index(asked) < MAX_OTHERS

    def _make(self, field: Field) -> None:
        name = field.name
        self.known[name] = z3.Bool(f"{name} known") if field.unknown is None else YES
        value: Any
        lowest, highest = field.lowest, field.highest
        if field.kind == Kind.BOOL:
            self.values[name] = z3.Bool(name)
            return
        if name in self.classes:
            count = len(self.classes[name])
            self.values[name] = z3.BitVec(name, max(1, (count - 1).bit_length()))
            self._constraints.append(z3.ULE(self.values[name], count - 1))
            return
        if field.kind == Kind.STRING and not field.values:
            self.values[name] = z3.String(name)
            return
        if field.kind == Kind.DOUBLE:
            value = z3.Real(name)
        else:
            value = z3.Int(name)
            if field.values:
                lowest, highest = 0, len(field.values) - 1
            elif field.kind == Kind.TIMESTAMP:
                lowest, highest = _FIRST_INSTANT, _LAST_INSTANT
            else:
                lowest, highest = INT_MIN if lowest is None else lowest, INT_MAX if highest is None else highest
        self.values[name] = value
        self._constraints += [] if lowest is None else [value >= lowest]
        self._constraints += [] if highest is None else [value <= highest]

    def _keep_together(self) -> None:
        """Say what `tiergate.policy.request_of` keeps together: no request is of what nobody could have said."""
        # What is said only where something else is so.
        for name, needed in _ONLY_WHERE.items():
            if name in self.values:
                is_said = self.field(name).value if FIELDS[name].kind == Kind.BOOL else self.known[name]
                self._constraints.append(z3.Implies(is_said, _holds(self.field(needed))))
        if "assurance.level" in self.values:
            level = self.field("assurance.level").value
            self._constraints.append(z3.Implies(level > 0, self.field("session.is_present").value))
            for flag in ("assurance.is_phishing_resistant", "assurance.is_device_bound"):
                self._constraints.append(z3.Implies(level >= len(_LEVELS), self.field(flag).value))
        if "action.sensitivity" in self.values:
            is_standard = self.field("action.sensitivity").value == _SENSITIVITIES.index(Sensitivity.STANDARD)
            self._constraints.append(z3.Implies(self.is_empty("action.feature"), is_standard))
        if "time.hour" in self.values and "time.weekday" in self.values:
            self._constraints.append(self.known["time.hour"] == self.known["time.weekday"])

    def _count(self, node: Node) -> None:
        """Note what a part of a condition asks of a list."""
        match node:
            case Call(function="@in", arguments=(Literal(value=str() as text), Name() as over)):
                self._note(over.name, [text])
            case Call(function="@in", arguments=(_, Name() as over)):
                self._note(over.name, [], key_of(node))
            case Each(over=Items() as over, variable=variable, body=body):
                # Each item that is written out is asked for where the variable is.
                texts = [one.value for one in over.items if isinstance(one, Literal)]
                for part in walk(body):
                    match part:
                        case Call(function="@in", arguments=(Name(name=name), Name() as sought)) if name == variable:
                            self._note(sought.name, [one for one in texts if isinstance(one, str)])
            case Each(over=Name() as over):
                texts = [one.value for one in walk(node.body) if isinstance(one, Literal)]
                self._note(over.name, [one for one in texts if isinstance(one, str)], key_of(node))

    def _count_scopes(self, rule: Rule) -> None:
        for glob in rule.scopes:
            if "*" in glob:
                self._note("action.scopes", [], glob)
            else:
                self._note("action.scopes", [glob])

    def _note(self, name: str, literals: Iterable[str], asked: object = None) -> None:
        self._literals.setdefault(name, set()).update(one for one in literals if text_of(one) is not None)
        known = self._asked.setdefault(name, [])
        if asked is not None and asked not in known and not _is_of_literals(asked):
            known.append(asked)


# Only rules' globs are found by these, and most conditions ask of them no more than globs do.
_NAMED: Final = ("action.name", "action.feature")
_LEVELS: Final = ("aal1", "aal2", "aal3")
_SENSITIVITIES: Final = FIELDS["action.sensitivity"].values
_ONLY_WHERE: Final = {
    "transaction.type": "transaction.is_present",
    "transaction.amount": "transaction.is_present",
    "transaction.currency": "transaction.is_present",
    "origin.country": "origin.is_located",
    "session.age": "session.is_present",
    "assurance.age": "assurance.level",
    "assurance.is_phishing_resistant": "assurance.level",
    "assurance.is_device_bound": "assurance.level",
}


def _holds(term: Term) -> Any:
    """Say that a flag is set, or a number more than nothing."""
    return term.value if z3.is_bool(term.value) else term.value > 0


def _count_names(node: Node, patterns: dict[str, set[Pattern] | None]) -> None:
    """Note by which patterns a condition tells names apart; None where it asks anything else of one."""
    asked = read_question(node)
    if asked is not None and asked.name in patterns:
        patterns[asked.name] = _more(patterns[asked.name], asked.patterns)
        return
    if isinstance(node, Name) and node.name in patterns:
        patterns[node.name] = None
    for part in parts(node):
        _count_names(part, patterns)


def _more(known: set[Pattern] | None, others: Iterable[Pattern]) -> set[Pattern] | None:
    return None if known is None else known | set(others)


def key_of(node: Node) -> object:
    """Give what an expression says, wherever it stands."""
    match node:
        case Literal():
            # Nought has two signs, which Python takes for one.
            return ("literal", node.kind, repr(node.value) if node.kind == "double" else node.value)
        case Name():
            return ("name", node.name)
        case Call():
            return ("call", node.function, *map(key_of, node.arguments))
        case Each():
            return ("each", node.macro, node.variable, key_of(node.over), key_of(node.body))
        case Items():
            return ("items", *map(key_of, node.items))
        case _:
            return ("other", *map(key_of, parts(node)))


def _is_of_literals(asked: object) -> bool:
    """Say whether some item is asked to be a literal, so that literals alone answer it."""
    match asked:
        case ("each", "exists", variable, _, ("call", "_==_", ("name", name), ("literal", "string", _))):
            return bool(variable == name)
        case ("each", "exists", variable, _, ("call", "@in", ("name", name), ("items", *items))):
            return variable == name and all(isinstance(one, tuple) and one[0] == "literal" for one in items)
    return False
