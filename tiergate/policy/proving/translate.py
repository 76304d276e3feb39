"""Conditions and what rules are about, as Z3 has them, over a domain of requests.

What is not translated may be anything at all, an error too: it is never left out, so nothing is proved by its absence.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

import z3

from tiergate.policy.globs import ANY, WITHIN, pieces
from tiergate.policy.proving.domain import EPOCH, TICK, Domain, key_of
from tiergate.policy.proving.names import read_question
from tiergate.policy.proving.terms import (
    YES,
    Term,
    choose,
    conjoin,
    disjoin,
    either,
    negate,
    strict,
    text_of,
    whole,
)
from tiergate.policy.rules import Rule
from tiergate.policy.schema import FIELDS
from tiergate.policy.tree import Call, Each, Items, Literal, Name, Node, walk

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_SORTS: Final[Mapping[str, Any]] = {
    "bool": z3.BoolSort(),
    "int": z3.IntSort(),
    "double": z3.RealSort(),
    "string": z3.StringSort(),
    "timestamp": z3.IntSort(),
}
_COMPARED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "_<_": lambda one, other: one < other,
    "_<=_": lambda one, other: one <= other,
    "_>_": lambda one, other: one > other,
    "_>=_": lambda one, other: one >= other,
}
_TEXTS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "startsWith": lambda text, part: z3.PrefixOf(part, text),
    "endsWith": lambda text, part: z3.SuffixOf(part, text),
    "contains": z3.Contains,
}
_LOGIC: Final[Mapping[str, Callable[[Sequence[Term]], Term]]] = {
    "_&&_": conjoin,
    "_||_": disjoin,
    "!_": lambda terms: negate(terms[0]),
}
_TEXT: Final = z3.ReSort(z3.StringSort())
_ANYTHING: Final = z3.Full(_TEXT)
_NO_DOT: Final = z3.Star(z3.Union(z3.Range("\\u{0}", "-"), z3.Range("/", "\\u{2ffff}")))


class _OutsideError(Exception):
    """What is not translated, by a word for it."""


class Translation:
    """Translates over one domain. outside: what was not translated, by the id of the rule that it stands in."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._unknowns = 0
        self._same: dict[object, Term] = {}
        self._rule = ""
        self.outside: dict[str, set[str]] = {}

    def is_about(self, rule: Rule) -> Any:
        """Say that a rule is about the request: whatever is not known of what is asked for, it is about."""
        return z3.And(
            self._is_named("action.name", rule.actions, is_empty_known=False),
            self._is_named("action.feature", rule.features, is_empty_known=True),
            self._has_scope(rule.scopes),
        )

    def holds(self, rule: Rule) -> Term:
        """Say that a rule's condition holds, or errs."""
        if rule.when is None:
            return Term(YES)
        self._rule = rule.id
        return self._term(rule.when.tree, {})

    def _is_named(self, name: str, globs: Sequence[str], *, is_empty_known: bool) -> Any:
        if not globs:
            return YES
        text, is_unknown = self._domain.field(name)
        is_empty = self._domain.is_empty(name)
        if name in self._domain.classes:
            found = z3.And(z3.Not(is_empty), self._domain.matches(name, map(pieces, globs)))
        else:
            found = self._matches(text, globs)
        return z3.Or(is_unknown, found) if is_empty_known else z3.Or(is_unknown, is_empty, found)

    def _has_scope(self, globs: Sequence[str]) -> Any:
        if not globs:
            return YES
        scopes = self._domain.listed("action.scopes")
        found = [z3.And(is_in, self._matches(text, globs)) for is_in, text in scopes.items()]
        if not all("*" not in one or self._domain.is_told_apart("action.scopes", one) for one in globs):
            found.append(z3.And(scopes.size > 0, self._unknown("bool").value))
        return z3.Or(z3.Not(scopes.known), *found)

    def _matches(self, text: Any, globs: Sequence[str]) -> Any:
        """Say that a text matches a glob; "" matches none, as rules are found."""
        return z3.And(text != z3.StringVal(""), either([_is_match(text, one) for one in globs]))

    def _term(self, node: Node, bound: Mapping[str, Any]) -> Term:
        """Translate a part of a condition; what cannot be is unknown. bound: the variable of a macro, with its text."""
        try:
            return self._inside(node, bound)
        except _OutsideError as outside:
            self.outside.setdefault(self._rule, set()).add(str(outside))
            if bound or not isinstance(node, Call | Each):
                return self._unknown(node.kind)
            # Of one request the same words say the same, wherever they stand.
            key = key_of(node)
            if key not in self._same:
                self._same[key] = self._unknown(node.kind)
            return self._same[key]

    def _unknown(self, kind: str) -> Term:
        self._unknowns += 1
        value = z3.Const(f"? {self._unknowns}", _SORTS[kind]) if kind in _SORTS else None
        return Term(value, z3.Bool(f"? {self._unknowns} errs"))

    def _inside(self, node: Node, bound: Mapping[str, Any]) -> Term:
        match node:
            case Literal():
                return _literal(node)
            case Name(name=name) if name in bound:
                return Term(bound[name])
            case Name() if node.kind in _SORTS and not FIELDS[node.name].values:
                return self._domain.field(node.name)
            case Each():
                return self._each(node, bound)
            case Call():
                return self._call(node, bound)
        raise _OutsideError(f"a {node.kind}")

    def _call(self, node: Call, bound: Mapping[str, Any]) -> Term:
        asked = read_question(node)
        if asked is not None and asked.name in self._domain.classes:
            found = self._domain.matches(asked.name, asked.patterns)
            return Term(z3.Not(found) if asked.is_not else found, self._domain.field(asked.name).errs)
        special = self._SPECIAL.get(node.function)
        if special is not None:
            return special(self, node, bound)
        terms = [self._term(one, bound) for one in node.arguments]
        kinds = [one.kind for one in node.arguments]
        if node.function in _LOGIC:
            return _LOGIC[node.function](terms)
        if node.function in _COMPARED and kinds[0] == kinds[1] and kinds[0] in {"int", "double", "timestamp"}:
            return strict(_COMPARED[node.function](terms[0].value, terms[1].value), terms)
        if node.function in _TEXTS and kinds == ["string", "string"]:
            return strict(_TEXTS[node.function](terms[0].value, terms[1].value), terms)
        if node.kind == "int" and set(kinds) == {"int"}:
            return _reckon(node, terms)
        raise _OutsideError(node.function.strip("_@"))

    def _choose(self, node: Call, bound: Mapping[str, Any]) -> Term:
        if node.kind not in _SORTS:
            raise _OutsideError(f"a {node.kind}")
        return choose(*[self._term(one, bound) for one in node.arguments])

    def _unequal(self, node: Call, bound: Mapping[str, Any]) -> Term:
        return negate(self._equal(node, bound))

    def _equal(self, node: Call, bound: Mapping[str, Any]) -> Term:
        one, other = node.arguments
        for field, literal in ((one, other), (other, one)):
            if isinstance(field, Name) and isinstance(literal, Literal) and _values(field):
                term = self._domain.field(field.name)
                return Term(term.value == _values(field).index(str(literal.value)), term.errs)
        if one.kind != other.kind or one.kind not in _SORTS:
            raise _OutsideError(f"{one.kind} == {other.kind}")
        terms = [self._term(part, bound) for part in (one, other)]
        return strict(terms[0].value == terms[1].value, terms)

    def _in(self, node: Call, bound: Mapping[str, Any]) -> Term:
        sought, over = node.arguments
        if isinstance(over, Items):
            if isinstance(sought, Name) and _values(sought):
                term = self._domain.field(sought.name)
                numbers = [_values(sought).index(str(one.value)) for one in over.items if isinstance(one, Literal)]
                return Term(either([term.value == one for one in numbers]), term.errs)
            if any(one.kind != sought.kind for one in over.items) or sought.kind not in _SORTS:
                raise _OutsideError("in")
            terms = [self._term(one, bound) for one in (sought, *over.items)]
            return strict(either([terms[0].value == one.value for one in terms[1:]]), terms)
        if not isinstance(over, Name) or sought.kind != "string":
            raise _OutsideError("in")
        if isinstance(sought, Literal):
            if text_of(str(sought.value)) is None:
                raise _OutsideError("a character of a plane that Z3 has not")
        elif any(isinstance(one, Name) and one.name in bound for one in walk(sought)):
            # INVARIANT: each item asks a question of its own then, and a list tells apart one item for each question.
            # What is written out is told apart in any case.
            if not isinstance(sought, Name) or not z3.is_string_value(bound[sought.name]):
                raise _OutsideError("items of one list in another")
        else:
            self._tell_apart(over.name, node)
        listed, term = self._domain.listed(over.name), self._term(sought, bound)
        found = either([z3.And(is_in, text == term.value) for is_in, text in listed.items()])
        return Term(found, z3.Or(term.errs, z3.Not(listed.known)))

    def _tell_apart(self, name: str, node: Node) -> None:
        if not self._domain.is_told_apart(name, key_of(node)):
            raise _OutsideError(f"more than can be told apart of {name}")

    def _size(self, node: Call, bound: Mapping[str, Any]) -> Term:
        over = node.arguments[0]
        if isinstance(over, Name) and over.kind == "list(string)":
            listed = self._domain.listed(over.name)
            return Term(listed.size, z3.Not(listed.known))
        if over.kind == "string":
            term = self._term(over, bound)
            return Term(z3.Length(term.value), term.errs)
        raise _OutsideError(f"size of {over.kind}")

    def _instant(self, node: Call, _: Mapping[str, Any]) -> Term:
        return _timestamp(node.arguments[0])

    def _each(self, node: Each, bound: Mapping[str, Any]) -> Term:
        if node.macro not in {"all", "exists"}:
            raise _OutsideError(node.macro)
        if isinstance(node.over, Items):
            items = [(YES, self._term(one, bound)) for one in node.over.items]
            is_unknown = either([one.errs for _, one in items])
        elif isinstance(node.over, Name):
            self._tell_apart(node.over.name, node)
            listed = self._domain.listed(node.over.name)
            items = [(is_in, Term(text)) for is_in, text in listed.items()]
            is_unknown = z3.Not(listed.known)
        else:
            raise _OutsideError(f"{node.macro} of what is reckoned")
        said = [(is_in, self._term(node.body, {**bound, node.variable: item.value})) for is_in, item in items]
        if node.macro == "exists":
            found = disjoin([Term(z3.And(is_in, one.value), z3.And(is_in, one.errs)) for is_in, one in said])
        else:
            found = conjoin([Term(z3.Implies(is_in, one.value), z3.And(is_in, one.errs)) for is_in, one in said])
        return Term(found.value, z3.Or(is_unknown, found.errs))

    _SPECIAL: Final[Mapping[str, Callable[["Translation", Call, Mapping[str, Any]], Term]]] = {
        "_==_": _equal,
        "_!=_": _unequal,
        "_?_:_": _choose,
        "@in": _in,
        "size": _size,
        "timestamp": _instant,
    }


