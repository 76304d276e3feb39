"""What a bundle says of one request, rule by rule, in sentences."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from msgspec import Struct

from tiergate.policy.bundle import Bundle, Verdict
from tiergate.policy.cases import Outcome, outcome_of
from tiergate.policy.request import Request
from tiergate.policy.rules import Rule
from tiergate.policy.schema import FIELDS
from tiergate.policy.wording import in_words, listed
from tiergate.requirements import Requirement, join

_NOT_KNOWN: Final = "not known"


class Read(Struct, frozen=True, kw_only=True):
    """A field that a rule read. value: as a sentence has it; what is not known says so."""

    name: str
    value: str


class Told(Struct, frozen=True, kw_only=True):
    """What one rule says of a request.

    is_about: the request is one that the rule is about; else it was not asked. holds: None where it was not asked or
    could not be judged; then ``note`` says why.
    """

    rule: Rule
    is_about: bool
    holds: bool | None = None
    note: str = ""
    read: tuple[Read, ...] = ()

    def __str__(self) -> str:
        """Say it in a sentence."""
        where = f"({self.rule.file}:{self.rule.line}, {self.rule.owner})"
        if not self.is_about:
            return f"{self.rule.id} is not about this. {where}"
        facts = f", since {listed(f'{one.name} is {one.value}' for one in self.read)}" if self.read else ""
        if self.holds is None:
            return f"{self.note}, so it forbids. {where}"
        if not self.holds:
            return f"{self.rule.id} does not hold{facts}. {where}"
        asks = "forbids" if self.rule.requirement is None else f"asks for {in_words(self.rule.requirement)}"
        return f"{self.rule.id} {asks}{facts}: {self.rule.because!r} {where}"


class Explained(Struct, frozen=True, kw_only=True):
    """What a bundle says of a request.

    requirement: all that is asked, joined; None where nothing is. told: every rule of the bundle, by id. troubles: why
    the policy itself could not be asked.
    """

    request: Request
    digest: str
    outcome: Outcome
    requirement: Requirement | None
    told: tuple[Told, ...]
    troubles: tuple[str, ...] = ()

    def sentences(self) -> Iterator[str]:
        """Say it in sentences: what comes of it first, what asks or forbids next, the rest after."""
        yield self._answer()
        yield from (f"{one}, so it forbids." for one in self.troubles)
        about = [one for one in self.told if one.is_about]
        yield from map(str, sorted(about, key=_rank))
        others = [one.rule.id for one in self.told if not one.is_about]
        if others:
            yield f"Not about this: {listed(others)}."

    def _answer(self) -> str:
        action = self.request.action.name or "An action that is not known"
        match self.outcome:
            case Outcome.FORBIDS:
                asked = "" if self.requirement is None else f" What is asked besides: {in_words(self.requirement)}."
                return f"{action} is forbidden, whatever anybody shows.{asked}"
            case Outcome.ASKS if self.requirement is not None:
                return f"{action} takes {in_words(self.requirement)}."
        return f"{action}: these rules ask nothing and forbid nothing."

    def to_json(self) -> dict[str, object]:
        """Write it as a JSON object."""
        return {
            "digest": self.digest,
            "request": self.request.to_json(),
            "outcome": self.outcome.value,
            "requirement": None if self.requirement is None else self.requirement.to_json(),
            "rules": [_written(one) for one in self.told],
            "troubles": list(self.troubles),
        }


def explain(bundle: Bundle, request: Request) -> Explained:
    """Explain what a bundle says of a request: each rule, whether it is about it, holds, and what it asks.

    :raises Exception: the request is none (`Request.from_json` makes none such).
    """
    judged = bundle.ask(request)
    verdicts = {one.rule.id: one for one in bundle.judge(request)}
    return Explained(
        request=request,
        digest=bundle.digest,
        outcome=outcome_of(judged),
        requirement=join(judged.contributions),
        told=tuple(_told(rule, verdicts.get(rule.id), request) for rule in bundle.rules.values()),
        troubles=tuple(one.because for one in judged.forbids if one.source == "policy"),
    )


def _told(rule: Rule, verdict: Verdict | None, request: Request) -> Told:
    if verdict is None:
        return Told(rule=rule, is_about=False)
    fields = [] if rule.when is None else sorted(rule.when.fields)
    read = tuple(Read(name=name, value=_value(name, request)) for name in fields)
    return Told(rule=rule, is_about=True, holds=verdict.holds, note=verdict.note, read=read)


def _value(name: str, request: Request) -> str:
    """Say the value of a field as a rule reads it."""
    value = attrgetter(name)(request)
    if not FIELDS[name].admits(value):
        return _NOT_KNOWN
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"[{', '.join(map(_quoted, value))}]"
        case str():
            return _quoted(value)
    return str(value)


def _quoted(text: str) -> str:
    """Quote a text, without what would move a terminal's cursor."""
    return repr(str(text))


def _rank(told: Told) -> tuple[bool, bool, str]:
    """Put first what forbids, then what asks, then what does neither."""
    is_forbidding = told.holds is None or (told.holds and told.rule.requirement is None)
    return not is_forbidding, told.holds is False, told.rule.id


def _written(told: Told) -> dict[str, object]:
    rule = told.rule
    return {
        "id": rule.id,
        "file": rule.file,
        "line": rule.line,
        "owner": rule.owner,
        "because": rule.because,
        "is_about": told.is_about,
        "holds": told.holds,
        "note": told.note,
        "read": {one.name: one.value for one in told.read},
        "asks": None if rule.requirement is None else rule.requirement.to_json(),
        "forbids": told.is_about and (told.holds is None or (told.holds and rule.requirement is None)),
    }
