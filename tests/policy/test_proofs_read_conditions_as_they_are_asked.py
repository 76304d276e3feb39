"""Z3 reads a condition as CEL asks it: of any request, whatever is known of it, both say true, false, or that it errs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import z3
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.kernel.strategies import facts as any_facts
from tests.policy.bundles import bundle, rule
from tiergate import Circumstances, Facts
from tiergate.policy import FIELDS, Kind, Request, Rule, request_of
from tiergate.policy.globs import is_match, pieces
from tiergate.policy.proving.domain import EPOCH, TICK, Domain
from tiergate.policy.proving.names import Class, tell_apart
from tiergate.policy.proving.terms import text_of
from tiergate.policy.proving.translate import Translation

TEXTS: Final = ("", "a", "ab", "a.b", "b", "admin", "\\u{61}", "é")
INSTANT: Final = datetime(2027, 1, 1, tzinfo=UTC)
NUMBERS: Final = st.sampled_from([-(1 << 63), -101, -100, -7, -1, 0, 1, 6, 7, 100, 250, (1 << 63) - 1])
VALUES: Final[Mapping[Kind, st.SearchStrategy[Any]]] = {
    Kind.BOOL: st.booleans(),
    Kind.INT: NUMBERS,
    Kind.DOUBLE: st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    Kind.STRING: st.sampled_from(TEXTS),
    Kind.STRINGS: st.lists(st.sampled_from(TEXTS), max_size=4),
    Kind.TIMESTAMP: st.sampled_from([INSTANT + one * TICK for one in (-1, 0, 1)]).map(datetime.isoformat),
}
ATOMS: Final = (
    "device.is_known",
    "subject.is_service",
    "subject.is_service == tenant.is_vendor",
    'risk.band == "high"',
    '"low" != risk.band',
    'risk.band in ["low", "unknown"]',
    "risk.score >= 0.1",
    "risk.score < 0.5",
    "assurance.level == 2",
    "time.hour < 7 || time.hour >= 20",
    "time.weekday in [1, 7]",
    "transaction.amount > 100",
    "transaction.amount + 1 > transaction.amount",
    "transaction.amount - 7 == 0",
    "-transaction.amount <= 7",
    "transaction.amount * 3 > 300",
    "transaction.amount / 100 == -1",
    "transaction.amount % 7 == -3",
    "(transaction.is_present ? transaction.amount : 0) >= 7",
    'time.now < timestamp("2027-01-01T00:00:00Z")',
    'time.now == timestamp("2027-01-01T01:00:00.000001+01:00")',
    'subject.id == "a"',
    "subject.id != tenant.id",
    'subject.id in ["a", "ab", tenant.id]',
    'subject.id == "\\\\u{61}"',
    'resource.id.startsWith("a")',
    'resource.id.endsWith(".b")',
    "resource.id.contains(subject.id)",
    "size(resource.id) == 2",
    '"admin" in subject.roles',
    "subject.id in subject.roles",
    'subject.roles.exists(r, r == "ab")',
    'subject.roles.exists(r, r.startsWith("a") && r != subject.id)',
    'subject.roles.all(r, r in ["a", "b"])',
    "subject.roles.all(r, r.size() < 2 || r == tenant.id)",
    "subject.roles.exists(r, transaction.amount > 100 && r == tenant.id)",
    "size(subject.roles) == 0",
    "plan.keys.size() > 2",
    '["a", "b"].exists(p, action.name.startsWith(p))',
    "[1, 7].all(n, n != time.hour)",
    '"a" in action.scopes',
    'action.name == "a" || "a.b" == action.name',
    'action.name in ["ab", "a.b", "admin"]',
    'action.name != "" && !action.name.contains("b")',
    'action.feature.startsWith("a.") || action.feature.endsWith("b")',
    'action.feature == ""',
    'action.feature != "*"',
    'subject.id.matches("^a")',
    "subject.roles.exists_one(r, r == 'a')",
)
CONDITIONS: Final = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||", "==", "!="]), inner).map(
            lambda one: f"({one[0]}) {one[1]} ({one[2]})"
        ),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(lambda one: f"({one[0]}) ? ({one[1]}) : ({one[2]})"),
    ),
    max_leaves=5,
)
GLOBS: Final = st.sampled_from(["a", "*", "**", "a*", "a.*", "*.b", "a**", "b"])
ONES: Final = st.fixed_dictionaries(
    {
        "actions": st.lists(GLOBS, max_size=2),
        "features": st.lists(GLOBS, max_size=2),
        "scopes": st.lists(GLOBS, max_size=2),
    }
)


def _keep_together(said: dict[str, Any]) -> None:
    """Take out what nobody could have said beside the rest."""
    for flag, group in (("transaction.is_present", "transaction"), ("origin.is_located", "origin")):
        for member in ("type", "amount", "currency", "country"):
            if not said[flag]:
                said.pop(f"{group}.{member}", None)
    if not said["session.is_present"]:
        said.pop("session.age", None)
        said["assurance.level"] = 0
    if said.get("action.feature") == "":
        said["action.sensitivity"] = "standard"
    said["assurance.is_phishing_resistant"] = said["assurance.is_device_bound"] = said.get("assurance.level") == 3
    if not said.get("assurance.level"):
        said.pop("assurance.age", None)
    if ("time.hour" in said) != ("time.weekday" in said):
        said["time.hour"], said["time.weekday"] = 7, 7


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Make a request in which anything is known or not, as far as somebody could have said it."""
    said: dict[str, Any] = {}
    for name, field in FIELDS.items():
        values = st.sampled_from(field.values) if field.values else VALUES[field.kind]
        value = draw(st.none() | values if field.unknown is None else values)
        if value is not None and (field.admits(value) or field.kind == Kind.TIMESTAMP):
            said[name] = value
    _keep_together(said)
    groups: dict[str, dict[str, object]] = {}
    for name, value in said.items():
        groups.setdefault(FIELDS[name].group, {})[FIELDS[name].member] = value
    return Request.from_json(groups)


