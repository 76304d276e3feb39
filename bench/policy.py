"""Prints what rules cost a decision, with 20, 200 and 2,000 rules of which five are about it; and what it costs without.

And how long it takes to prove what one of 200 rules promises, with one promise that a planted way round breaks.

Run with ``python -m bench.policy``. 200 different questions (`bench.policy_questions`) are timed one by one, and every
answer is looked at. Rounds of all sizes are interleaved, so that what else the machine does meets each alike.
"""

import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain

from bench.policy_questions import Question, make_questions
from tiergate import decide
from tiergate.policy import Bundle, Request, compile_bundle, with_bundle
from tiergate.policy.proving import Outcome, verify

SIZES = (20, 200, 2_000)
ROUNDS = 100
QUESTIONS = 10
FLAT = 1.5
TARGET = 30.0
PROVED_RULES = 200
PROVED_WITHIN_S = 30.0

_ABOUT = "name: bench\nversion: 1\ndescription: Rules of many products, five of them about one request.\nowner: bench\n"
# Rules about the request that is asked: of one action, of its family, of a feature, of anything.
_MINE = """\
- id: mine-production
  on: {actions: [reports.export]}
  when: environment.sensitivity == "production" && !subject.is_service
  require: {level: aal2, max_age: 900}
  because: In production this takes a second factor of the last quarter of an hour.
  owner: bench
- id: mine-risk
  on: {actions: ["reports.*"]}
  when: risk.band in ["high", "critical"] || !device.is_known
  require: {level: aal2, phishing_resistant: true}
  because: This looks unlike you.
  owner: bench
- id: mine-feature
  on: {features: [exports]}
  when: subject.roles.exists(role, role == "contractor")
  forbid: true
  because: Contractors export nothing.
  owner: bench
- id: mine-hours
  on: {actions: ["reports.**"], features: ["exp*"]}
  when: time.hour < 7 || time.hour >= 20 || time.weekday > 5
  require: {level: aal2}
  because: Outside working hours this takes a second factor.
  owner: bench
- id: mine-amount
  on: {actions: [reports.export]}
  when: transaction.is_present && transaction.amount > 100000
  require: {level: aal2, approvals: 1}
  because: Large ones need a second person.
  owner: bench
"""
_OTHER = """\
- id: other-{number}
  on: {{actions: [{action}]}}
  when: environment.sensitivity == "production" && transaction.amount > {number} && risk.score >= 0.5
  require: {{level: aal2, max_age: {age}}}
  because: Rule {number}.
  owner: bench
"""
# The last is broken by whom no rule of its team asks.
_INVARIANTS = """\
- id: exports
  on: {actions: [reports.export]}
  when: environment.sensitivity == "production" && !subject.is_service
  never_below: {level: aal2, max_age: 900}
  owner: bench
- id: risk
  on: {actions: ["reports.*"]}
  when: risk.band in ["high", "critical"]
  never_below: {level: aal2, phishing_resistant: true}
  owner: bench
- id: amounts
  on: {actions: [reports.export]}
  when: transaction.is_present && transaction.amount > 200000 && !subject.roles.exists(role, role == "owner")
  never_below: {approvals: 1}
  owner: bench
- id: within-reach
  on: {actions: ["**"]}
  satisfiable_by: [passkey, security_key]
  owner: bench
- id: way-round
  on: {actions: ["team3.*"]}
  when: environment.sensitivity == "production" && risk.score > 0.7
  never_below: {level: aal2}
  owner: bench
"""


def make_bundle(size: int) -> Bundle:
    """Make a bundle of ``size`` rules, every third of the others with a star."""
    others = [
        _OTHER.format(
            number=number,
            action=f"team{number % 97}.*" if number % 3 == 0 else f"team{number % 97}.action_{number}",
            age=60 + number,
        )
        for number in range(size - _MINE.count("- id:"))
    ]
    return compile_bundle(
        {
            "bundle.yaml": _ABOUT,
            "rules/mine.yaml": _MINE,
            "rules/others.yaml": "".join(others),
            "invariants/all.yaml": _INVARIANTS,
        }
    )


