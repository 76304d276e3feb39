"""What is asked of a server from afar: which bundle is in force, to put another there, to go back, to look back."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any, Final

from tiergate.policy.remote.bringing import ask_bundle, bring, digest_or_none, read_bundle
from tiergate.policy.remote.planning import PLAN
from tiergate.policy.remote.replaying import REPLAY
from tiergate.policy.remote.server import Refused, Server, Unanswered
from tiergate.policy.remote.telling import lines_of_stage, lines_of_steps
from tiergate.policy.verbs import GOOD, WRONG, Report, Verb, count_of

STAGE: Final = "/v1/policy"
ACTIVATIONS: Final = "/v1/policy/activations"
ROLLBACKS: Final = "/v1/policy/rollbacks"
_MODES: Final = ("active", "shadow", "staged")
_PAGE: Final = 100
_ANY: Final = object()
"""As ``--expected``: whatever is active when the command begins."""


def _state(given: argparse.Namespace, report: Report) -> int:
    found = _stage(_server(given))
    return report.give(GOOD, lines_of_stage(found), found)


def _apply(given: argparse.Namespace, report: Report) -> int:
    server = _server(given)
    bundle, body = read_bundle(given)
    stage = _stage(server)
    before = _digest(_part(stage, "active"))
    is_new = given.mode != "active" or before != bundle.digest or _part(stage, "candidate") is not None
    if given.expected not in {_ANY, before}:
        return report.give(WRONG, [_changed(before)], {"code": "stage_changed", "active": before})
    # What is there already may get another signature.
    bring(server, bundle, body, report)
    if not is_new:
        line = f"{bundle.about.name} ({bundle.digest[:12]}) is in force already."
        return report.give(GOOD, [line], {"digest": bundle.digest, "mode": given.mode, "is_new": False})
    asked: dict[str, Any] = {"digest": bundle.digest, "mode": given.mode, "because": given.because, "expected": before}
    if given.tenants:
        asked["tenants"] = [one.strip() for one in given.tenants.split(",") if one.strip()]
    if given.percent is not None:
        asked["percent"] = given.percent
    return _change(server, ACTIVATIONS, asked, report)


def _withdraw(given: argparse.Namespace, report: Report) -> int:
    server = _server(given)
    stage = _stage(server)
    candidate = _digest(_part(stage, "candidate"))
    if candidate is None:
        return report.give(WRONG, ["There is no candidate to withdraw."], {"code": "nothing_to_undo"})
    asked = {"digest": candidate, "mode": "withdraw", "because": given.because}
    return _change(server, ACTIVATIONS, asked | {"expected": _expected(given, stage)}, report)


def _rollback(given: argparse.Namespace, report: Report) -> int:
    server = _server(given)
    expected = _expected(given, _stage(server))
    return _change(server, ROLLBACKS, {"because": given.because, "expected": expected}, report)


def _history(given: argparse.Namespace, report: Report) -> int:
    server = _server(given)
    items: list[Any] = []
    cursor = ""
    while len(items) < given.limit:
        page = server.get(ACTIVATIONS, **({"cursor": cursor} if cursor else {}))
        found = page.get("items")
        items += found if isinstance(found, list) else []
        cursor = str(page.get("next") or "")
        if not cursor or not found:
            break
    items = items[: given.limit]
    return report.give(GOOD, lines_of_steps(items), {"items": items})


def _change(server: Server, path: str, asked: Mapping[str, Any], report: Report) -> int:
    try:
        done = server.post(path, asked)
    except Unanswered as error:
        raise Unanswered(f"{error}. Whether it was done nobody knows: ask `tiergate policy state`") from None
    return report.give(GOOD, lines_of_steps([done]), done)


def _expected(given: argparse.Namespace, stage: Mapping[str, Any]) -> Any:
    return _digest(_part(stage, "active")) if given.expected is _ANY else given.expected


def _server(given: argparse.Namespace) -> Server:
    return Server.from_environment(given.server)


def _stage(server: Server) -> dict[str, Any]:
    """Read what is in force.

    :raises Unanswered: that is not said, so that nothing is done on a guess.
    """
    found = server.get(STAGE)
    for name in ("active", "candidate"):
        part = found.get(name, "")
        if part is not None and not (isinstance(part, Mapping) and isinstance(part.get("digest"), str)):
            raise Unanswered(f"the server does not say what is {name}", is_passing=False)
    return found


def _part(stage: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    part: Mapping[str, Any] | None = stage[name]
    return part


def _digest(part: Mapping[str, Any] | None) -> str | None:
    return None if part is None else str(part["digest"])


def _changed(before: str | None) -> str:
    return f"Another bundle is in force than the one expected: {before or 'none'}. Nothing was changed."


def _says_no(act: Callable[[argparse.Namespace, Report], int]) -> Callable[[argparse.Namespace, Report], int]:
    """Tell a server's no as what is wrong."""

    def told(given: argparse.Namespace, report: Report) -> int:
        try:
            return act(given, report)
        except Refused as refused:
            return report.give(WRONG, list(refused.lines()), {"status": refused.status, **refused.problem})

    return told


def _ask_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server", required=True, metavar="URL", help="Tiergate's https address; the credential is in TIERGATE_TOKEN"
    )


def _ask_why(parser: argparse.ArgumentParser) -> None:
    _ask_server(parser)
    parser.add_argument("--because", required=True, metavar="TEXT", help="a sentence for the history")
    parser.add_argument(
        "--expected",
        type=digest_or_none,
        default=_ANY,
        metavar="DIGEST",
        help="what has to be in force so far, or none; else nothing is done (what is in force now, if left out)",
    )


def _ask_apply(parser: argparse.ArgumentParser) -> None:
    _ask_why(parser)
    ask_bundle(parser)
    parser.add_argument("--mode", choices=_MODES, default="active", help="for all, or as a candidate (active)")
    parser.add_argument("--tenants", metavar="NAME,NAME", help="a candidate's tenants, by slug or id")
    parser.add_argument("--percent", type=int, metavar="N", help="a candidate's share of all tenants, from 0 to 100")


def _ask_plan(parser: argparse.ArgumentParser) -> None:
    _ask_server(parser)
    ask_bundle(parser)
    PLAN.ask(parser)


def _ask_replay(parser: argparse.ArgumentParser) -> None:
    _ask_server(parser)
    REPLAY.ask(parser)


def _ask_history(parser: argparse.ArgumentParser) -> None:
    _ask_server(parser)
    parser.add_argument("--limit", type=count_of, default=_PAGE, metavar="N", help=f"how many sentences ({_PAGE})")


VERBS: Final = (
    Verb(PLAN.name, PLAN.sentence, _says_no(PLAN.run), _ask_plan),
    Verb(REPLAY.name, REPLAY.sentence, _says_no(REPLAY.run), _ask_replay),
    Verb("apply", "put a bundle in force on a server, or beside what is", _says_no(_apply), _ask_apply),
    Verb("withdraw", "take the candidate away; what is active stays", _says_no(_withdraw), _ask_why),
    Verb("rollback", "put in force again what was before", _says_no(_rollback), _ask_why),
    Verb("history", "tell what was in force since when, by whom and why", _says_no(_history), _ask_history),
    Verb("state", "say what is in force on a server", _says_no(_state), _ask_server),
)
