"""Conditions that are asked often are asked in one go: what comes of each is what comes of it by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.bundles import bundle, request, rule
from tiergate.policy import Bundle, Judged, Request
from tiergate.policy.expressions import _ENVIRONMENT, activation, compile_together, holding
from tiergate.policy.together import WORTH_IT

CONDITIONS = (
    "transaction.amount > 5",
    "transaction.is_present && transaction.amount > 5",
    "risk.band in ['high', 'critical'] || !device.is_known",
    "subject.roles.exists(role, role == 'owner')",
    "1 / (transaction.amount - 6) > 0",
    "transaction.type == '// no comment' // but this is one",
    "risk.score >= 0.5 ? device.is_known : transaction.amount == 6",
    '"""\n""" == transaction.type ||\n  device.is_known',
    None,
)
REQUESTS = st.builds(
    lambda band, score, told, known, roles: request(
        risk={"band": band, "score": score}, transaction=told, device={"is_known": known}, subject={"roles": roles}
    ),
    st.sampled_from(["low", "high"]),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([{}, *({"is_present": True, "amount": n, "type": "// no comment"} for n in (5, 6, 7))]),
    st.booleans(),
    st.lists(st.sampled_from(["owner", "viewer"]), max_size=2),
)


def _rule(number: int, when: str | None) -> str:
    return rule(when, name=f"r{number:02}", says=("forbid: true", "require: {level: aal2}")[number % 2])


def _often_asked(conditions: tuple[str | None, ...]) -> Bundle:
    """Make a bundle that has been asked so often that its conditions are asked in one go."""
    made = bundle("".join(_rule(number, when) for number, when in enumerate(conditions)))
    for _ in range(WORTH_IT):
        made.ask(request())
    return made


ALONE = [bundle(_rule(number, when)) for number, when in enumerate(CONDITIONS)]
TOGETHER = _often_asked(CONDITIONS)


@settings(deadline=None)
@given(REQUESTS)
def test_what_comes_of_each_condition_is_what_comes_of_it_by_itself(asked: Request) -> None:
    each = [one.ask(asked) for one in ALONE]
    assert TOGETHER.ask(asked) == Judged(
        contributions=sum((one.contributions for one in each), ()),
        forbids=sum((one.forbids for one in each), ()),
        matched=sum((one.matched for one in each), ()),
    )


def test_a_condition_that_cannot_be_judged_takes_nothing_from_those_asked_with_it() -> None:
    judged = _often_asked(("risk.band == 'low'", "device.is_known", "transaction.amount > 5", None)).ask(
        request(risk={"band": "low"}, device={"is_known": True})
    )
    assert judged.matched == ("r00", "r01", "r03")
    assert [one.because for one in judged.forbids] == [
        "So it is.",
        "r02 cannot be judged: transaction.amount not known",
    ]


@pytest.mark.parametrize("count", [2, 32, 33, 70])
def test_however_many_they_are_each_is_answered(count: int) -> None:
    made = _often_asked(tuple(f"transaction.amount == {number}" for number in range(count)))
    for number in (0, count - 1):
        assert made.ask(request(transaction={"amount": number})).matched == (f"r{number:02}",)


def test_conditions_that_are_long_are_answered_too() -> None:
    long = " || ".join(f"subject.id == 'somebody-{number}'" for number in range(100))
    made = _often_asked(tuple(f"{long} || device.is_known" for _ in range(5)))
    assert len(made.ask(request(device={"is_known": True}, subject={"id": "x"})).matched) == 5


def test_what_is_no_number_is_no_answer_of_all() -> None:
    read = activation({"subject.id": "5", "risk.score": 2.0, "transaction.amount": -1, "device.is_known": True})
    fit = compile_together(["device.is_known // it is", "risk.score > 3.0", "true"])
    assert holding(fit, read) == 0b101
    for odd in ("subject.id", "risk.score", "transaction.amount", "device.is_known", "session.age", "1 / 0"):
        assert holding(_ENVIRONMENT.compile(odd), read) is None
    assert holding(None, read) is None
    assert compile_together(["true", "this is none"]) is None