REQUEST = Request.from_json(
    {
        "action": {
            "name": "reports.export",
            "resource_type": "report",
            "feature": "exports",
            "sensitivity": "regulated",
            "scopes": [],
        },
        "subject": {"type": "user", "id": "alice", "roles": ["analyst", "viewer"], "is_service": False},
        "environment": {"name": "eu-1", "sensitivity": "production"},
        "risk": {"band": "low", "score": 0.1},
        "transaction": {"is_present": True, "type": "export", "amount": 250000, "currency": "EUR"},
        "device": {"is_known": True},
        "time": {"now": datetime(2026, 11, 2, 9, 0, tzinfo=UTC).isoformat(), "hour": 10, "weekday": 1},
    }
)


@dataclass(slots=True, kw_only=True)
class Costs:
    """What decisions cost in microseconds: for each question, in each round.

    rules: from facts to facts with what the rules say of them. whole: these, and the decision.
    """

    rules: list[list[float]] = field(default_factory=list)
    whole: list[list[float]] = field(default_factory=list)


def measure() -> dict[int, Costs]:
    """Time each question by itself against each bundle, and against none (0), and look at every answer."""
    bundles: dict[int, Bundle | None] = {0: None} | {size: make_bundle(size) for size in SIZES}
    questions = make_questions(QUESTIONS)
    costs = {size: Costs() for size in bundles}
    for number in range(ROUNDS + 1):
        for size, bundle in bundles.items():
            # In the first round caches are filled.
            _ask(questions, bundle, costs[size] if number else Costs())
    return costs


def _ask(questions: list[Question], bundle: Bundle | None, costs: Costs) -> None:
    rules, whole = [], []
    for question in questions:
        begun = time.perf_counter_ns()
        judged = with_bundle(question.facts, bundle)
        asked = time.perf_counter_ns()
        decision = decide(judged)
        done = time.perf_counter_ns()
        rules.append((asked - begun) / 1_000)
        whole.append((done - begun) / 1_000)
        if bundle is not None and not question.is_answered_by(judged, decision):
            raise AssertionError(f"of {len(bundle.rules)} rules comes {decision.reason}, and not {question.reason}")
    costs.rules.append(rules)
    costs.whole.append(whole)


def prove() -> float:
    """Prove what 200 rules promise, and give the seconds that it takes."""
    bundle = make_bundle(PROVED_RULES)
    before = time.perf_counter()
    findings = verify(bundle, today=date(2026, 11, 2)).findings
    seconds = time.perf_counter() - before
    refuted = [one.invariant.id for one in findings if one.outcome == Outcome.REFUTED]
    if refuted != ["way-round"] or any(one.outcome == Outcome.UNPROVED for one in findings):
        raise AssertionError(f"of what is promised: {findings}")
    sys.stdout.write(
        f"prove   {PROVED_RULES:5} rules {seconds:7.2f} s for {len(findings)} promises (at most {PROVED_WITHIN_S:.0f})\n"
    )
    return seconds


def main() -> int:
    """Measure and print; 1 when the cost is not flat, or a proof takes too long."""
    for size in SIZES:
        before = time.perf_counter()
        make_bundle(size)
        sys.stdout.write(f"compile {size:5} rules {(time.perf_counter() - before) * 1e3:7.0f} ms\n")
    costs = measure()
    for size, cost in costs.items():
        sys.stdout.write(f"{size:5} rules: a decision {_told(cost.whole)}; of these the rules {_told(cost.rules)}\n")
    few, many = _p50(costs[min(SIZES)].rules), _p50(costs[max(SIZES)].rules)
    sys.stdout.write(
        f"{max(SIZES)} rules cost {many:.1f} µs (at most {TARGET:.0f}), {many / few:.2f} times what {min(SIZES)} do"
        f" (at most {FLAT}); load {os.getloadavg()[0]:.1f}\n"
    )
    return int(prove() > PROVED_WITHIN_S or many > FLAT * few or many > TARGET)


def _p50(rounds: list[list[float]]) -> float:
    return statistics.median(chain.from_iterable(rounds))


def _told(rounds: list[list[float]]) -> str:
    """Give the median, the 99th percentile, and the median of what each question took where least disturbed it."""
    every = sorted(chain.from_iterable(rounds))
    least = statistics.median(map(min, zip(*rounds, strict=True)))
    return f"p50 {_p50(rounds):5.1f} µs, p99 {every[int(len(every) * 0.99)]:6.1f}, undisturbed {least:5.1f}"


if __name__ == "__main__":
    sys.exit(main())
