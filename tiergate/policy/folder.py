"""A bundle's files, read from a folder: all of them, or a sentence that says why not."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tiergate.policy import limits
from tiergate.policy.compiling import ABOUT
from tiergate.policy.errors import BundleRefused, PolicyError

_PARTS: Final = ("rules", "invariants", "tests")
_LISTED: Final = "rules/, invariants/ and tests/"
_YAML: Final = (".yaml", ".yml")
# A character takes four bytes at the most.
_MAX_BYTES: Final = 4 * limits.MAX_FILE


def read_folder(folder: Path) -> Mapping[str, str]:
    """Read a bundle's files: text by path within the folder.

    What stands beside them, such as a README, is no part of it; what could be taken for a part and is none is refused.

    :raises OSError: the folder, or a file of it, cannot be read.
    :raises BundleRefused: a file is no text, is larger than any of a bundle, or is a link or a folder.
    """
    files: dict[str, str] = {}
    errors: list[PolicyError] = []
    for path, name in _paths(folder):
        if path.is_symlink() or not path.is_file():
            what = "a link" if path.is_symlink() else "a folder" if path.is_dir() else "something else"
            errors.append(
                _refused(name, f"no file of a bundle but {what}: those are bundle.yaml, and *.yaml in {_LISTED}")
            )
        elif path.stat().st_size > _MAX_BYTES:
            errors.append(_refused(name, f"larger than {limits.MAX_FILE} characters"))
        elif len(files) > limits.MAX_FILES:
            raise BundleRefused([_refused(name, f"a bundle has at most {limits.MAX_FILES} files")])
        else:
            try:
                files[name] = path.read_bytes().decode()
            except UnicodeDecodeError as error:
                errors.append(_refused(name, f"this is no UTF-8: byte {error.start + 1}"))
    if errors:
        raise BundleRefused(errors)
    return files


def write_file(folder: Path, name: str, text: str) -> None:
    """Put another text into a file of a bundle: all of it, or, where that fails, none.

    :raises OSError: it cannot be written.
    """
    path = folder / name
    number, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    new = Path(made)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(text.encode())
        new.chmod(path.stat().st_mode & 0o777)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _paths(folder: Path) -> list[tuple[Path, str]]:
    """List what is a part of the bundle, or could be taken for one, with its name within the folder."""
    out = []
    for one in sorted(folder.iterdir()):
        if one.name in _PARTS and one.is_dir() and not one.is_symlink():
            inside = [path for path in sorted(one.iterdir()) if not path.name.startswith(".")]
            out += [(path, f"{one.name}/{path.name}") for path in inside]
        elif one.name == ABOUT or one.name in _PARTS:
            out.append((one, one.name))
        elif not one.name.startswith(".") and (one.is_dir() or one.suffix in _YAML):
            # `rule/` for `rules/`: what is not read is not to be believed to be.
            out.append((one, one.name))
    return out


def _refused(name: str, message: str) -> PolicyError:
    return PolicyError(file=name, line=1, column=1, message=message)