def _values(node: Name) -> tuple[str, ...]:
    field = FIELDS.get(node.name)
    return () if field is None else field.values


def _literal(node: Literal) -> Term:
    match node.value:
        case bool():
            return Term(z3.BoolVal(node.value))
        case int():
            return Term(z3.IntVal(node.value))
        case float():
            exact = Fraction(node.value)
            return Term(z3.RealVal(f"{exact.numerator}/{exact.denominator}"))
    text = text_of(str(node.value))
    if text is None:
        raise _OutsideError("a character of a plane that Z3 has not")
    return Term(text)


def _timestamp(given: Node) -> Term:
    if not isinstance(given, Literal) or not isinstance(given.value, str) or not _INSTANT.fullmatch(given.value):
        raise _OutsideError("timestamp")
    return Term(z3.IntVal((datetime.fromisoformat(given.value) - EPOCH) // TICK))


def _reckon(node: Call, terms: Sequence[Term]) -> Term:
    """Reckon with whole numbers; products and quotients only with what is written out."""
    values = [one.value for one in terms]
    literals = [one.value if isinstance(one, Literal) else None for one in node.arguments]
    divisor = literals[-1]
    match node.function:
        case "_+_":
            return whole(values[0] + values[1], terms)
        case "_-_":
            return whole(values[0] - values[1], terms)
        case "-_":
            return whole(-values[0], terms)
        case "_*_" if any(one is not None for one in literals):
            return whole(values[0] * values[1], terms)
        case "_/_" | "_%_" if isinstance(divisor, int) and divisor > 0:
            # CEL cuts off towards 0, Z3 goes down.
            quotient = z3.If(values[0] >= 0, values[0] / divisor, -(-values[0] / divisor))
            return strict(quotient if node.function == "_/_" else values[0] - divisor * quotient, terms)
    raise _OutsideError(f"{node.function.strip('_')} of what is not written out")


def _is_match(text: Any, glob: str) -> Any:
    """Say that a text matches one glob, as `tiergate.policy.globs` does."""
    if "*" not in glob:
        return text == text_of(glob)
    start = glob.removesuffix(ANY)
    if "*" not in start:
        return YES if not start else z3.PrefixOf(text_of(start), text)
    out = [{ANY: _ANYTHING, WITHIN: _NO_DOT}.get(one) for one in pieces(glob)]
    found = [z3.Re(one) if made is None else made for one, made in zip(pieces(glob), out, strict=True)]
    return z3.InRe(text, z3.Concat(*found) if len(found) > 1 else found[0])
