"""CEL's values and errors as Z3 has them: an error is a third truth value, which && and || may swallow."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import z3

from tiergate.policy.schema import INT_MAX, INT_MIN

YES: Final = z3.BoolVal(True)
NO: Final = z3.BoolVal(False)
# Z3's characters end there; those behind it are like any other that no literal names.
_LAST: Final = 0x2FFFF


class Term(NamedTuple):
    """What an expression gives. value: of no meaning where ``errs`` holds; both are Z3's."""

    value: Any
    errs: Any = NO

    @property
    def is_true(self) -> Any:
        """Say that it is plainly true."""
        return z3.And(self.value, z3.Not(self.errs))

    @property
    def is_false(self) -> Any:
        """Say that it is plainly false."""
        return z3.And(z3.Not(self.value), z3.Not(self.errs))


def either(parts: Sequence[Any]) -> Any:
    """Say that one of several holds; none of no parts does."""
    return z3.Or(*parts) if parts else NO


def every(parts: Sequence[Any]) -> Any:
    """Say that all of several hold; of no parts they do."""
    return z3.And(*parts) if parts else YES


def conjoin(terms: Sequence[Term]) -> Term:
    """Join by ``&&``: what is plainly false swallows errors."""
    is_true, is_false = every([one.is_true for one in terms]), either([one.is_false for one in terms])
    return Term(is_true, z3.Not(z3.Or(is_true, is_false)))


def disjoin(terms: Sequence[Term]) -> Term:
    """Join by ``||``: what is plainly true swallows errors."""
    is_true, is_false = either([one.is_true for one in terms]), every([one.is_false for one in terms])
    return Term(is_true, z3.Not(z3.Or(is_true, is_false)))


def negate(term: Term) -> Term:
    """Give ``!``."""
    return Term(z3.Not(term.value), term.errs)


def choose(condition: Term, one: Term, other: Term) -> Term:
    """Give ``? :``: the branch that is not taken errs for nobody."""
    errs = z3.Or(condition.errs, z3.If(condition.value, one.errs, other.errs))
    return Term(z3.If(condition.value, one.value, other.value), errs)


def strict(value: Any, terms: Iterable[Term]) -> Term:
    """Give a value that errs where any of its parts does."""
    return Term(value, either([one.errs for one in terms]))


def whole(value: Any, terms: Iterable[Term]) -> Term:
    """Give a whole number, which errs too where it does not fit into 64 bits."""
    found = strict(value, terms)
    return Term(value, z3.Or(found.errs, value < INT_MIN, value > INT_MAX))


def text_of(text: str) -> Any | None:
    """Give a text to Z3; None where it has no such characters."""
    if any(ord(one) > _LAST for one in text):
        return None
    # Z3 reads \u{…} in what it is given: a backslash is one of those itself.
    return z3.StringVal(text.replace("\\", "\\u{5c}"))
