"""What is typed where the package is installed: ``tiergate policy …``, with a bundle in a folder, or a server afar.

The kernel decides without this: it needs the extra ``policy``, and says so where that is missing.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final, TextIO

_USAGE: Final = """\
usage: tiergate policy VERB …     rules kept as files; `tiergate policy --help` lists the verbs
       tiergate --version
"""
_UNUSABLE: Final = 2


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Run a command, and give the code to exit with. arguments, out, err: the process's own where left out."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    out, err = out or sys.stdout, err or sys.stderr
    match words:
        case ["policy", *rest]:
            return _policy(rest, out, err)
        case ["--version"]:
            out.write(f"tiergate {_version()}\n")
            return 0
        case ["-h" | "--help"]:
            out.write(_USAGE)
            return 0
    err.write(_USAGE)
    return _UNUSABLE


def _policy(rest: Sequence[str], out: TextIO, err: TextIO) -> int:
    try:
        from tiergate.policy import command, verbs  # noqa: PLC0415 - the kernel runs without what this needs
        from tiergate.policy.remote.acting import VERBS  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == "tiergate":
            raise
        err.write(f"tiergate policy needs {error.name}: pip install 'tiergate[policy]'\n")
        return _UNUSABLE
    return verbs.run((*command.VERBS, *VERBS), rest, out, err, description=command.DESCRIPTION, prog="tiergate policy")


def _version() -> str:
    try:
        return version("tiergate")
    except PackageNotFoundError:
        return "from a checkout"
