"""What a server works out in turns is asked for there, waited for, and read when it is done."""

import argparse
import time
from collections.abc import Mapping
from typing import Any, Final

from tiergate.policy.remote.server import Server, Unanswered, word
from tiergate.policy.verbs import Report

SLOWEST: Final = 30.0
TRIES: Final = 6
"""How often in a row a server may have no answer."""
_STATUSES: Final = frozenset({"waiting", "running", "done", "failed"})


def ask_patience(parser: argparse.ArgumentParser) -> None:
    """Ask for how many days it is, and how long and how often to look whether it is done."""
    parser.add_argument("--days", type=int, metavar="N", help="how far back to look (the server's own default)")
    parser.add_argument("--wait", type=_seconds, default=1800.0, metavar="SECONDS", help="for how long (1800)")
    parser.add_argument("--pace", type=_seconds, default=2.0, metavar="SECONDS", help="between two looks (2)")


def wait_for(
    server: Server, place: str, asked: Mapping[str, Any], given: argparse.Namespace, report: Report
) -> Mapping[str, Any]:
    """Ask for it, wait until it is done, and tell how far it is whenever that changes. place: its address there.

    :raises Unanswered: it failed, takes too long, or the server has no answer for a while.
    """
    found = server.post(place, asked if given.days is None else {**asked, "days": given.days})
    address, until = f"{place}/{word(str(found.get('id')))}", time.monotonic() + given.wait
    told, silent = "", 0
    while (status := found.get("status")) != "done":
        if status not in _STATUSES - {"failed"}:
            raise Unanswered(f"it came to nothing there: {found.get('why') or status}", is_passing=False)
        line = f"{status}: {found.get('done', 0)} of {found.get('total', 0)} decisions"
        if line != told:
            report.say(line)
            told = line
        pace = given.pace
        if time.monotonic() >= until:
            raise Unanswered(f"it is not done after {given.wait:g} seconds: {address}", is_passing=False)
        try:
            _pause(pace)
            found = server.get(address)
            silent = 0
        except Unanswered as error:
            silent += 1
            if not error.is_passing or silent >= TRIES:
                raise
            _pause(min(error.wait or pace, SLOWEST))
    return found


def _pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - there is nothing to be told by: it polls, in a job that has nothing else to do


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
