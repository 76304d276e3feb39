"""A bundle on its way to a server: read from its folder, signed, and known there by the digest that it has here."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tiergate.policy.bundle import Bundle
from tiergate.policy.checking import check_bundle
from tiergate.policy.folder import read_folder
from tiergate.policy.keys import read_key
from tiergate.policy.limits import DIGEST
from tiergate.policy.remote.server import Refused, Server, told_findings
from tiergate.policy.remote.telling import lines_of_given_up, lines_of_waived
from tiergate.policy.signing import sign
from tiergate.policy.verbs import Report
from tiergate.policy.wording import Alarm

BUNDLES: Final = "/v1/policy/bundles"
_DIGEST: Final = re.compile(DIGEST)


class Brought(NamedTuple):
    """A bundle that the server keeps. told: what it says of it."""

    bundle: Bundle
    told: Mapping[str, Any]


def ask_bundle(parser: argparse.ArgumentParser) -> None:
    """Ask for a bundle, for whose signature it carries, and for the commit that it was read from."""
    parser.add_argument("folder", type=Path, help="the folder that holds bundle.yaml")
    parser.add_argument("--publisher", metavar="NAME", help="whose signature it carries, as the server names them")
    signed = parser.add_mutually_exclusive_group()
    signed.add_argument("--signature", metavar="BASE64", help="what `sign` printed")
    signed.add_argument("--key", metavar="FILE", help="sign it by this key; - for standard input")
    parser.add_argument("--repository", metavar="NAME", help="where the bundle is kept; with --commit and --author")
    parser.add_argument("--commit", metavar="SHA", help="the commit that it was read from")
    parser.add_argument("--author", metavar="NAME", help="who made that commit, or merged it")


def read_bundle(given: argparse.Namespace) -> tuple[Bundle, dict[str, Any]]:
    """Read what is to be brought, and write the request that brings it.

    :raises BundleRefused: the folder holds none. :raises OSError, ValueError: what belongs together is not given
        together, or a key cannot be used.
    """
    signature = given.signature or given.key
    if bool(given.publisher) != bool(signature):
        raise ValueError("--publisher goes with --signature or --key: whose signature it is, and the signature")
    source = {name: getattr(given, name) for name in ("repository", "commit", "author")}
    if any(source.values()) and not all(source.values()):
        raise ValueError("--repository, --commit and --author go together")
    files = read_folder(given.folder)
    # A server says the same, and has not the lines to show.
    bundle = check_bundle(files, are_names_checked=False).bundle
    body: dict[str, Any] = {"files": dict(files)}
    if given.publisher:
        value = given.signature or sign(read_key(given.key), bundle.digest)
        body["signature"] = {"publisher": given.publisher, "value": value}
    if all(source.values()):
        body["source"] = source
    return bundle, body


def bring(server: Server, bundle: Bundle, body: Mapping[str, Any], report: Report) -> Brought:
    """Have a server keep a bundle, from which nothing follows there yet.

    :raises Refused: it does not keep it, or understands it otherwise. :raises Unanswered: nobody knows.
    """
    told = server.post(BUNDLES, body)
    if told.get("digest") != bundle.digest:
        # Two versions of the language: what was reviewed here is not what would be asked there.
        detail = "The server reads this bundle otherwise than this command does: have both of one version."
        raise Refused(0, {"detail": detail, "code": "digest_differs"})
    for line in told_findings(told.get("findings"), without="proved"):
        report.say(line)
    for line in lines_of_given_up(told.get("given_up")):
        report.say(Alarm(line))
    for line in lines_of_waived(told.get("waives")):
        report.say(line)
    return Brought(bundle, told)


def digest_or_none(text: str) -> str | None:
    """Read a digest, or ``none`` for no bundle.

    :raises argparse.ArgumentTypeError: it is neither.
    """
    if text == "none":
        return None
    if not _DIGEST.fullmatch(text):
        raise argparse.ArgumentTypeError("64 characters of lowercase hex, or none")
    return text
