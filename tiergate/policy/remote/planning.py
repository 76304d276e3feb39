"""What would a bundle have done to what a server recorded? Asked there, waited for, and judged here."""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tiergate.policy.remote.bringing import bring, read_bundle
from tiergate.policy.remote.server import Server, Unanswered, word
from tiergate.policy.verbs import GOOD, WRONG, Report, Verb

PLANS: Final = "/v1/policy/plans"
SLOWEST: Final = 30.0
TRIES: Final = 6
"""How often in a row a server may have no answer."""
# What is not lower; a name that is not known here is taken for the worst.
_NOT_LOOSER: Final = frozenset({"newly_refused", "newly_challenged", "requirement_raised", "other_reason", "unchanged"})
_STATUSES: Final = frozenset({"waiting", "running", "done", "failed"})


def _plan(given: argparse.Namespace, report: Report) -> int:
    server = Server.from_environment(given.server)
    bundle, body = read_bundle(given)
    bring(server, bundle, body, report)
    asked: dict[str, Any] = {"digest": bundle.digest}
    if given.days is not None:
        asked["days"] = given.days
    begun = server.post(PLANS, asked)
    plan = _wait(server, begun, given, report)
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
    said = {"digest": bundle.digest, "plan": plan.get("id"), "lowered": lowered, "report": plan["report"]}
    return report.give(WRONG if (lowered or unseen) and not given.allow_lowering else GOOD, lines, said)


def _wait(server: Server, plan: Mapping[str, Any], given: argparse.Namespace, report: Report) -> Mapping[str, Any]:
    """Wait until a plan is done, and tell how far it is whenever that changes.

    :raises Unanswered: it failed, takes too long, or the server has no answer for a while.
    """
    address, until = f"{PLANS}/{word(str(plan.get('id')))}", time.monotonic() + given.wait
    told, silent = "", 0
    while (status := plan.get("status")) != "done":
        if status not in _STATUSES - {"failed"}:
            raise Unanswered(f"the plan came to nothing: {plan.get('why') or status}", is_passing=False)
        line = f"{status}: {plan.get('done', 0)} of {plan.get('total', 0)} decisions"
        if line != told:
            report.say(line)
            told = line
        pace = given.pace
        if time.monotonic() >= until:
            raise Unanswered(f"the plan is not done after {given.wait:g} seconds: {address}", is_passing=False)
        try:
            _pause(pace)
            plan = server.get(address)
            silent = 0
        except Unanswered as error:
            silent += 1
            if not error.is_passing or silent >= TRIES:
                raise
            _pause(min(error.wait or pace, SLOWEST))
    return plan


def _changes(plan: Mapping[str, Any]) -> dict[str, int]:
    """Read how many decisions would change, by how.

    :raises Unanswered: that is not said: what was not looked at is not lower than nothing.
    """
    report = plan.get("report")
    changes = report.get("changes") if isinstance(report, Mapping) else None
    if not isinstance(changes, Mapping) or not all(type(count) is int for count in changes.values()):
        raise Unanswered("the server's report does not say what changes", is_passing=False)
    return dict(changes)


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


def _pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - there is nothing to be told by: it polls, in a job that has nothing else to do


def _ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, metavar="N", help="how far back to look (the server's own default)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there, e.g. for a comment")
    parser.add_argument("--allow-lowering", action="store_true", help="exit with 0 even where less would be asked")
    parser.add_argument("--wait", type=_seconds, default=1800.0, metavar="SECONDS", help="for how long (1800)")
    parser.add_argument("--pace", type=_seconds, default=2.0, metavar="SECONDS", help="between two looks (2)")


def _seconds(text: str) -> float:
    """Read a number of seconds.

    :raises argparse.ArgumentTypeError: it is none, or more than a day.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400:  # noqa: PLR2004 - a day
        raise argparse.ArgumentTypeError("a number of seconds, up to a day")
    return seconds


PLAN: Final = Verb("plan", "say what a bundle would have done to a server's recorded decisions", _plan, _ask)
