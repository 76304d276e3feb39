"""What people and CI jobs type about a bundle in a folder: check, try, lay out, explain, prove, sign it.

Exit codes: see `tiergate.policy.verbs`. What acts on a server is in `tiergate.policy.remote`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from tiergate.policy import keys, promises
from tiergate.policy.bundle import Bundle
from tiergate.policy.checking import check_bundle
from tiergate.policy.compiling import compile_bundle
from tiergate.policy.errors import BundleRefused, PolicyError
from tiergate.policy.explaining import explain
from tiergate.policy.folder import read_folder, write_file
from tiergate.policy.formatting import format_file
from tiergate.policy.limits import MAX_FILE
from tiergate.policy.request import Request
from tiergate.policy.trying import Tried, Untried, try_bundle
from tiergate.policy.verbs import GOOD, WRONG, Report, Verb, run

DESCRIPTION: Final = "Rules kept as files: check, try, prove, sign them."


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Run a command, and give the code to exit with. arguments, out, err: the process's own where left out."""
    return run(VERBS, arguments, out or sys.stdout, err or sys.stderr, description=DESCRIPTION, prog="tiergate policy")


def ask_folder(parser: argparse.ArgumentParser) -> None:
    """Ask for the folder of a bundle."""
    parser.add_argument("folder", type=Path, help="the folder that holds bundle.yaml")


def _ask_check(parser: argparse.ArgumentParser) -> None:
    ask_folder(parser)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where something would be")


def _ask_request(parser: argparse.ArgumentParser) -> None:
    ask_folder(parser)
    parser.add_argument("request", help="a file with the request as JSON; - for standard input")


def _check(given: argparse.Namespace, report: Report) -> int:
    checked = check_bundle(read_folder(given.folder))
    bundle = checked.bundle
    counts = {"rules": len(bundle.rules), "invariants": len(bundle.invariants), "cases": checked.cases}
    line = f"{bundle.about.name} {bundle.digest[:12]}: {', '.join(f'{count} {name}' for name, count in counts.items())}"
    return report.give(GOOD, [line], {"name": bundle.about.name, "digest": bundle.digest, **counts, "errors": []})


def _test(given: argparse.Namespace, report: Report) -> int:
    bundle = compile_bundle(read_folder(given.folder))
    trial = try_bundle(bundle)
    lines = [line for one in trial.failed for line in _failed(one)]
    lines += [f"{_place(one)}: untested: {one.why}" for one in trial.untried]
    lines += [f"{_place(one)}: waived: {one.why}. {one.rule.waives_tests}" for one in trial.waived]
    lines.append(
        f"{len(trial.cases)} cases, {len(trial.failed)} failed; "
        f"{len(bundle.rules)} rules, {len(trial.untried)} untested, {len(trial.waived)} waived"
    )
    said = {
        "digest": bundle.digest,
        "cases": [
            {"it": one.case.it, "file": one.case.file, "line": one.case.line, "complaints": list(one.complaints)}
            for one in trial.cases
        ],
        "untested": [_untried(one) for one in trial.untried],
        "waived": [{**_untried(one), "waived_because": one.rule.waives_tests} for one in trial.waived],
    }
    return report.give(GOOD if trial.is_good else WRONG, lines, said)


def _fmt(given: argparse.Namespace, report: Report) -> int:
    files = read_folder(given.folder)
    laid_out: dict[str, str] = {}
    errors: list[PolicyError] = []
    for name, text in files.items():
        try:
            laid_out[name] = format_file(name, text)
        except BundleRefused as refused:
            errors += refused.errors
    if errors:
        # Nothing is written of a folder that is half understood.
        raise BundleRefused(errors)
    changed = [name for name, text in laid_out.items() if text != files[name]]
    if not given.check:
        for name in changed:
            write_file(given.folder, name, laid_out[name])
    word = "would be laid out" if given.check else "laid out"
    lines = [f"{name}: {word}" for name in changed] or ["every file is laid out"]
    return report.give(WRONG if given.check and changed else GOOD, lines, {"changed": changed, "errors": []})


def _explain(given: argparse.Namespace, report: Report) -> int:
    bundle: Bundle = compile_bundle(read_folder(given.folder))
    explained = explain(bundle, _request(given.request))
    return report.give(GOOD, list(explained.sentences()), explained.to_json())


def _request(name: str) -> Request:
    """Read a request.

    :raises ValueError: there is none; it says why.
    """
    try:
        text = sys.stdin.read(MAX_FILE) if name == "-" else Path(name).read_text(encoding="utf-8")
        said = json.loads(text)
        if not isinstance(said, dict):
            raise ValueError("a request is a JSON object")  # noqa: TRY301, TRY004 - one way to say that it is none
        return Request.from_json(said)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: this is no request: {error}") from error


def _failed(one: Tried) -> list[str]:
    place = f"{one.case.file}:{one.case.line}"
    return [f"{place}: it {one.case.it}", *(f"  {complaint}" for complaint in one.complaints)]


def _place(one: Untried) -> str:
    return f"{one.rule.file}:{one.rule.line}: {one.rule.id}"


def _untried(one: Untried) -> dict[str, object]:
    return {"id": one.rule.id, "file": one.rule.file, "line": one.rule.line, "why": one.why}


# Below what it names: each verb is run by the function above.
VERBS: Final = (
    Verb("check", "say all that is wrong with a bundle, with places", _check, ask_folder),
    Verb("test", "try a bundle by its own cases, and name the rules that none tries", _test, ask_folder),
    Verb("fmt", "lay out the files of a bundle in the one way that there is", _fmt, _ask_check),
    Verb("explain", "say what each rule says of a request", _explain, _ask_request),
    *promises.VERBS,
    *keys.VERBS,
)
