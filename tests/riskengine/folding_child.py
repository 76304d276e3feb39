"""Folds, in process after process, each of which is killed a little further on; prints how each one ended.

`python -m tests.riskengine.folding_child STEPS`: the first dies before its first statement or script, the second before its
second, and so on. It runs no code after the kill, as a machine that loses power.
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
            _fold_until(step)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{step} {'killed' if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}\n")


def _fold_until(step: int) -> None:
    from django.db import connections  # noqa: PLC0415 - not before Django is set up

    from isolation.clock import now  # noqa: PLC0415 - as above
    from riskengine import folding  # noqa: PLC0415 - as above

    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_statement(execute: Callable[..., Any], *arguments: Any) -> Any:
        count()
        return execute(*arguments)

    def before_script(event: str, _arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            count()

    sys.addaudithook(before_script)
    publish = folding._publish

    def counted_publish(changed: Any) -> None:
        count()
        publish(changed)

    folding._publish = counted_publish
    with connections["sweep"].execute_wrapper(before_statement):
        folding.fold(clock=now, until=now() + timedelta(seconds=30), batch=20)


if __name__ == "__main__":
    main(int(sys.argv[1]))
