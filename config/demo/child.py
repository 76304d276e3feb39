"""`python -m config.demo.child PARENT COMMAND…`: become a command that does not outlive its parent."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Ask the kernel for a SIGTERM at the parent's death; where it is dead already, end.

    Only Linux has this; elsewhere the next start ends what a killed parent left.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        # It died before we asked, so no signal would come.
        os._exit(1)


def main(arguments: list[str]) -> None:
    """Bind this process to its parent, then become the command."""
    parent, *command = arguments
    end_with(int(parent))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
