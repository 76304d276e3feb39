"""`shadow`: what a candidate that is tried beside the bundle in force answered otherwise."""

import argparse
from typing import TextIO

import msgspec

from decisions.policy.choosing import GOOD, add_window, answered, read_window, said_on
from decisions.policy.looking_aside import look_aside, to_lines
from decisions.policy.recorded import count
from isolation.clock import now
from tiergate.policy.verbs import printable

HELP = "say what a candidate that is only tried answered otherwise"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the window, and how to answer."""
    add_window(parser)


def run(given: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Look, and tell."""
    return answered(lambda: _run(given, out, err), err)


def _run(given: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    window = read_window(given, at=now())
    seen = look_aside(
        since=window.since,
        until=window.until,
        tenant_id=window.tenant_id,
        progress=said_on(err, total=count(since=window.since, until=window.until, tenant_id=window.tenant_id)),
    )
    if given.json:
        out.write(msgspec.json.format(msgspec.json.encode(seen), indent=2).decode() + "\n")
    else:
        out.writelines(f"{printable(line)}\n" for line in to_lines(seen))
    return GOOD