def read(request: Request, name: str) -> Any:
    value = getattr(getattr(request, FIELDS[name].group), FIELDS[name].member)
    return value if FIELDS[name].admits(value) else None


def class_of(name: str, classes: Sequence[Class]) -> int:
    """Find the one class that a name is of; the empty name is one by itself."""
    patterns = {pattern for one in classes for pattern in one.patterns}
    matched = {pattern for pattern in patterns if is_match(pattern, name)}
    found = [at for at, one in enumerate(classes) if one.patterns == matched and (one.name == "") == (name == "")]
    assert len(found) == 1
    return found[0]


def fix(request: Request, domain: Domain) -> list[Any]:
    """Say that what is asked about is this very request."""
    out: list[Any] = []
    for name, variable in domain.values.items():
        value, field = read(request, name), FIELDS[name]
        out.append(domain.known[name] == z3.BoolVal(value is not None))
        if value is None:
            continue
        if field.values:
            value = field.values.index(value)
        elif name in domain.classes:
            value = class_of(value, domain.classes[name])
        elif field.kind == Kind.STRING:
            value = text_of(value)
        elif field.kind == Kind.TIMESTAMP:
            value = (value - EPOCH) // TICK
        elif field.kind == Kind.DOUBLE:
            value = z3.RealVal("{}/{}".format(*float(value).as_integer_ratio()))
        out.append(variable == value)
    for name, listed in domain.lists.items():
        value = read(request, name)
        out.append(listed.known == z3.BoolVal(value is not None))
        if value is None:
            # What is not known has no items by which anything could hold.
            out += [z3.Not(is_in) for is_in, _ in listed.items()]
        else:
            out.append(listed.size == len(value))
            out += [is_in == z3.BoolVal(literal in value) for literal, is_in in listed.literals.items()]
            out += [z3.Implies(is_in, z3.Or([text == text_of(one) for one in value])) for is_in, text in listed.others]
    return out


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@example(['subject.roles.exists(r, r == "ab")', 'subject.roles.all(r, r in ["a", "b"])'], Request())
@example(["transaction.amount > 100 && true", "transaction.amount > 100 || false"], Request())
@given(st.lists(CONDITIONS, min_size=1, max_size=3), requests())
def test_no_request_is_left_out_and_of_each_the_answer_is_the_engines(conditions: list[str], request: Request) -> None:
    text = "".join(rule(when, name=f"r{at}") for at, when in enumerate(conditions))
    made = bundle(text)
    said = {one.rule.id: one.holds for one in made.judge(request)}
    assert len(said) == len(conditions)
    domain = Domain(made.rules.values())
    translation = Translation(domain)
    answers = []
    for id_, one in made.rules.items():
        term = translation.holds(one)
        held = said[id_]
        answers.append(term.errs if held is None else term.is_true if held else term.is_false)
    solver = z3.Solver()
    solver.add(*fix(request, domain))
    solver.add(*domain.constraints())
    # INVARIANT: of every request there is one reading by which all conditions at once are as the engine says.
    assert solver.check(*answers) == z3.sat
    if not domain.lists and not translation.outside:
        assert solver.check(z3.Not(z3.And(answers))) == z3.unsat


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@example([{"actions": [], "features": [], "scopes": ["a"]}], Request())
@given(st.lists(ONES.filter(lambda one: any(one.values())), min_size=1, max_size=3), requests())
def test_rules_are_about_the_same_requests(ones: list[dict[str, list[str]]], request: Request) -> None:
    text = "".join(
        rule(name=f"r{at}", on=str({name: globs for name, globs in on.items() if globs})) for at, on in enumerate(ones)
    )
    made = bundle(text)
    found = {one.rule.id for one in made.judge(request)}
    domain = Domain(made.rules.values())
    translation = Translation(domain)
    answers = [translation.is_about(one) == z3.BoolVal(one.id in found) for one in made.rules.values()]
    solver = z3.Solver()
    solver.add(*fix(request, domain))
    solver.add(*domain.constraints())
    assert solver.check(*answers) == z3.sat
    if not domain.lists:
        assert solver.check(z3.Not(z3.And(answers))) == z3.unsat


