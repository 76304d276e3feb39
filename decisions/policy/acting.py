"""`apply`, `withdraw`, `rollback`, `state`, `history`: which bundle is in force, by the server's own database.

No rule is asked: whoever has the database's address comes back from a rule that locks everybody out.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError
from msgspec import UNSET, to_builtins

from decisions.policy.activating import activate, read_stage, rollback, withdraw
from decisions.policy.errors import BundleRefused
from decisions.policy.history import Activation, list_activations, put_in_force_by
from decisions.policy.loading import load_bundle
from decisions.policy.origin import find_source
from decisions.policy.stage import ALL, Mode, Stage
from decisions.policy.storing import Signature, Source, StoredBundle, name_of, store_bundle
from isolation.clock import now
from licensing import api as licensing
from tiergate import TiergateError
from tiergate.policy import Bundle
from tiergate.policy.remote.bringing import ask_bundle, digest_or_none, read_bundle
from tiergate.policy.verbs import GOOD, UNUSABLE, WRONG, Report, Verb, count_of

BY: Final = "manage.py"
_MODES: Final = {"active": Mode.NONE, "shadow": Mode.SHADOW, "staged": Mode.STAGED}
_PAGE: Final = 50
_SHOWN: Final = 12


def _state(given: argparse.Namespace, report: Report) -> int:  # noqa: ARG001 - as every verb
    stage, since = read_stage(), put_in_force_by()
    said: dict[str, Any] = {"active": None, "candidate": None}
    lines = ["No bundle is in force: rules ask for nothing."]
    if stage.active is not None and since is not None:
        said["active"] = {
            "digest": stage.active,
            "name": name_of(stage.active),
            "activated_at": since.at.isoformat(),
            "by": since.by,
            "because": since.because,
        }
        lines = [
            f"{_named(stage.active)} is in force since {since.at:%Y-%m-%d %H:%M:%S} UTC, by {since.by}, because: {since.because}"
        ]
    if stage.candidate is not None:
        said["candidate"] = {
            "digest": stage.candidate,
            "name": name_of(stage.candidate),
            "mode": stage.mode.value,
            "tenants": sorted(str(one) for one in stage.tenants),
            "percent": stage.percent,
        }
        lines.append(
            f"{_named(stage.candidate)} is the candidate: {_for_whom(stage.mode, stage.tenants, stage.percent)}"
        )
    return report.give(GOOD, lines, said)


def _apply(given: argparse.Namespace, report: Report) -> int:
    bundle, body = read_bundle(given)
    mode, tenants = _MODES[given.mode], _tenants(given.tenants)
    percent = ALL if given.percent is None and mode == Mode.SHADOW and not tenants else given.percent or 0
    stage = read_stage()
    if given.expected is not UNSET and given.expected != stage.active:
        active = "no bundle" if stage.active is None else _named(stage.active)
        return report.give(
            WRONG, [f"{active} is in force, and not what was expected. Nothing was changed."], {"code": "stage_changed"}
        )
    stored = store_bundle(
        body["files"],
        by=BY,
        source=Source(**body["source"]) if "source" in body else find_source(given.folder),
        signature=Signature(**body["signature"]) if "signature" in body else None,
        at=now(),
    )
    if mode == Mode.NONE and stage.active == bundle.digest and stage.candidate is None:
        # Stored all the same: it may have got another signature.
        line = f"{_named(bundle.digest)} is in force already."
        return report.give(GOOD, [line], {"digest": bundle.digest, "is_new": False})
    for line in _intended(bundle, stored, stage, mode, tenants, percent):
        report.say(line)
    if not given.yes and not _is_agreed(report):
        return report.give(UNUSABLE, ["Nothing was put in force."], {"code": "not_confirmed", "digest": bundle.digest})
    done = activate(
        digest=bundle.digest,
        mode=mode,
        tenants=tenants,
        percent=percent,
        expected=stage.active,
        because=given.because,
        by=BY,
        at=now(),
    )
    return _done(done, report)


def _withdraw(given: argparse.Namespace, report: Report) -> int:
    return _done(withdraw(expected=given.expected, because=given.because, by=BY, at=now()), report)


def _rollback(given: argparse.Namespace, report: Report) -> int:
    return _done(rollback(expected=given.expected, because=given.because, by=BY, at=now()), report)


def _history(given: argparse.Namespace, report: Report) -> int:
    found: list[Activation] = []
    while len(found) < given.limit:
        page = list_activations(before=found[-1].number if found else None, limit=given.limit - len(found))
        found += page
        if not page:
            break
    lines = [one.sentence for one in found] or ["No bundle was ever put in force."]
    return report.give(GOOD, lines, {"items": [to_builtins(one) for one in found]})


def _done(done: Activation, report: Report) -> int:
    return report.give(GOOD, [done.sentence], to_builtins(done))


def _intended(
    bundle: Bundle, stored: StoredBundle, stage: Stage, mode: Mode, tenants: frozenset[UUID], percent: int
) -> list[str]:
    """Say what is about to be done, and what of the rules is otherwise then."""
    before = _loaded(stage.active)
    does = "put in force for everybody" if mode == Mode.NONE else _for_whom(mode, tenants, percent)
    was = "no bundle" if stage.active is None else _named(stage.active)
    lines = [f"{_named(bundle.digest)} is about to be {does}; {was} is in force."]
    lines += [f"  {line}" for line in _differences(before, bundle)]
    lines += [f"  {one['invariant']}: {one['outcome']}" for one in stored.findings]
    lines += [f"  given up: {one}, which the bundle in force promises" for one in stored.given_up]
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


def _tenants(text: str | None) -> frozenset[UUID]:
    names = [one.strip() for one in (text or "").split(",") if one.strip()]
    return frozenset(licensing.get_tenant(one).id for one in names)


def _named(digest: str) -> str:
    return f"{name_of(digest)} ({digest[:_SHOWN]})"


def _for_whom(mode: Mode, tenants: frozenset[UUID], percent: int) -> str:
    does = "tried in the shadow" if mode == Mode.SHADOW else "in force"
    return f"{does} for {len(tenants)} named tenants and {percent} % of all others"


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
    parser.add_argument("--mode", choices=list(_MODES), default="active", help="for all, or as a candidate (active)")
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
