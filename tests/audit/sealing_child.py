"""Seals, in process after process, each of which is killed a little further on; prints how each one ended.

`python -m tests.audit.sealing_child COPIES STEPS`: the first dies before its first statement or file, the second
before its second, and so on. It runs no code after the kill, as a machine that loses power.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


def main(copies: Path, steps: int) -> None:
    """Fork and kill."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for step in range(1, steps + 1):
        child = os.fork()
        if not child:
            _seal_until(step, copies)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{step} {'killed' if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}\n")


def _seal_until(step: int, copies: Path) -> None:
    from django.db import connections  # noqa: PLC0415 - not before Django is set up

    import audit.api  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above

    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_statement(execute: Callable[..., Any], *arguments: Any) -> Any:
        count()
        return execute(*arguments)

    def before_file(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(copies) in str(arguments[0]):
            count()

    sys.addaudithook(before_file)
    with connections["sweep"].execute_wrapper(before_statement):
        audit.api.seal_all(at=now(), copies=copies, batch=3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
