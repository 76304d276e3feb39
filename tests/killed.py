"""Doing something in process after process, each of which is killed a little further on, as a machine that loses power."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django


class Countdown:
    """Kills this process at the step that it was made for: nothing of it is run afterwards."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def count(self) -> None:
        """Take a step, the last one maybe."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_statement(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        """Take a step before each statement of a connection: its ``execute_wrapper``."""
        self.count()
        return execute(*arguments)


def kill_at_each(steps: int, act: Callable[[int, Countdown], None]) -> None:
    """Set Django up, and do ``act`` in a process for each step, which dies at that one; print how each of them ended.

    act: is given the number of the step, and what counts them.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for step in range(1, steps + 1):
        child = os.fork()
        if not child:
            act(step, Countdown(step))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{step} {'killed' if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}\n")
