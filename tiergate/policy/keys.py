"""A publisher's key, as a file that its owner alone reads: made, read, and used to sign a bundle.

What others could have read is refused before it is used: a signature says who made it only while nobody else could.
"""

import argparse
import os
import stat
import sys
from pathlib import Path
from typing import Final

from tiergate.policy.compiling import compile_bundle
from tiergate.policy.folder import read_folder
from tiergate.policy.signing import new_key, public_key, sign
from tiergate.policy.verbs import GOOD, Report, Verb

_MODE: Final = 0o600
_OTHERS: Final = 0o077
# A key in PEM takes about 120.
_MAX_BYTES: Final = 16_384


def write_key(path: Path, key_pem: bytes) -> None:
    """Write a key to a file that its owner alone may read. Nothing is written over.

    :raises OSError: there is such a file already, or it cannot be written.
    """
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        with os.fdopen(number, "wb") as file:
            # Whatever mask the process has.
            os.fchmod(number, _MODE)
            file.write(key_pem)
            file.flush()
            os.fsync(number)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def read_key(name: str) -> bytes:
    """Read a key from a file, or from standard input where it is named ``-``.

    :raises OSError: it cannot be read.
    :raises ValueError: others may read the file as well, or it is none.
    """
    if name == "-":
        return sys.stdin.buffer.read(_MAX_BYTES)
    # The file that is looked at is the one that is read, whatever its name leads to a moment later; and a pipe of
    # which nobody writes the other end does not hold it up.
    number = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{name}: no file; a key may be given on standard input, as -")
        if found.st_mode & _OTHERS:
            raise ValueError(
                f"{name}: others may read or change this key (mode {stat.S_IMODE(found.st_mode):04o}): chmod 600"
            )
        if found.st_uid not in {os.geteuid(), 0}:
            raise ValueError(f"{name}: this key is somebody else's file")
        return file.read(_MAX_BYTES)


def _keygen(given: argparse.Namespace, report: Report) -> int:
    key = new_key()
    write_key(given.file, key)
    public = public_key(key)
    return report.give(GOOD, [public], {"public_key": public})


def _sign(given: argparse.Namespace, report: Report) -> int:
    bundle = compile_bundle(read_folder(given.folder))
    key = read_key(given.key)
    signature, public = sign(key, bundle.digest), public_key(key)
    return report.give(GOOD, [signature], {"digest": bundle.digest, "public_key": public, "signature": signature})


def _ask_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the file to make; its public key is printed")


def _ask_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the folder that holds bundle.yaml")
    parser.add_argument("--key", required=True, metavar="FILE", help="the key that `keygen` made; - for standard input")


VERBS: Final = (
    Verb("keygen", "make a publisher's key, and print its public half", _keygen, _ask_file),
    Verb("sign", "print a publisher's signature of a bundle", _sign, _ask_key),
)
