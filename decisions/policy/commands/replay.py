"""`replay`: decide again what was recorded, each with the bundle that it was decided with; the same comes of it."""

import argparse
from typing import TextIO

import msgspec

from decisions.policy.choosing import GOOD, WRONG, add_window, answered, find_bundle, read_window, said_on
from decisions.policy.recorded import count
from decisions.policy.replaying import Rules, replay, to_json, to_lines
from isolation.clock import now
from tiergate.policy.verbs import printable

HELP = "decide again what was recorded, and say what comes out otherwise"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the window, the bundle, and how to answer."""
    add_window(parser)
    parser.add_argument("--bundle", help="decide all with this one: a folder, a digest or its beginning, or: none")


def run(given: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Decide again, and tell; 1 where something comes out otherwise, or cannot be decided again exactly."""
    return answered(lambda: _run(given, out, err), err)


def _run(given: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    window = read_window(given, at=now())
    rules = None
    if given.bundle is not None:
        instead = find_bundle(given.bundle)
        rules = Rules(lambda: instead)
    found = replay(
        since=window.since,
        until=window.until,
        tenant_id=window.tenant_id,
        rules=rules,
        progress=said_on(err, total=count(since=window.since, until=window.until, tenant_id=window.tenant_id)),
    )
    if given.json:
        out.write(msgspec.json.format(msgspec.json.encode(to_json(found)), indent=2).decode() + "\n")
    else:
        out.writelines(f"{printable(line)}\n" for line in to_lines(found))
    return GOOD if found.is_same else WRONG
