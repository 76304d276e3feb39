"""Prints what it takes to decide a hundred thousand recorded decisions again, and to say what another bundle would do.

Run with ``python -m bench.policy_replay``. A database of its own, dropped afterwards; one process. The decisions are
real: asked for by the real way in, about 1,000 people of 50 tenants, with a bundle of 85 rules in force, and recorded by
the real recorder. Each record is then stored as often as it takes, under ids of its own.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import chain, islice
from typing import Any

from bench.catalogue_large import KINDS, Class
from bench.ground import OWN
from bench.questions import our_refusals, ours
from bench.seed_large import Person, seed
from config.embedded import ensure_running, roles
from tiergate.policy import compile_bundle

DATABASE = "tiergate_bench_replay"
_DECISIONS = 100_000
_ASKED = 3_000
_TARGET_S = 60.0

_COPIES = """
    INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, session_id, payload)
    SELECT gen_random_uuid(), tenant_id, kind, at, subject_type, subject_id, session_id, payload
    FROM (SELECT * FROM audit_entry WHERE kind = 'decision' ORDER BY seq LIMIT %s) AS real,
         generate_series(1, %s) LIMIT %s
"""
_ABOUT = "name: bench\nversion: 1\ndescription: Rules for each type of dossier.\nowner: bench\n"
_RULE = """\
- id: {name}
  on: {{actions: ["{on}"]}}
  when: {when}
  {says}
  because: So it is agreed.
  owner: bench
  waives_tests: It is asked by a bench alone.
