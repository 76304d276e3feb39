"""What would a bundle have done to what a server recorded? Asked there, waited for, and judged here."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tiergate.policy.remote.bringing import bring, read_bundle
from tiergate.policy.remote.server import Server, Unanswered
from tiergate.policy.remote.waiting import ask_patience, wait_for
from tiergate.policy.verbs import GOOD, WRONG, Report, Verb

PLANS: Final = "/v1/policy/plans"
# What is not lower; a name that is not known here is taken for the worst.
_NOT_LOOSER: Final = frozenset({"newly_refused", "newly_challenged", "requirement_raised", "other_reason", "unchanged"})


def _plan(given: argparse.Namespace, report: Report) -> int:
    server = Server.from_environment(given.server)
    bundle, body = read_bundle(given)
    bring(server, bundle, body, report)
    plan = wait_for(server, PLANS, {"digest": bundle.digest}, given, report)
    changes, markdown = _changes(plan), plan.get("markdown")
    if not isinstance(markdown, str):
        raise Unanswered("the server's report has no text", is_passing=False)
    if given.markdown is not None:
        given.markdown.write_text(markdown, encoding="utf-8")
    lowered = sum(count for change, count in changes.items() if change not in _NOT_LOOSER)
    lines = markdown.rstrip("\n").split("\n")
    if lowered:
        fate = "allowed by --allow-lowering" if given.allow_lowering else "look at them; --allow-lowering lets them be"
        lines.append(f"{lowered} decisions would ask for less than they did: {fate}")
    unseen = _unseen(plan["report"])
    if unseen:
        lines.append(f"{unseen} decisions could not be looked at, so what becomes of them nobody knows")
    unsaid = _unsaid(plan["report"])
    if unsaid:
        lines.append(f"{unsaid} promises of what is in force would be made no more, and nobody says so")
    said = {"digest": bundle.digest, "plan": plan.get("id"), "lowered": lowered, "report": plan["report"]}
    is_good = not (lowered or unseen or unsaid) or given.allow_lowering
    return report.give(GOOD if is_good else WRONG, lines, said)


def _changes(plan: Mapping[str, Any]) -> dict[str, int]:
    """Read how many decisions would change, by how.

    :raises Unanswered: that is not said: what was not looked at is not lower than nothing.
    """
    report = plan.get("report")
    changes = report.get("changes") if isinstance(report, Mapping) else None
    if not isinstance(changes, Mapping) or not all(type(count) is int for count in changes.values()):
        raise Unanswered("the server's report does not say what changes", is_passing=False)
    return dict(changes)


def _unsaid(report: Mapping[str, Any]) -> int:
    """Count the promises that are given up by nobody's word."""
    gives_up = report.get("gives_up", [])
    found = gives_up if isinstance(gives_up, list) else [None]
    return sum(not (isinstance(one, Mapping) and one.get("owner")) for one in found)


def _unseen(report: Mapping[str, Any]) -> int:
    """Count the decisions that were left out.

    :raises Unanswered: that cannot be read.
    """
    left_out = report.get("left_out", {})
    unseen = 0
    for one in left_out.values() if isinstance(left_out, Mapping) else [None]:
        count = one.get("count") if isinstance(one, Mapping) else None
        if type(count) is not int:
            raise Unanswered("the server's report does not say what it left out", is_passing=False)
        unseen += count
    return unseen


def _ask(parser: argparse.ArgumentParser) -> None:
    ask_patience(parser)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there, e.g. for a comment")
    parser.add_argument("--allow-lowering", action="store_true", help="exit with 0 even where less would be asked")


PLAN: Final = Verb("plan", "say what a bundle would have done to a server's recorded decisions", _plan, _ask)
