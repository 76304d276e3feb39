"""Does a server decide again what it recorded? Asked there, waited for, and judged here."""

import argparse
from collections.abc import Mapping
from typing import Any, Final

from tiergate.policy.remote.server import Server, Unanswered
from tiergate.policy.remote.waiting import ask_patience, wait_for
from tiergate.policy.verbs import GOOD, WRONG, Report, Verb

REPLAYS: Final = "/v1/policy/replays"


def _replay(given: argparse.Namespace, report: Report) -> int:
    server = Server.from_environment(given.server)
    found = wait_for(server, REPLAYS, {}, given, report)
    came = _came(found)
    lines = found.get("lines")
    told = [str(one) for one in lines] if isinstance(lines, list) else []
    return report.give(GOOD if _is_same(came) else WRONG, told, {"replay": found.get("id"), **came})


def _came(found: Mapping[str, Any]) -> Mapping[str, Any]:
    came = found.get("report")
    if not isinstance(came, Mapping):
        raise Unanswered("the server does not say what came of it", is_passing=False)
    return came


def _is_same(came: Mapping[str, Any]) -> bool:
    """Read whether nothing came out otherwise: the server's word, and each of the counts that it rests on.

    :raises Unanswered: either is not said: what was not counted is not the same.
    """
    is_same, differing = came.get("is_same"), came.get("differing")
    inexact, left_out = came.get("inexact"), came.get("left_out")
    if type(is_same) is not bool or type(differing) is not int:
        raise Unanswered("the server does not say what came out otherwise", is_passing=False)
    if not isinstance(inexact, Mapping) or not isinstance(left_out, Mapping):
        raise Unanswered("the server does not say what it left out", is_passing=False)
    return is_same and not (differing or inexact or left_out)


REPLAY: Final = Verb(
    "replay", "have a server decide again what it recorded, and say what comes out otherwise", _replay, ask_patience
)