"""
_CONDITIONS: Mapping[str, tuple[str, str]] = {
    "production": ('environment.sensitivity == "production"', "require: {level: aal1, max_age: 43200}"),
    "second": ('assurance.level < 2 && environment.name != "staging"', "require: {level: aal2}"),
    "named": ('subject.id == "{kind:02}00" || resource.id == "d{kind:02}01"', "forbid: true"),
    "contractor": ('subject.roles.exists(role, role == "contractor")', "forbid: true"),
}
_EVERYWHERE: Mapping[str, tuple[str, str]] = {
    "support": ("subject.is_impersonated", "forbid: true"),
    "old": ("session.is_present && session.age > 86400", "require: {level: aal2}"),
    "amount": ("transaction.is_present && transaction.amount > 100000", "require: {approvals: 1}"),
    "risk": ('risk.band in ["high", "critical"]', "require: {level: aal2, phishing_resistant: true}"),
    "hosting": ('origin.network_class in ["tor", "hosting"]', "forbid: true"),
}


def main(decisions: int = _DECISIONS) -> int:
    """Measure and print; 1 when something comes out otherwise, or it takes too long."""
    for name in ("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(OWN | {"TIERGATE_EMBEDDED_DATABASE": DATABASE})
    ensure_running()
    with roles.superuser_connection() as server:
        roles.drop_database(server, DATABASE)
        roles.ensure_database(server, DATABASE)
    try:
        people = seed()
        _record(people, decisions)
        return _measure(decisions)
    finally:
        with roles.superuser_connection() as server:
            roles.drop_database(server, DATABASE)


def _files(*, weaker: bool) -> Mapping[str, str]:
    """Write the bundle in force, or the candidate: it says nothing of who is named, and asks for passkeys in production."""
    rules = [
        _RULE.format(
            name=f"{name}-{kind}",
            on=f"dossier{kind:02}.*",
            when=_quoted(when.format(kind=kind)),
            says="require: {level: aal2, phishing_resistant: true}" if weaker and name == "production" else says,
        )
        for kind in range(KINDS)
        for name, (when, says) in _CONDITIONS.items()
        if not (weaker and name == "named")
    ]
    rules += [
        _RULE.format(name=name, on="**", when=_quoted(when), says=says) for name, (when, says) in _EVERYWHERE.items()
    ]
    return {"bundle.yaml": _ABOUT, "rules/all.yaml": "".join(rules)}


def _quoted(when: str) -> str:
    return f"'{when}'"


def _record(people: list[Person], decisions: int) -> None:
    """Have real decisions made and recorded, and store each as often as it takes."""
    from django.db import connections  # noqa: PLC0415 - not before the environment is set

    from audit import api as audit  # noqa: PLC0415 - as above
    from decisions.policy.activating import activate  # noqa: PLC0415 - as above
    from decisions.policy.storing import store_bundle  # noqa: PLC0415 - as above
    from decisions.wire import Asked, evaluate_bytes  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above

    digest = store_bundle(_files(weaker=False), by="bench", at=now()).digest
    activate(digest=digest, because="to be measured", by="bench", at=now())
    asked = islice(_mixed(people), min(_ASKED, decisions))
    count = 0
    for authorization, body in asked:
        status, _, answer = evaluate_bytes(
            Asked(authorization=authorization, content_type="application/json", request_id="", body=body), at=now()
        )
        if status != 200:  # noqa: PLR2004 - an answer
            raise RuntimeError(f"no decision: {status} {answer[:200]!r}")
        count += 1
    audit.flush_stream()
    audit.drain()
    audit.stop_stream()
    with connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT count(*), avg(length(payload::text))::int FROM audit_entry WHERE kind = 'decision'")
        stored, length = cursor.fetchone()
        if stored != count:
            raise RuntimeError(f"{count} decisions were made, and {stored} recorded")
        cursor.execute(_COPIES, [count, decisions // count + 1, decisions - count])
        cursor.execute("ANALYZE audit_entry")
    _say(f"{os.cpu_count()} cores, {decisions} decisions, {count} of them different, {length} bytes each as JSON")


def _mixed(people: list[Person]) -> Iterator[tuple[str, bytes]]:
    kinds = [ours(people, of) for of in Class]
    for one in chain(our_refusals(people), *zip(*kinds, strict=True)):
        yield one.authorization, one.body.encode()


def _measure(decisions: int) -> int:
    from decisions.policy.activating import read_stage  # noqa: PLC0415 - not before the environment is set
    from decisions.policy.measuring import measure  # noqa: PLC0415 - as above
    from decisions.policy.memory import bundle_of  # noqa: PLC0415 - as above
    from decisions.policy.replaying import replay  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above

    window: dict[str, Any] = {"since": now() - timedelta(days=1), "until": now() + timedelta(minutes=1)}
    active = read_stage().active
    if active is None:
        raise RuntimeError("no bundle is in force")
    found, seconds = _timed("replay", decisions, lambda: replay(**window))
    _say(f"    {found.same} the same, {found.differing} otherwise, {len(found.left_out)} reasons to leave some out")
    base, candidate = bundle_of(active), compile_bundle(_files(weaker=True))
    report, _ = _timed("plan", decisions, lambda: measure(base=base, candidate=candidate, **window))
    told = ", ".join(f"{count} {change}" for change, count in report.changes.items())
    _say(f"    {told}; prompts a day {report.forecast.before_a_day:g} -> {report.forecast.after_a_day:g}")
    same, _ = _timed("plan of the same", decisions, lambda: measure(base=base, candidate=base, **window))
    is_exact = found.is_same and found.same == decisions and set(same.changes) == {"unchanged"}
    return int(not is_exact or seconds > _TARGET_S)


def _timed[Found](name: str, decisions: int, act: Callable[[], Found]) -> tuple[Found, float]:
    begun, here = time.perf_counter(), time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = act()
    seconds, here = time.perf_counter() - begun, time.process_time() - here
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    _say(
        f"{name:<18}{seconds:7.1f} s  {decisions / seconds:8.0f}/s   {here:6.1f} s of a processor, PostgreSQL's apart   "
        f"{peak / 1024:.0f} MB before, {grown / 1024:.0f} MB more"
    )
    return found, seconds


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--decisions", type=int, default=_DECISIONS)
    sys.exit(main(parser.parse_args().decisions))
