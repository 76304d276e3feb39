"""A bundle: rules that are compiled together, named by the hash of what they say, and asked together."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

from msgspec import Struct

from tiergate.facts import Facts, Forbid
from tiergate.policy import limits
from tiergate.policy.changing import Clock
from tiergate.policy.expressions import activation
from tiergate.policy.from_facts import READERS, assurance_of, feature_of
from tiergate.policy.index import Names
from tiergate.policy.nodes import Members
from tiergate.policy.request import Request
from tiergate.policy.rules import Rule
from tiergate.policy.schema import FIELDS, Kind
from tiergate.policy.together import Together
from tiergate.requirements import Contribution

_DOMAIN: Final = b"tiergate-policy-v1\x00"
_REMEMBERED: Final = 4096
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


class Judged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a bundle says of one request.

    matched: the ids of the rules that hold, in order; those that could not be judged are among ``forbids`` alone.
    next_change_at: before it, time alone changes none of this; None where that is not known, or it never does. Only
    where facts were judged: a request does not say enough of time.
    """

    contributions: tuple[Contribution, ...] = ()
    forbids: tuple[Forbid, ...] = ()
    matched: tuple[str, ...] = ()
    next_change_at: datetime | None = None


class Verdict(NamedTuple):
    """What one rule says of one request that it is about.

    holds: None where it could not be judged, which refuses. note: why it could not, for an operator.
    """

    rule: Rule
    holds: bool | None
    note: str = ""


class About(Struct, frozen=True, kw_only=True):
    """What a bundle is. owner: who answers for it."""

    name: str
    description: str
    owner: str


_NOTHING: Final = Judged()


class Bundle:
    """Rules to be asked, made by `tiergate.policy.compile_bundle` alone.

    digest: SHA-256 in hex over all that the bundle says, however it is laid out in files. rules: by id, in order.
    invariants, tests: what stands in those folders, with places, for who proves and tries them.
    """

    def __init__(
        self, about: About, rules: Sequence[Rule], invariants: Sequence[Members], tests: Sequence[Members], said: object
    ) -> None:
        self.about = about
        self.rules: Mapping[str, Rule] = {one.id: one for one in sorted(rules, key=lambda one: one.id)}
        self.invariants = tuple(invariants)
        self.tests = tuple(tests)
        self.digest = hashlib.sha256(_DOMAIN + _canonical(said).encode()).hexdigest()
        ordered = tuple(self.rules.values())
        self._ordered = ordered
        self._actions = Names([one.actions for one in ordered])
        self._features = Names([one.features for one in ordered])
        self._scopes = Names([one.scopes for one in ordered])
        self._find = lru_cache(maxsize=_REMEMBERED)(self._find_afresh)
        self._found = lru_cache(maxsize=_REMEMBERED)(self._find_rules)

    def ask(self, request: Request) -> Judged:
        """Judge a request by every rule that is about it.

        Never raises: a rule that cannot be judged forbids, and so does anything else that goes wrong.
        """
        try:
            found = self._about_request(request)
            return self._ask(found, *found.read_request(request))
        except Exception as error:  # noqa: BLE001 - an exception is never an allow, whatever it is
            return _unasked(error)

    def ask_about(self, facts: Facts) -> Judged:
        """Judge what a decision is to be made from; what comes of it is to be added to those facts.

        Never raises, as `ask` does not, whatever the facts hold.
        """
        try:
            found = self._about(facts.action_name, feature_of(facts), facts.circumstances.scopes)
            if not found.rules:
                return _NOTHING
            return self._ask(found, *found.read(facts), changes_at=found.clock.next_change(facts))
        except Exception as error:  # noqa: BLE001 - as above
            return _unasked(error)

    def _ask(self, found: "_Found", given: Any, absent: Sequence[str], *, changes_at: datetime | None = None) -> Judged:
        """Ask the rules that were found. given: what they read, as CEL takes it. absent: what of it is not known."""
        asked, forbids, matched = [], [], []
        for (rule, says), (is_held, words) in zip(found.rules, found.conditions.ask(given), strict=True):
            if is_held is None:
                forbids.append(Forbid(source=rule.source, because=_note(rule, absent, words)))
            elif is_held:
                matched.append(rule.id)
                if isinstance(says, Forbid):
                    forbids.append(says)
                else:
                    asked.append(says)
        return Judged(
            contributions=tuple(asked), forbids=tuple(forbids), matched=tuple(matched), next_change_at=changes_at
        )

    def judge(self, request: Request) -> tuple[Verdict, ...]:
        """Give the verdict of every rule that is about a request, in the order of their ids, for who explains.

        :raises Exception: the request is none; `ask` makes that a refusal.
        """
        found = self._about_request(request)
        given, absent = found.read_request(request)
        verdicts = []
        for (rule, _), (is_held, words) in zip(found.rules, found.conditions.ask_each(given), strict=True):
            verdicts.append(Verdict(rule, is_held, "" if is_held is not None else _note(rule, absent, words)))
        return tuple(verdicts)

    def _about_request(self, request: Request) -> "_Found":
        action = request.action
        return self._about(action.name, action.feature, action.scopes)

    def _about(self, name: str | None, feature: str | None, scopes: tuple[str, ...] | None) -> "_Found":
        """Find the rules that are about a request; where it is not known what it is about, all of them."""
        return self._find(
            # A name is never empty; a feature is where the action needs none.
            name if name and _is_name(name) else None,
            feature if _is_name(feature) else None,
            scopes if _are_names(scopes) else None,
        )

    def _find_afresh(self, action: str | None, feature: str | None, scopes: tuple[str, ...] | None) -> "_Found":
        numbers = self._actions.find(action) & self._features.find(feature) & self._scopes.find_any(scopes)
        return self._found(tuple(sorted(numbers)))

    def _find_rules(self, numbers: tuple[int, ...]) -> "_Found":
        return _Found([self._ordered[number] for number in numbers])


