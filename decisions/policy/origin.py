"""Where a folder stands in git: whose commit it is that somebody applies."""

import shutil
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from decisions.policy.storing import Source

_SECONDS: Final = 10
_SAFE: Final = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


def find_source(folder: Path) -> Source | None:
    """Say which commit a folder's files are; None where they are not all committed, or in no repository, or without git."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        if _asked(git, folder, "status", "--porcelain", "--ignored", "--", "."):
            return None
        commit, author = _asked(git, folder, "log", "-1", "--format=%H%n%an <%ae>").split("\n", 1)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Source(repository=_repository(git, folder), commit=commit, author=author)


def _repository(git: str, folder: Path) -> str:
    try:
        return _without_credentials(_asked(git, folder, "remote", "get-url", "origin"))
    except subprocess.SubprocessError:
        return Path(_asked(git, folder, "rev-parse", "--show-toplevel")).name


def _without_credentials(url: str) -> str:
    """Leave out of an address who fetches from it, and by which password or token."""
    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _asked(git: str, folder: Path, *words: str) -> str:
    found = subprocess.run(
        [git, *_SAFE, "-C", str(folder), *words], capture_output=True, check=True, text=True, timeout=_SECONDS
    )
    return found.stdout.strip()
