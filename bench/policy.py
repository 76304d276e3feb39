"""Prints what rules cost: a bundle asked about one request, with 20, 200 and 2,000 rules of which a handful are about it.

And how long it takes to prove what one of 200 rules promises, with one promise that a planted way round breaks.

Run with ``python -m bench.policy``. Rounds of all sizes are interleaved, so that what else the machine does meets each
alike. Each figure is over all rounds, in microseconds a request.
"""

import statistics
import sys
import time
import timeit
from datetime import UTC, date, datetime

from tiergate.policy import Bundle, Request, compile_bundle
from tiergate.policy.proving import Outcome, verify

SIZES = (20, 200, 2_000)
ROUNDS = 300
BATCH = 20
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


def measure() -> dict[int, list[float]]:
    """Time requests against each bundle, and give all batches' microseconds a request, least first."""
    bundles = {size: make_bundle(size) for size in SIZES}
    for size, bundle in bundles.items():
        if bundle.ask(REQUEST).matched != ("mine-amount", "mine-production"):
            raise AssertionError(f"with {size} rules the bundle says {bundle.ask(REQUEST)}")
    figures: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        for size, bundle in bundles.items():
            timer = timeit.Timer(lambda bundle=bundle: bundle.ask(REQUEST))  # type: ignore[misc]
            figures[size].append(timer.timeit(BATCH) / BATCH * 1e6)
    return {size: sorted(found) for size, found in figures.items()}


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
    figures = measure()
    medians = {size: statistics.median(found) for size, found in figures.items()}
    for size, found in figures.items():
        sys.stdout.write(
            f"ask     {size:5} rules {medians[size]:7.1f} µs  p99 {found[int(len(found) * 0.99)]:.1f} µs\n"
        )
    ratio = medians[max(SIZES)] / medians[min(SIZES)]
    sys.stdout.write(f"{max(SIZES)} rules cost {ratio:.2f} times what {min(SIZES)} do (at most {FLAT})\n")
    return int(prove() > PROVED_WITHIN_S or ratio > FLAT or medians[max(SIZES)] > TARGET)


if __name__ == "__main__":
    sys.exit(main())