class _Found:
    """The rules about one kind of request, with what each says when it holds, and what they read between them."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.clock = Clock(rules)
        self.rules = tuple((rule, _says(rule)) for rule in rules)
        self.conditions = Together([rule.when for rule in rules])
        self._is_conditional = any(rule.when is not None for rule in rules)
        read = {name for rule in rules if rule.when is not None for name in rule.when.fields}
        assurance = sorted(read - READERS.keys())
        names = [*sorted(read & READERS.keys()), *assurance]
        self._fields = tuple((name, FIELDS[name].check()) for name in names)
        self._lists = tuple(name for name in names if FIELDS[name].kind == Kind.STRINGS)
        self._readers = tuple(READERS[name] for name in names if name in READERS)
        self._assurance = tuple(FIELDS[name].member for name in assurance)
        # The action's name besides, since of one name alone no tuple would come.
        self._get = attrgetter(*names, "action.name", "action.name")

    def read(self, facts: Facts) -> tuple[Any, list[str]]:
        """Read what the rules ask for, as CEL takes it, and name what is not known of it."""
        values = [read(facts) for read in self._readers]
        if self._assurance:
            shown = assurance_of(facts)
            values += [getattr(shown, member) for member in self._assurance]
        return self._known(values)

    def read_request(self, request: Request) -> tuple[Any, list[str]]:
        """Read the same of a request."""
        return self._known(self._get(request))

    def _known(self, values: Sequence[object]) -> tuple[Any, list[str]]:
        absent: list[str] = []
        if not self._is_conditional:
            return None, absent
        known: dict[str, Any] = {}
        for (name, check), value in zip(self._fields, values, strict=False):
            if check(value):
                known[name] = value
            else:
                absent.append(name)
        for name in self._lists:
            if name in known:
                # CEL takes no tuple for a list.
                known[name] = list(known[name])
        return activation(known), absent


_is_name: Final = FIELDS["action.name"].check()
_are_names: Final = FIELDS["action.scopes"].check()


def _unasked(error: Exception) -> Judged:
    because = f"the policy could not be asked: {type(error).__name__}"
    return Judged(forbids=(Forbid(source="policy", because=because),))


def _says(rule: Rule) -> Contribution | Forbid:
    if rule.requirement is None:
        return Forbid(source=rule.source, because=rule.because)
    return Contribution(source=rule.source, requirement=rule.requirement, because=rule.because)


def _note(rule: Rule, absent: Sequence[str], words: str) -> str:
    """Say why a rule could not be judged, for an operator."""
    unknown = [] if rule.when is None else [name for name in absent if name in rule.when.fields]
    if unknown:
        return f"{rule.id} cannot be judged: {', '.join(unknown)} not known"
    return f"{rule.id} cannot be judged: {words.partition(': ')[2] or words}"[: limits.MAX_SENTENCE]
