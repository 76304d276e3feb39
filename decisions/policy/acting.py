"""`apply`, `withdraw`, `rollback`, `state`, `history`: which bundle is in force, by the server's own database.

No rule is asked: whoever has the database's address comes back from a rule that locks everybody out.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Final

from django.db import DatabaseError
from msgspec import UNSET, to_builtins

from decisions.policy.activating import read_stage, rollback, withdraw
from decisions.policy.agreeing import PeopleMustApply, approvals_to_apply
from decisions.policy.changes import ACTIVE, OF_A_BUNDLE, SHADOW, Change, make_change, read_change
from decisions.policy.errors import BundleRefused
from decisions.policy.history import Activation, list_activations
from decisions.policy.loading import load_bundle
from decisions.policy.origin import find_source
from decisions.policy.showing import show_stage
from decisions.policy.stage import Stage
from decisions.policy.storing import Signature, Source, StoredBundle, name_of, store_bundle
from isolation.clock import now
from tiergate import TiergateError
from tiergate.policy import Bundle
from tiergate.policy.remote.bringing import ask_bundle, digest_or_none, read_bundle
from tiergate.policy.remote.telling import lines_of_given_up, lines_of_stage, lines_of_steps, lines_of_waived
from tiergate.policy.verbs import GOOD, UNUSABLE, WRONG, Report, Verb, count_of
from tiergate.policy.wording import Alarm

BY: Final = "manage.py"
PAST: Final = "manage.py, past the second person,"
"""Whoever has the database's address needs nobody's agreement, and is told apart in every place that says who it was."""
_PAGE: Final = 50
_SHOWN: Final = 12


def _state(given: argparse.Namespace, report: Report) -> int:  # noqa: ARG001 - as every verb
    found = to_builtins(show_stage())
    return report.give(GOOD, lines_of_stage(found), found)


def _apply(given: argparse.Namespace, report: Report) -> int:
    by = _author(given)
    bundle, body = read_bundle(given)
    change = read_change(
        mode=given.mode,
        digest=bundle.digest,
        tenants=[one.strip() for one in (given.tenants or "").split(",") if one.strip()],
        percent=given.percent,
        because=given.because,
    )
    change.tenant_ids()
    stage = read_stage()
    if given.expected is not UNSET and given.expected != stage.active:
        active = "no bundle" if stage.active is None else _named(stage.active)
        return report.give(
            WRONG, [f"{active} is in force, and not what was expected. Nothing was changed."], {"code": "stage_changed"}
        )
    stored = store_bundle(
        body["files"],
        by=by,
        source=Source(**body["source"]) if "source" in body else find_source(given.folder),
        signature=Signature(**body["signature"]) if "signature" in body else None,
        at=now(),
    )
    if change.mode == ACTIVE and stage.active == bundle.digest and stage.candidate is None:
        # Stored all the same: it may have got another signature.
        line = f"{_named(bundle.digest)} is in force already."
        return report.give(GOOD, [line], {"digest": bundle.digest, "is_new": False})
    for line in _intended(bundle, stored, stage, change):
        report.say(line)
    if not given.yes and not _is_agreed(report):
        return report.give(UNUSABLE, ["Nothing was put in force."], {"code": "not_confirmed", "digest": bundle.digest})
    return _done(make_change(change, expected=stage.active, by=by, at=now()), report)


def _withdraw(given: argparse.Namespace, report: Report) -> int:
    return _done(withdraw(expected=given.expected, because=given.because, by=_author(given), at=now()), report)


def _rollback(given: argparse.Namespace, report: Report) -> int:
    return _done(rollback(expected=given.expected, because=given.because, by=_author(given), at=now()), report)


def _author(given: argparse.Namespace) -> str:
    """Say who it is that changes what is in force.

    :raises PeopleMustApply: others have to agree to that, and it is not said that they are passed over.
    """
    if given.past_approvals:
        return PAST
    needed = approvals_to_apply()
    if needed:
        raise PeopleMustApply(
            f"{needed} others have to agree to this, by the API or the operator's pages. "
            "--past-approvals does it without them, and the trail and the history say so."
        )
    return BY


def _history(given: argparse.Namespace, report: Report) -> int:
    found: list[Activation] = []
    while len(found) < given.limit:
        page = list_activations(before=found[-1].number if found else None, limit=given.limit - len(found))
        found += page
        if not page:
            break
    items = [to_builtins(one) for one in found]
    return report.give(GOOD, lines_of_steps(items), {"items": items})


def _done(done: Activation, report: Report) -> int:
    told = to_builtins(done)
    return report.give(GOOD, lines_of_steps([told]), told)


def _intended(bundle: Bundle, stored: StoredBundle, stage: Stage, change: Change) -> list[str]:
    """Say what is about to be done, and what of the rules is otherwise then."""
    before = _loaded(stage.active)
    does = _for_whom(change) if change.is_of_candidate else "put in force for everybody"
    was = "no bundle" if stage.active is None else _named(stage.active)
    lines = [f"{_named(bundle.digest)} is about to be {does}; {was} is in force."]
    lines += [f"  {line}" for line in _differences(before, bundle)]
    waived = {one["promise"] for one in stored.waives}
    lines += [f"  {one['invariant']}: {one['outcome']}" for one in stored.findings if one["invariant"] not in waived]
    lines += [Alarm(f"  {line}") for line in lines_of_given_up(stored.given_up)]
    lines += [f"  {line}" for line in lines_of_waived(stored.waives)]
    if stored.source is not None:
        lines.append(f"  from {stored.source.repository} {stored.source.commit[:_SHOWN]} by {stored.source.author}")
    if stored.signed_by:
        lines.append(f"  signed by {', '.join(stored.signed_by)}")
    return lines


def _loaded(digest: str | None) -> Mapping[str, object]:
    """Read the rules of a bundle by id; none where it cannot be loaded."""
    try:
        return {} if digest is None else {one.id: one.to_json() for one in load_bundle(digest).rules.values()}
    except TiergateError:
        return {}


def _differences(before: Mapping[str, object], bundle: Bundle) -> list[str]:
    after = {one.id: one.to_json() for one in bundle.rules.values()}
    lines = [f"+ {name}" for name in after if name not in before]
    lines += [f"~ {name}" for name in after if name in before and before[name] != after[name]]
    lines += [f"- {name}" for name in before if name not in after]
    same = len(after) - sum(1 for line in lines if not line.startswith("-"))
    return [*lines, f"{same} rules as they were"]


def _is_agreed(report: Report) -> bool:
    if not sys.stdin.isatty():
        report.say("Say --yes to have it done without being asked.")
        return False
    report.say("Go on? [y/N]")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _named(digest: str) -> str:
    return f"{name_of(digest)} ({digest[:_SHOWN]})"


def _for_whom(change: Change) -> str:
    does = "tried in the shadow" if change.mode == SHADOW else "put in force"
    return f"{does} for {len(change.tenants)} named tenants and {change.percent} % of all others"


def _refusals_told(act: Callable[[argparse.Namespace, Report], int]) -> Callable[[argparse.Namespace, Report], int]:
    """Tell a refusal as what is wrong, and a database that is away as what could not be looked at."""

    def told(given: argparse.Namespace, report: Report) -> int:
        try:
            return act(given, report)
        except BundleRefused as refused:
            lines = [*map(str, refused.errors), f"{refused.detail} Nothing was changed."]
            return report.give(WRONG, lines, {"code": refused.code, **refused.extra})
        except TiergateError as refused:
            return report.give(
                WRONG, [f"{refused.detail} Nothing was changed."], {"code": refused.code, **refused.extra}
            )
        except DatabaseError as error:
            why = str(error).partition("\n")[0]
            return report.give(UNUSABLE, [f"The database refused: {why}."], {"code": "database"})

    return told


def _ask_why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--past-approvals",
        action="store_true",
        help="where others have to agree, do it without them, which the trail and the history tell",
    )
    parser.add_argument("--because", required=True, metavar="TEXT", help="a sentence for the history")
    parser.add_argument(
        "--expected",
        type=digest_or_none,
        default=UNSET,
        metavar="DIGEST",
        help="what has to be in force so far, or none; else nothing is done (what is in force now, if left out)",
    )


def _ask_apply(parser: argparse.ArgumentParser) -> None:
    ask_bundle(parser)
    _ask_why(parser)
    parser.add_argument("--mode", choices=OF_A_BUNDLE, default="active", help="for all, or as a candidate (active)")
    parser.add_argument("--tenants", metavar="SLUG,SLUG", help="a candidate's tenants, by slug or id")
    parser.add_argument("--percent", type=int, metavar="N", help="a candidate's share of all tenants, 0 to 100")
    parser.add_argument("--yes", action="store_true", help="do not ask before it is done")


def _ask_nothing(parser: argparse.ArgumentParser) -> None:
    """Ask for nothing."""


def _ask_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit", type=count_of, default=_PAGE, metavar="N", help=f"how many sentences, newest first ({_PAGE})"
    )


VERBS: Final = (
    Verb("apply", "store a bundle, and put it in force or beside what is", _refusals_told(_apply), _ask_apply),
    Verb("withdraw", "take the candidate away; what is active stays", _refusals_told(_withdraw), _ask_why),
    Verb("rollback", "put in force again what was before", _refusals_told(_rollback), _ask_why),
    Verb("state", "say what is in force, and what is tried beside it", _refusals_told(_state), _ask_nothing),
    Verb("history", "tell what was in force since when, by whom and why", _refusals_told(_history), _ask_history),
)
