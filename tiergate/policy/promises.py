"""The verb ``verify``: is what a bundle promises proved, and if not, which request breaks it?"""

import argparse
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tiergate.policy.compiling import compile_bundle
from tiergate.policy.folder import read_folder
from tiergate.policy.proving import Finding, GivenUp, Invariant, Outcome, Waiver, verify
from tiergate.policy.verbs import GOOD, WRONG, Report, Verb
from tiergate.policy.wording import Alarm

_TIMEOUT_S: Final = 10.0


def _ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the folder that holds bundle.yaml")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="the bundle before, whose promises are kept, or given up by somebody's word",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=_TIMEOUT_S,
        metavar="S",
        help="seconds for each question to Z3, of which an invariant takes up to six; what takes longer is unproved",
    )


def _seconds(text: str) -> float:
    """Read how long a question may take.

    :raises argparse.ArgumentTypeError: it is no such time.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    # Z3 counts milliseconds, in 32 bits; none at all would be for ever.
    if not 0.001 <= seconds <= 1_000_000:  # noqa: PLR2004 - as above
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds")
    return seconds


def _verify(given: argparse.Namespace, report: Report) -> int:
    bundle = compile_bundle(read_folder(given.folder))
    base = None if given.against is None else compile_bundle(read_folder(given.against))
    # An edge: a process of its own, which ends with the answer.
    today = datetime.now(UTC).date()  # noqa: TID251 - as above
    found = verify(bundle, today=today, timeout_ms=int(given.timeout * 1000), base=base)
    counts = {outcome: sum(one.outcome == outcome for one in found.findings) for outcome in Outcome}
    lines = [line for one in found.findings for line in _lines(one)]
    lines += [_gone(one) for one in found.given_up]
    waived = sum(one.waiver is not None for one in found.findings)
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    lines.append(f"{len(found.findings)} invariants: {said}, {waived} waived")
    return report.give(
        GOOD if found.is_accepted else WRONG,
        lines,
        {
            "digest": bundle.digest,
            "against": None if base is None else base.digest,
            "invariants": [_written(one) for one in found.findings],
            "given_up": [_given_up(one) for one in found.given_up],
        },
    )


def _place(invariant: Invariant) -> str:
    return f"{invariant.about.file}:{invariant.about.line}: {invariant.id}"


def _lines(one: Finding) -> list[str]:
    """Say what became of an invariant, with a request on a line of its own that ``explain`` takes."""
    reason = f": {one.reason}" if one.reason else ""
    whose = ", which the bundle before promised" if one.is_of_base else ""
    lines = [f"{_place(one.invariant)}: {one.outcome}{whose}{reason}"]
    if one.counterexample is not None:
        lines.append(f"  {json.dumps(one.counterexample.to_json())}")
    if one.waiver is not None:
        lines.append(f"  waived by {one.waiver.owner} until {one.waiver.until}: {one.waiver.because}")
    return lines


def _gone(one: GivenUp) -> Alarm:
    place, word = _place(one.promise), one.word
    if word is None:
        return Alarm(f"{place}: given up, which the bundle before promised: {one.reason}")
    return Alarm(f"{place}: given up by {word.owner}, which the bundle before promised: {word.because}")


def _given_up(one: GivenUp) -> dict[str, object]:
    return {"id": one.promise.id, "reason": one.reason, "word": _word(one.word)}


def _word(word: Waiver | None) -> dict[str, object] | None:
    if word is None:
        return None
    return {"owner": word.owner, "until": word.until.isoformat(), "because": word.because}


def _written(one: Finding) -> dict[str, object]:
    return {
        "id": one.invariant.id,
        "file": one.invariant.about.file,
        "line": one.invariant.about.line,
        "owner": one.invariant.owner,
        "outcome": one.outcome.value,
        "reason": one.reason,
        "is_of_base": one.is_of_base,
        "counterexample": None if one.counterexample is None else one.counterexample.to_json(),
        "waiver": _word(one.waiver),
    }


VERBS: Final = (Verb("verify", "prove what a bundle promises, or show a request that breaks it", _verify, _ask),)
