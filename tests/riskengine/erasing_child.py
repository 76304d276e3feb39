"""Erases people, in process after process, each of which is killed a little further on; prints how each one ended.

`python -m tests.riskengine.erasing_child TENANT STEPS`: the first, erasing `user:person-1`, dies before its first statement or script,
the second before its second, and so on. It runs no code after the kill, as a machine that loses power.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

import django


def main(tenant_id: UUID, steps: int) -> None:
    """Fork and kill."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for step in range(1, steps + 1):
        child = os.fork()
        if not child:
            _erase_until(tenant_id, step)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{step} {'killed' if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}\n")


def _erase_until(tenant_id: UUID, step: int) -> None:
    from django.db import connection  # noqa: PLC0415 - not before Django is set up

    from riskengine import api as risk  # noqa: PLC0415 - as above
    from riskengine import erasing, store  # noqa: PLC0415 - as above
    from tests.riskengine.conftest import NOON  # noqa: PLC0415 - as above

    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_statement(execute: Callable[..., Any], *arguments: Any) -> Any:
        count()
        return execute(*arguments)

    let_go, clear = store.let_go, erasing._clear
    erased: Any = erasing
    stored: Any = store

    def counted_clear(*arguments: Any) -> None:
        count()
        clear(*arguments)

    def counted_let_go(*arguments: Any) -> None:
        count()
        let_go(*arguments)
        count()

    erased._clear, stored.let_go = counted_clear, counted_let_go
    with connection.execute_wrapper(before_statement):
        risk.erase_person(tenant_id=tenant_id, subject=("user", f"person-{step}"), at=NOON)


if __name__ == "__main__":
    main(UUID(sys.argv[1]), int(sys.argv[2]))
