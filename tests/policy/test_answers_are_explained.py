"""What a bundle says of a request is explained rule by rule, and the explanation is the answer."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.bundles import bundle, request, rule
from tiergate import Level, Requirement
from tiergate.policy import Request, explain
from tiergate.policy.cases import Outcome, outcome_of
from tiergate.policy.schema import RISK_BANDS
from tiergate.requirements import join

RULES = (
    rule("risk.band == 'high'", name="risky", says="require: {level: aal2, max_age: 900}")
    + rule(name="always", on="{actions: ['data.*']}", says="require: {level: aal2, phishing_resistant: true}")
    + rule("transaction.amount > 500", name="amount", on="{actions: [pay]}")
    + rule("'x' in subject.roles", name="role", on="{actions: ['data.*']}")
)
FOUND = bundle(RULES)


def test_what_asks_stands_first_and_each_rule_says_what_it_read() -> None:
    told = list(explain(FOUND, request(risk={"band": "high"}, subject={"roles": ["y"]})).sentences())
    assert told == [
        "data.export takes aal2, shown within 900 s, that resists phishing.",
        "always asks for aal2, that resists phishing: 'So it is.' (rules/a.yaml:8, security)",
        "risky asks for aal2, shown within 900 s, since risk.band is 'high': 'So it is.' (rules/a.yaml:1, security)",
        "role does not hold, since subject.roles is ['y']. (rules/a.yaml:20, security)",
        "Not about this: amount.",
    ]


def test_a_rule_that_cannot_be_judged_forbids_and_names_what_is_not_known() -> None:
    told = list(explain(FOUND, request(action={"name": "pay", "feature": "", "scopes": []})).sentences())
    assert told[:2] == [
        "pay is forbidden, whatever anybody shows.",
        "amount cannot be judged: transaction.amount not known, so it forbids. (rules/a.yaml:13, security)",
    ]


def test_of_a_request_that_no_rule_is_about_there_is_little_to_say() -> None:
    low = request(action={"name": "read", "feature": "", "scopes": []}, risk={"band": "low"})
    assert next(explain(FOUND, low).sentences()) == "read: these rules ask nothing and forbid nothing."


def test_of_a_request_that_says_nothing_every_rule_is_asked() -> None:
    explained = explain(FOUND, Request())
    assert all(one.is_about for one in explained.told)
    assert explained.outcome == Outcome.FORBIDS


def test_as_json_it_names_the_bundle_and_has_every_rule() -> None:
    said = explain(FOUND, request(risk={"band": "high"}, subject={"roles": []})).to_json()
    rules: object = said["rules"]
    assert isinstance(rules, list)
    assert said["digest"] == FOUND.digest
    assert said["requirement"] == Requirement(level=Level.AAL2, max_age=900, phishing_resistant=True).to_json()
    assert [(one["id"], one["is_about"], one["holds"], one["forbids"]) for one in rules] == [
        ("always", True, True, False),
        ("amount", False, None, False),
        ("risky", True, True, False),
        ("role", True, False, False),
    ]
    assert Request.from_json(said["request"]) == request(risk={"band": "high"}, subject={"roles": []})  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    name=st.sampled_from(["data.export", "pay", "read", None]),
    band=st.sampled_from(RISK_BANDS),
    amount=st.sampled_from([None, 500, 501]),
    roles=st.sampled_from([None, (), ("x",)]),
)
def test_the_explanation_is_the_answer(
    name: str | None, band: str, amount: int | None, roles: tuple[str, ...] | None
) -> None:
    said = {"action": {"name": name}, "risk": {"band": band}}
    asked = Request.from_json(said | {"transaction": {"amount": amount}, "subject": {"roles": roles}})
    judged, explained = FOUND.ask(asked), explain(FOUND, asked)
    assert explained.requirement == join(judged.contributions)
    assert explained.outcome == outcome_of(judged)
    assert tuple(one.rule.id for one in explained.told if one.holds) == judged.matched
