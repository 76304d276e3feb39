"""How soon do all processes decide by the rules that were just put in force? ``python -m bench.policy_apply``.

Four decide processes answer a steady load; bundles of rules, each another one, are put in force one after the other.
Measured is the time from the return of the activating call until the last of the four has answered by the new bundle,
to a question that is answered from memory and to one that is not. Each of these answers says by which snapshot and
which bundle it was made: by any other than the bundle that went with that snapshot, or with the outcome of another,
it mixes two. Exits with 1 where a target is missed, a request failed, or an answer mixes.
"""

import argparse
import re
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.changes import put_catalogue, put_site
from bench.deciders import Deciders, deciding
from bench.ground import own_services
from bench.invalidation import PROCESSES
from bench.probes import Probe, Seen, Watch
from bench.seed_large import close_connections
from bench.steady import Heard, steady

TARGET_SECONDS = 1.0
_SITES = 4
_LATEST_SECONDS = 10.0
_AFTERWARDS_SECONDS = 0.05
_PAUSE = 0.004
_GENERATION = re.compile(r"g(\d+)\.")
QUESTIONS = {"remembered": "left.read", "read": "deep.read"}
# Of every other bundle the outcome is another, so that an answer made half by each cannot look like one.
OUTCOMES = {"remembered": ("allow", "deny"), "read": ("step_up", "deny")}

_ABOUT = "name: bench\nversion: 1\ndescription: Bundle {number}.\nowner: bench\n"
_MARK = """\
- id: mark
  on: {{actions: [left.read, deep.read]}}
  {says}
  because: Bundle {number}.
  owner: bench
  waives_tests: A bench has none.
"""
_OTHER = """\
- id: other-{number}
  on: {{actions: ["others.**"]}}
  when: environment.sensitivity == "production" && risk.score >= 0.5 && time.hour < {hour}
  require: {{level: aal2}}
  because: Rule {number}.
  owner: bench
  waives_tests: A bench has none.
"""


@dataclass(slots=True)
class Seeing:
    """What was seen of all bundles.

    stored, activated: milliseconds that the calls took. seconds: from the return of the activating one until all
    answered by the bundle. generations, digests: which bundle was in force from which generation on. mixed: answers
    that are made by two. failed: questions without an answer.
    """

    stored: list[float] = field(default_factory=list)
    activated: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    generations: list[int] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    answers: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    mixed: list[str] = field(default_factory=list)
    unseen: int = 0

    def take(self, seen: Seen) -> str:
        """Hold an answer against what was in force, and give its bundle."""
        self.answers += 1
        if seen.reply.status != 200:  # noqa: PLR2004 - HTTP's own number
            self.failed[str(seen.reply.status)] += 1
            return ""
        context = seen.reply.document["context"]
        found = _GENERATION.match(context["snapshot"])
        # An answer may have been made by a step of which the call has not returned yet: it is looked at again later.
        self._pending.append((seen.name, int(found[1]) if found else 0, context))
        return str(context.get("bundle_version", ""))

    _pending: list[tuple[str, int, Mapping[str, str]]] = field(default_factory=list)

    def settle(self) -> None:
        """Hold what was answered against what was in force at each answer's generation."""
        for name, generation, context in self._pending:
            number = bisect_right(self.generations, generation) - 1
            wanted = (self.digests[number], OUTCOMES[name][number % 2]) if number >= 0 else ("", OUTCOMES[name][0])
            given = (context.get("bundle_version", ""), context["outcome"])
            if given != wanted:
                self.mixed.append(f"{name} at g{generation}: {given}, where {wanted} was in force")
        self._pending.clear()


def files(number: int, rules: int) -> dict[str, str]:
    """Write a bundle of so many rules, of which one says which bundle it is."""
    says = "require: {level: aal1}" if number % 2 == 0 else "forbid: true"
    others = [_OTHER.format(number=one, hour=one % 24) for one in range(rules - 1)]
    return {
        "bundle.yaml": _ABOUT.format(number=number),
        "rules/all.yaml": "".join([_MARK.format(says=says, number=number), *others]),
    }


