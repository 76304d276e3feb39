"""Walks through profiles, in process after process, each of which is killed a little further on; prints how each one ended.

`python -m tests.riskengine.walking_child STEPS`: the first dies before its first statement, the second before its second, and
so on; each comes after the lease of the one before is over. It runs no code after the kill, as a machine that loses power.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django


def main(steps: int) -> None:
    """Fork and kill."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for step in range(1, steps + 1):
        child = os.fork()
        if not child:
            _walk_until(step)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{step} {'killed' if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}\n")


def _walk_until(step: int) -> None:
    from django.db import connections  # noqa: PLC0415 - not before Django is set up

    from isolation.clock import now  # noqa: PLC0415 - as above
    from riskengine import recomputing  # noqa: PLC0415 - as above

    left, begun = step, now() + timedelta(hours=step)

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_statement(execute: Callable[..., Any], *arguments: Any) -> Any:
        count()
        return execute(*arguments)

    with connections["sweep"].execute_wrapper(before_statement):
        recomputing.work(clock=lambda: begun, until=begun + timedelta(seconds=30), page=3)


if __name__ == "__main__":
    main(int(sys.argv[1]))