def everything() -> tuple[Domain, list[Any]]:
    """Make a domain in which every field is asked for."""
    domain = Domain(())
    for name, field in FIELDS.items():
        (domain.listed if field.kind == Kind.STRINGS else domain.field)(name)
    return domain, domain.constraints()


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(
    any_facts,
    st.sampled_from([None, "payout"]),
    st.sampled_from([None, 7]),
    st.sampled_from([None, "DE"]),
    st.sampled_from([None, 3600]),
    st.sampled_from([None, "Europe/Berlin"]),
)
def test_what_is_made_of_a_decisions_facts_is_never_left_out(
    facts: Facts, kind: str | None, amount: int | None, country: str | None, offset: int | None, zone: str | None
) -> None:
    context = Circumstances(
        transaction_type=kind,
        transaction_amount=amount,
        country=country,
        offset=offset,
        zone=zone,
    )
    domain, constraints = everything()
    solver = z3.Solver()
    solver.add(*fix(request_of(replace(facts, circumstances=context)), domain))
    assert solver.check(*constraints) == z3.sat


def test_every_part_of_a_condition_that_is_tried_here_is_fit_to_be_asked() -> None:
    made: Mapping[str, Rule] = bundle("".join(rule(when, name=f"r{at}") for at, when in enumerate(ATOMS))).rules
    read_of = {name for one in made.values() if one.when is not None for name in one.when.fields}
    assert {FIELDS[name].kind for name in read_of} == set(Kind)


PATTERNS: Final = st.sampled_from(
    ["a", "*", "**", "a*", "a.*", "*.b", "a**", "**b", "**.a*", "ab", "", "a.b.*", "*a*", "**.**"]
)
NAMES: Final = st.text(alphabet="ab.z", max_size=6)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@example({"**"}, [""])
@given(st.sets(PATTERNS, max_size=5), st.lists(NAMES, max_size=5))
def test_every_name_is_of_one_class_and_every_class_has_a_name(patterns: set[str], names: list[str]) -> None:
    cut = frozenset(map(pieces, patterns))
    classes = tell_apart(cut)
    assert classes is not None
    for one in (*names, *(found.name for found in classes)):
        assert classes[class_of(one, classes)].patterns == {pattern for pattern in cut if is_match(pattern, one)}


def test_names_that_are_too_many_to_tell_apart_are_texts() -> None:
    many = [f"**{one}{other}{one}**" for one in "abcdefgh" for other in "abcdefgh"]
    made = bundle(rule(on=f"{{actions: {many}}}"))
    assert Domain(made.rules.values()).classes.keys() == {"action.feature"}
