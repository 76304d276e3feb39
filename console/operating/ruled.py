"""Rules in words: what each is about, when it holds and what it asks; and how two bundles differ, rule by rule. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from console.plan.wording import asked_in_words
from tiergate import Requirement
from tiergate.policy import Bundle, Rule
from tiergate.policy.nodes import to_plain

_ABOUT: Final = (("actions", "Actions"), ("features", "Features"), ("scopes", "Scopes"))
_SIGNED_IN: Final = "a sign-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInWords:
    """A rule. about: what it is about, by kind. when: its condition; "" where it always holds. asks: "" where it forbids."""

    id: str
    about: tuple[tuple[str, tuple[str, ...]], ...]
    when: str
    asks: str
    because: str
    owner: str

    @property
    def said(self) -> str:
        """Say what comes of it."""
        return f"asks {self.asks}" if self.asks else "forbids"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRule:
    """A rule that both bundles have, and that says something else in the newer. parts: which part, before, after."""

    id: str
    parts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleShift:
    """What is otherwise from one bundle to another. same: how many rules say what they said."""

    gone: tuple[RuleInWords, ...]
    changed: tuple[ChangedRule, ...]
    new: tuple[RuleInWords, ...]
    same: int

    @property
    def is_nothing(self) -> bool:
        """Say whether every rule says what it said."""
        return not (self.gone or self.changed or self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseInWords:
    """An invariant. waiver: who waives that it is proved, until when and why; "" where nobody does."""

    id: str
    about: tuple[tuple[str, tuple[str, ...]], ...]
    when: str
    says: str
    owner: str
    waiver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUpInWords:
    """A promise of the bundle before that is made no more. word: whose, until when and why; "" where nobody says so."""

    id: str
    word: str


def rule_in_words(rule: Rule) -> RuleInWords:
    """Put a rule into words."""
    return RuleInWords(
        id=rule.id,
        about=tuple((title, getattr(rule, name)) for name, title in _ABOUT if getattr(rule, name)),
        when="" if rule.when is None else rule.when.text,
        asks="" if rule.requirement is None else asked_in_words(rule.requirement) or _SIGNED_IN,
        because=rule.because,
        owner=rule.owner,
    )


def rules_in_words(bundle: Bundle) -> list[RuleInWords]:
    """Put a bundle's rules into words, in the order of their ids."""
    return [rule_in_words(one) for one in bundle.rules.values()]


def rule_shift(old: Bundle | None, new: Bundle | None) -> RuleShift:
    """Say what is otherwise, rule by rule. None: no bundle."""
    before, after = _rules_of(old), _rules_of(new)
    both = [(before[key], after[key]) for key in before if key in after]
    changed = [(one, other) for one, other in both if one.to_json() != other.to_json()]
    return RuleShift(
        gone=tuple(rule_in_words(one) for key, one in before.items() if key not in after),
        changed=tuple(
            ChangedRule(id=one.id, parts=_parts(rule_in_words(one), rule_in_words(other))) for one, other in changed
        ),
        new=tuple(rule_in_words(one) for key, one in after.items() if key not in before),
        same=len(both) - len(changed),
    )


def promises_in_words(bundle: Bundle) -> list[PromiseInWords]:
    """Put what a bundle promises into words; whatever of one is not understood is left out of its words."""
    return [_promise(said) for said in _said(bundle) if "given_up" not in said]


def given_up_in_words(bundle: Bundle, ids: Iterable[str] | None = None) -> list[GivenUpInWords]:
    """Put into words what a bundle says that it promises no more. ids: of these promises, said or not; None: of all said."""
    said = {str(one.get("id", "")): _word(one["given_up"]) for one in _said(bundle) if "given_up" in one}
    return [GivenUpInWords(id=one, word=said.get(one, "")) for one in (said if ids is None else ids)]


def waived_in_words(bundle: Bundle) -> list[GivenUpInWords]:
    """Put into words what a bundle promises and need not prove, by whose word."""
    return [GivenUpInWords(id=one.id, word=one.waiver) for one in promises_in_words(bundle) if one.waiver]


def _said(bundle: Bundle) -> list[dict[str, Any]]:
    return [said for one in bundle.invariants if isinstance(said := to_plain(one), dict)]


def _word(said: object) -> str:
    return f"{said.get('owner')}, until {said.get('until')}: {said.get('because')}" if isinstance(said, dict) else ""


def _rules_of(bundle: Bundle | None) -> Mapping[str, Rule]:
    return {} if bundle is None else bundle.rules


def _parts(old: RuleInWords, new: RuleInWords) -> tuple[tuple[str, str, str], ...]:
    """List the parts of a rule that are otherwise."""
    sides = (
        ("It", old.said, new.said),
        ("When", old.when or "always", new.when or "always"),
        ("About", _listed(old.about), _listed(new.about)),
        ("Because", old.because, new.because),
        ("Owner", old.owner, new.owner),
    )
    # What is left is a reason why nothing tries it.
    found = tuple((name, before, after) for name, before, after in sides if before != after)
    return found or (("Tests", "otherwise", "otherwise"),)


def _listed(about: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    return "; ".join(f"{title.lower()} {', '.join(names)}" for title, names in about)


def _promise(said: Mapping[str, Any]) -> PromiseInWords:
    on = said.get("on")
    targets = on if isinstance(on, dict) else {}
    return PromiseInWords(
        id=str(said.get("id", "")),
        about=tuple((title, tuple(map(str, targets[name]))) for name, title in _ABOUT if targets.get(name)),
        when=str(said.get("when") or ""),
        says=_promised(said),
        owner=str(said.get("owner", "")),
        waiver=_word(said.get("waiver")),
    )


def _promised(said: Mapping[str, Any]) -> str:
    if "never_below" in said:
        asked = asked_in_words(Requirement.from_json(said["never_below"])) or _SIGNED_IN
        return f"the rules never ask less than {asked}, or they forbid"
    if "forbidden" in said:
        return "the rules always forbid it"
    if "satisfiable_by" in said:
        return f"what the rules ask can be met with {' or '.join(map(str, said['satisfiable_by']))}"
    if "never_lowered" in said:
        return "the rules never ask less than those that were in force before"
    return "something that this page has no words for"
