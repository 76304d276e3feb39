"""Asked, a bundle never raises and never skips: a rule that cannot be judged forbids, and names what is missing."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.policy.bundles import NOON, bundle, request, rule
from tiergate import Forbid, Level, Requirement
from tiergate.policy import FIELDS, Judged, Kind, Request, Verdict
from tiergate.policy.request import ActionRead


def _unjudged(judged: Judged) -> str:
    """Give why the one rule could not be judged, after seeing that it asks nothing else and has not passed."""
    assert (judged.contributions, judged.matched) == ((), ())
    (forbid,) = judged.forbids
    assert forbid.source == "policy:one"
    return forbid.because


ODD: dict[str, tuple[str, list[Any]]] = {
    "transaction.amount > 5": ("transaction", [None, True, "6", 6.5, 2**63, [6]]),
    "'x' in subject.roles": ("subject", [None, "x", {"x"}, ("x", 1), ("\ud800",), ("x",) * 201]),
    "risk.score > 0.5": ("risk", [None, True, "1", 1.5, float("nan"), float("inf")]),
    "environment.sensitivity == 'production'": ("environment", [None, "prod", 1]),
    "assurance.level < 2": ("assurance", [None, 4, -1, True, 1.0]),
    "time.now < timestamp('2030-01-01T00:00:00Z')": ("time", [None, NOON.replace(tzinfo=None), "2026"]),
    "subject.id == ''": ("subject", [None, "x" * 1025, "\udfff", b"x"]),
}


@pytest.mark.parametrize("when", ODD)
def test_a_value_that_is_missing_or_none_of_its_type_refuses_and_is_named(when: str) -> None:
    group, values = ODD[when]
    (field,) = [name for name in FIELDS if name in when]
    found, usual = bundle(rule(when)), request()
    for value in values:
        odd: Any = {FIELDS[field].member: value}
        note = _unjudged(found.ask(replace(usual, **{group: replace(getattr(usual, group), **odd)})))
        assert note == f"one cannot be judged: {field} not known"


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("1 / (transaction.amount - 6) > 0", "divide by zero"),
        ("transaction.amount * 9223372036854775807 > 0", "integer overflow"),
        ("int(transaction.type) > 0", "cannot convert string to int"),
        ("timestamp(transaction.type) > time.now", "String to Timestamp conversion failed"),
    ],
)
def test_what_goes_wrong_while_it_is_asked_refuses(when: str, says: str) -> None:
    found = bundle(rule(when)).ask(request(transaction={"amount": 6, "type": "payout"}))
    assert _unjudged(found) == f"one cannot be judged: {says}"


@pytest.mark.parametrize("odd", [None, 1, {}, ActionRead(name="data.export"), replace(request(), action=None)])
def test_what_is_no_request_is_refused_by_the_policy_itself(odd: Any) -> None:
    judged = bundle(rule("transaction.amount > 5")).ask(odd)
    assert judged == Judged(forbids=(Forbid(source="policy", because="the policy could not be asked: AttributeError"),))


def test_one_rule_that_cannot_be_judged_takes_nothing_from_the_others() -> None:
    rules = (
        rule("transaction.amount > 5", name="b", says="require: {level: aal3}")
        + rule("risk.band == 'unknown'", name="c", says="require: {level: aal2}")
        + rule(name="a")
    )
    judged = bundle(rules).ask(request())
    assert judged.matched == ("a", "c")
    assert [one.source for one in judged.forbids] == ["policy:a", "policy:b"]
    assert [(one.source, one.requirement, one.because) for one in judged.contributions] == [
        ("policy:c", Requirement(level=Level.AAL2), "So it is.")
    ]


def test_what_a_condition_does_not_come_to_need_not_be_known() -> None:
    found = bundle(rule("transaction.is_present && transaction.amount > 5"))
    assert found.ask(request()) == Judged()
    assert found.ask(request(transaction={"is_present": True, "amount": 6})).matched == ("one",)
    assert _unjudged(found.ask(request(transaction={"is_present": True})))


def test_verdicts_tell_apart_what_holds_what_does_not_and_what_nobody_can_tell() -> None:
    rules = rule("risk.band == 'low'", name="a") + rule(name="b") + rule("origin.country == 'DE'", name="c")
    found = bundle(rules)
    assert found.judge(request()) == (
        Verdict(found.rules["a"], False),
        Verdict(found.rules["b"], True),
        Verdict(found.rules["c"], None, "c cannot be judged: origin.country not known"),
    )


def test_a_request_says_of_each_field_what_the_schema_says_that_nobody_knows() -> None:
    blank = Request()
    for name, field in FIELDS.items():
        value = getattr(getattr(blank, field.group), field.member)
        assert value == field.unknown
        assert type(value) is type(field.unknown) or field.values
        assert value is None or field.admits(value)
        assert field.kind in set(Kind)
        assert name == f"{field.group}.{field.member}"
    members = {f"{group}.{one}" for group in blank.__struct_fields__ for one in getattr(blank, group).__struct_fields__}
    assert members == set(FIELDS)


def test_a_request_is_read_strictly_and_written_as_it_was_read() -> None:
    said = {
        "action": {"name": "data.export", "scopes": ["exports:write"], "sensitivity": "premium"},
        "time": {"now": "2026-11-02T12:00:00Z", "hour": 13},
        "risk": {"score": 0.25},
    }
    assert Request.from_json(said).to_json() == said
    wrong: list[dict[str, object]] = [
        {"action": {"nmae": "x"}},
        {"acton": {}},
        {"risk": {"band": "hihg"}},
        {"time": {"hour": "13"}},
    ]
    for odd in wrong:
        with pytest.raises(ValueError, match=r"- at `\$|unknown field"):
            Request.from_json(odd)
