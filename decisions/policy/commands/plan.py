"""`plan`: what a bundle in the place of the active one would have done to the decisions of the last days."""

import argparse
from typing import TextIO

import msgspec

from decisions.policy.choosing import GOOD, WRONG, add_window, answered, find_active, find_bundle, read_window, said_on
from decisions.policy.measuring import measure
from decisions.policy.recorded import count
from isolation.clock import now
from tiergate.policy.impact_text import to_lines, to_markdown

HELP = "say what a bundle would have done to recorded decisions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the bundle, the window, and how to answer."""
    parser.add_argument("bundle", help="a folder, the digest of a stored bundle or its beginning, or: none")
    add_window(parser)
    parser.add_argument("--markdown", action="store_true", help="answer as a comment on a pull request")
    parser.add_argument("--allow-lowering", action="store_true", help="exit with 0 even where less would be asked")


def run(given: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Look, and tell; 1 where anything would be allowed, or be asked less for, than it is, or was left out."""
    return answered(lambda: _run(given, out, err), err)


def _run(given: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    window = read_window(given, at=now())
    candidate, base = find_bundle(given.bundle), find_active()
    report = measure(
        base=base,
        candidate=candidate,
        since=window.since,
        until=window.until,
        tenant_id=window.tenant_id,
        progress=said_on(err, total=count(since=window.since, until=window.until, tenant_id=window.tenant_id)),
    )
    if given.json:
        out.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    elif given.markdown:
        out.write(to_markdown(report))
    else:
        out.writelines(f"{line}\n" for line in to_lines(report, is_coloured=out.isatty()))
    # Of what could not be looked at nobody knows whether less would be asked.
    return WRONG if (report.lowered or report.left_out) and not given.allow_lowering else GOOD
