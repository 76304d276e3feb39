"""Who runs the servers, and is a directory truly ours?"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded.errors import EmbeddedError
from config.embedded.paths import Place


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the servers run as."""

    uid: int
    gid: int

    @property
    def is_another(self) -> bool:
        """Tell whether that is not the account of this process."""
        return self.uid != os.geteuid()

    def as_subprocess(self) -> dict[str, Any]:
        """Give the arguments that make `subprocess` run a child as this account."""
        if not self.is_another:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account:
    """Choose who runs the servers: nobody when this is root, whom PostgreSQL refuses.

    :raises EmbeddedError: when this is root and the machine has no account named nobody.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        message = "PostgreSQL does not run as root, and this machine has no account 'nobody' to run it as."
        raise EmbeddedError(message) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def make_private(path: Path, *, uid: int, gid: int, mode: int) -> None:
    """Create a directory for one account, or make sure that it is that account's.

    Anyone may create a name in /var/tmp. One that waits for us and belongs to somebody else, or
    is a link, was planted.

    :raises EmbeddedError: when the path is not a plain directory of `uid`.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if uid != os.geteuid():
            os.chown(path, uid, gid)
        path.chmod(mode)
        return
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        message = (
            f"{path} is not a directory of user id {uid}: somebody else made it. "
            "Look at it, remove it, or set TIERGATE_RUNTIME_DIR to a directory of your own."
        )
        raise EmbeddedError(message)
    if stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)


def lay_out(place: Place) -> Account:
    """Create the directories of a place and say who runs its servers.

    `root`, `bin` and `keep` belong to the caller, so that the servers' account can change neither
    their programs nor the secrets; `data` and `run` belong to the servers' account alone.

    :raises EmbeddedError: when one of them belongs to somebody else, or cannot be reached.
    """
    account = server_account()
    me, my_group = os.geteuid(), os.getegid()
    opened = 0o755 if account.is_another else 0o700
    if not place.root.parent.is_dir():
        message = f"{place.root.parent} is no directory; TIERGATE_RUNTIME_DIR must name one."
        raise EmbeddedError(message)
    if account.is_another:
        _refuse_hidden(place.root.parent)
    make_private(place.root, uid=me, gid=my_group, mode=opened)
    make_private(place.binaries, uid=me, gid=my_group, mode=opened)
    make_private(place.keep, uid=me, gid=my_group, mode=0o700)
    make_private(place.data, uid=account.uid, gid=account.gid, mode=0o700)
    make_private(place.run, uid=account.uid, gid=account.gid, mode=0o700)
    return account


def _refuse_hidden(parent: Path) -> None:
    for step in (parent, *parent.parents):
        if not step.stat().st_mode & stat.S_IXOTH:
            message = (
                f"{step} cannot be entered by the account 'nobody', which runs the servers for root; "
                "set TIERGATE_RUNTIME_DIR to a directory that can."
            )
            raise EmbeddedError(message)
