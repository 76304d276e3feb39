"""The same 1,000 questions for both sides, and what is the right answer to each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from bench.catalogue_large import ENVIRONMENTS, PROVED_BEFORE, Class, Rule, list_rules, role_of
from bench.seed_large import Person

# What a class of action is answered: our outcome, Cerbos's effect.
ANSWERS: Mapping[Class, tuple[str, str]] = {
    Class.ROUTINE: ("allow", "EFFECT_ALLOW"),
    Class.PREMIUM: ("allow", "EFFECT_ALLOW"),
    Class.REGULATED: ("step_up", "EFFECT_DENY"),
}
TITLES: Mapping[Class, str] = {
    Class.ROUTINE: "routine allow",
    Class.PREMIUM: "premium allow",
    Class.REGULATED: "step_up refusal",
}

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request as it goes out: a header of its own, and JSON. want: the outcome or effect of the right answer."""

    authorization: str
    body: str
    want: str


def ours(people: Sequence[Person], of: Class, *, looks: bool = False) -> list[Prepared]:
    """Ask Tiergate about everybody, one action each: AuthZEN 1.0. looks: the requests tell where they come from, and by what browser."""
    return [
        _ours(person, rule, environment, ANSWERS[of][0], looks=looks_of(person) if looks else {})
        for person, rule, environment in _asked(people, of)
    ]


def looks_of(person: Person) -> dict[str, str]:
    """Tell how the person's requests look, as a request's context does: each at an address of their own."""
    number = int(person.subject_id)
    return {"ip": f"203.0.{number // 100}.{number % 100 + 1}", "user_agent": _BROWSER}


def cerboses(people: Sequence[Person], of: Class, *, kinds: int) -> list[Prepared]:
    """Ask Cerbos the same; ``kinds``: of how many types of resource it has policies."""
    return [
        _cerboses(person, rule, environment, ANSWERS[of][1], kinds=kinds)
        for person, rule, environment in _asked(people, of)
    ]


def our_refusals(people: Sequence[Person]) -> list[Prepared]:
    """Ask Tiergate what must not be allowed: it would be easy to be fast by saying yes."""
    person, stranger = people[0], people[-1]
    rule = next(one for one in list_rules() if one.kind == person.kind)
    beyond = next(one for one in list_rules() if one.kind not in {person.kind, person.kind + 1})
    others = replace(person, session=stranger.session)
    nobody = replace(person, subject_id="nobody")
    return [
        _ours(person, beyond, ENVIRONMENTS[0], "deny"),
        _ours(others, rule, ENVIRONMENTS[0], "deny"),
        _ours(nobody, rule, ENVIRONMENTS[0], "deny"),
    ]


def cerbos_refusals(people: Sequence[Person], *, kinds: int) -> list[Prepared]:
    """Ask Cerbos what must not be allowed: a role, a level, a tenant and a plan that do not do."""
    person = people[0]
    rule = next(one for one in list_rules() if one.kind == person.kind and one.of == Class.PREMIUM)
    wanted = "EFFECT_DENY"
    changed: list[dict[str, Any]] = [{"level": 1}, {"tenant": "another"}, {"plan": "none"}, {"age": 10**6}]
    wrong_role = replace(person, roles=("visitor",))
    return [
        _cerboses(wrong_role, rule, ENVIRONMENTS[0], wanted, kinds=kinds),
        *(_cerboses(person, rule, ENVIRONMENTS[0], wanted, kinds=kinds, changed=one) for one in changed),
    ]


def _asked(people: Sequence[Person], of: Class) -> list[tuple[Person, Rule, str]]:
    rules = [rule for rule in list_rules() if rule.of == of]
    asked = []
    for number, person in enumerate(people):
        fitting = [rule for rule in rules if rule.kind == person.kind]
        # Neighbours differ in tenant, action and environment.
        asked.append((person, fitting[number % len(fitting)], ENVIRONMENTS[number // 3 % len(ENVIRONMENTS)]))
    step = 617  # has no divisor in common with 1,000
    return [asked[number * step % len(asked)] for number in range(len(asked))]


def _ours(
    person: Person, rule: Rule, environment: str, want: str, *, looks: Mapping[str, str] = MappingProxyType({})
) -> Prepared:
    document = {
        "subject": {"type": "user", "id": person.subject_id},
        "action": {"name": rule.action},
        "resource": {"type": rule.resource_type, "id": f"d{person.subject_id}"},
        "context": {"session": person.session, "environment": environment, **looks},
    }
    return Prepared(f"Bearer {person.secret}", _json(document), want)


def _cerboses(
    person: Person,
    rule: Rule,
    environment: str,
    want: str,
    *,
    kinds: int,
    changed: Mapping[str, Any] | None = None,
) -> Prepared:
    kind = rule.kind % kinds
    roles = [role_of(kind) if role == rule.role else role for role in person.roles]
    told = {"tenant": person.tenant, "plan": person.plan, "level": 2, "age": PROVED_BEFORE}
    document = {
        "requestId": f"r{person.subject_id}",
        "principal": {"id": person.subject_id, "roles": roles, "attr": {**told, **(changed or {})}},
        "resources": [
            {
                "resource": {
                    "kind": f"dossier{kind:02}",
                    "id": f"d{person.subject_id}",
                    "attr": {"tenant": person.tenant, "environment": environment},
                },
                "actions": [rule.action.partition(".")[2]],
            }
        ],
    }
    return Prepared("", _json(document), want)


def _json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))
