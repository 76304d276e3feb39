"""`plan`, `replay`, `shadow`: what would have become, or became, of recorded decisions, by the server's own database."""

import argparse
from collections.abc import Callable
from typing import Any, Final

import msgspec
from django.db import DatabaseError

from decisions.policy.choosing import Window, add_window, find_active, find_bundle, read_window
from decisions.policy.looking_aside import look_aside
from decisions.policy.looking_aside import to_lines as lines_of_shadow
from decisions.policy.measuring import measure
from decisions.policy.recorded import count
from decisions.policy.replaying import Rules, replay
from decisions.policy.replaying import to_json as json_of_replay
from decisions.policy.replaying import to_lines as lines_of_replay
from isolation.clock import now
from tiergate import TiergateError
from tiergate.policy.impact_text import to_lines, to_markdown
from tiergate.policy.verbs import GOOD, UNUSABLE, WRONG, Report, Verb

_SAY_EVERY: Final = 5_000


def _plan(given: argparse.Namespace, report: Report) -> int:
    """Fail where anything would be allowed, or be asked less for, than it is, or was left out."""
    window = read_window(given, at=now())
    candidate, base = find_bundle(given.bundle), find_active()
    found = measure(base=base, candidate=candidate, **_asked(window), progress=_said_by(report, window))
    lines = to_markdown(found).splitlines() if given.markdown else to_lines(found)
    # Of what could not be looked at nobody knows whether less would be asked.
    is_good = found.is_good or given.allow_lowering
    return report.give(GOOD if is_good else WRONG, lines, msgspec.to_builtins(found))


def _replay(given: argparse.Namespace, report: Report) -> int:
    """Fail where something comes out otherwise, or cannot be decided again exactly."""
    window = read_window(given, at=now())
    rules = None
    if given.bundle is not None:
        instead = find_bundle(given.bundle)
        rules = Rules(lambda: instead)
    found = replay(**_asked(window), rules=rules, progress=_said_by(report, window))
    said = msgspec.to_builtins(json_of_replay(found))
    return report.give(GOOD if found.is_same else WRONG, lines_of_replay(found), said)


def _shadow(given: argparse.Namespace, report: Report) -> int:
    window = read_window(given, at=now())
    seen = look_aside(**_asked(window), progress=_said_by(report, window))
    return report.give(GOOD, lines_of_shadow(seen), msgspec.to_builtins(seen))


def _asked(window: Window) -> dict[str, Any]:
    return {"since": window.since, "until": window.until, "tenant_id": window.tenant_id}


def _said_by(report: Report, window: Window) -> Callable[[int], None]:
    """Make what tells, now and then, how far it has come."""
    total, said = count(**_asked(window)), 0

    def say(done: int) -> None:
        nonlocal said
        if done - said >= _SAY_EVERY or (done >= total and said < total):
            said = done
            report.say(f"{done} of {max(total, done)} decisions")

    return say


def _unusable_told(act: Callable[[argparse.Namespace, Report], int]) -> Callable[[argparse.Namespace, Report], int]:
    """Tell what stands in the way of looking."""

    def told(given: argparse.Namespace, report: Report) -> int:
        try:
            return act(given, report)
        except TiergateError as error:
            why = error.detail
        except DatabaseError as error:
            why = f"The database refused: {str(error).partition('\n')[0]}."
        report.say(why)
        return report.give(UNUSABLE, [], {"error": why})

    return told


def _ask_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", help="a folder, the digest of a stored bundle or its beginning, or: none")
    add_window(parser)
    parser.add_argument("--markdown", action="store_true", help="answer as a comment on a pull request")
    parser.add_argument("--allow-lowering", action="store_true", help="exit with 0 even where less would be asked")


def _ask_replay(parser: argparse.ArgumentParser) -> None:
    add_window(parser)
    parser.add_argument("--bundle", help="decide all with this one: a folder, a digest or its beginning, or: none")


VERBS: Final = (
    Verb("plan", "say what a bundle would have done to recorded decisions", _unusable_told(_plan), _ask_plan),
    Verb(
        "replay",
        "decide again what was recorded, and say what comes out otherwise",
        _unusable_told(_replay),
        _ask_replay,
    ),
    Verb("shadow", "say what a candidate that is only tried answered otherwise", _unusable_told(_shadow), add_window),
)