def put_in_force(number: int, rules: int, seeing: Seeing) -> str:
    """Store a bundle and put it in force, as `apply` does; give its digest."""
    from decisions.policy.activating import activate  # noqa: PLC0415 - not before Django is set up
    from decisions.policy.storing import store_bundle  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above

    began = time.monotonic()
    digest = store_bundle(files(number, rules), by="bench", at=now()).digest
    stored = time.monotonic()
    done = activate(digest=digest, because=f"bundle {number}", by="bench", at=now())
    seeing.stored.append((stored - began) * 1000)
    seeing.activated.append((time.monotonic() - stored) * 1000)
    seeing.generations.append(done.generation)
    seeing.digests.append(digest)
    return digest


def measure(running: Deciders, probes: Mapping[str, Probe], *, applies: int, rules: int) -> Seeing:
    """Put bundles in force one after the other, and note when each was seen by all."""
    seeing = Seeing()
    wanted = {(name, port) for name in probes for port in running.ports}
    with Watch(running.ports, probes, pause=_PAUSE) as watch:
        for number in range(applies):
            digest = put_in_force(number, rules, seeing)
            applied_at = time.monotonic()
            at: dict[tuple[str, int], float] = {}
            for seen in watch.look(seconds=_LATEST_SECONDS):
                if seeing.take(seen) == digest:
                    at.setdefault((seen.name, seen.port), seen.at)
                if at.keys() == wanted:
                    break
            last = max(at.values()) if at.keys() == wanted else time.monotonic()
            seeing.seconds.append(max(0.0, last - applied_at))
            seeing.unseen += at.keys() != wanted
            for seen in watch.look(seconds=_AFTERWARDS_SECONDS):
                seeing.take(seen)
            seeing.settle()
            running.refuse_dead()
    return seeing


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; whatever was started is ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.policy_apply", description=__doc__)
    parser.add_argument("--applies", type=int, default=120, help="how many bundles are put in force")
    parser.add_argument("--rules", type=int, default=200, help="how many rules each has")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second to each process beside it")
    asked = parser.parse_args(arguments)
    with own_services():
        _set_up()
        put_catalogue()
        sites = [put_site(f"site-{number}") for number in range(_SITES)]
        sessions = [(site, site.signed_in("alice").handle) for site in sites]
        load = [
            site.probe(action, "alice", handle)
            for site, handle in sessions
            for action in ("both.read", *QUESTIONS.values())
        ]
        site, handle = sessions[0]
        probes = {name: site.probe(action, "alice", handle) for name, action in QUESTIONS.items()}
        try:
            with deciding(PROCESSES) as running, steady(running.ports, load, rate=asked.rate) as heard:
                seeing = measure(running, probes, applies=asked.applies, rules=asked.rules)
        finally:
            close_connections()
    return _report(seeing, heard, rules=asked.rules)


def _set_up() -> None:
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)


def _report(seeing: Seeing, heard: Heard, *, rules: int) -> int:
    _say(f"{len(seeing.seconds)} bundles of {rules} rules put in force, {PROCESSES} decide processes; ms")
    _say(f"  {'':44}{'p50':>9}{'p99':>9}{'max':>9}")
    _say(_row("until all four answer by it", [one * 1000 for one in seeing.seconds]))
    _say(_row("the call that puts it in force", seeing.activated))
    _say(_row("the call that stores it", seeing.stored))
    _say(_row("an answer to the load beside it", heard.late))
    failed = sum(seeing.failed.values()) + heard.failed
    failed += sum(count for word, count in heard.words.items() if word.isdigit())
    told = ", ".join(f"{count} {word}" for word, count in sorted(heard.words.items()))
    _say(f"  {seeing.answers} answers were held against what was in force: {len(seeing.mixed)} mix two bundles")
    _say(f"  the load beside it: {len(heard.late)} answers ({told}); {failed} requests failed in all")
    missed = sorted(set(seeing.mixed))[:10]
    if sorted(seeing.seconds)[int(len(seeing.seconds) * 0.99)] >= TARGET_SECONDS:
        missed.append(f"The target is a p99 below {TARGET_SECONDS * 1000:.0f} ms.")
    if failed:
        missed.append(f"{failed} requests failed: {dict(seeing.failed)}.")
    if seeing.unseen:
        missed.append(f"{seeing.unseen} bundles were not seen by all.")
    for line in missed or ["every target is met, no request failed, and no answer mixes two bundles"]:
        _say(line)
    return 1 if missed else 0


def _row(name: str, values: Sequence[float]) -> str:
    ordered = sorted(values)
    figures = "".join(f"{ordered[min(len(ordered) - 1, int(len(ordered) * at))]:9.1f}" for at in (0.5, 0.99, 1.0))
    return f"  {name:44}{figures}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
