"""Erases people, in process after process, each of which is killed a little further on; prints how each one ended.

`python -m tests.riskengine.erasing_child TENANT STEPS`: the first, erasing `user:person-1`, dies before its first statement or script,
the second before its second, and so on.
"""

import sys
from functools import partial
from typing import Any
from uuid import UUID

from tests.killed import Countdown, kill_at_each


def _erase(tenant_id: UUID, step: int, left: Countdown) -> None:
    from django.db import connection  # noqa: PLC0415 - not before Django is set up

    from riskengine import api as risk  # noqa: PLC0415 - as above
    from riskengine import erasing, store  # noqa: PLC0415 - as above
    from tests.riskengine.conftest import NOON  # noqa: PLC0415 - as above

    let_go, clear = store.let_go, erasing._clear
    erased: Any = erasing
    stored: Any = store

    def counted_clear(*arguments: Any) -> None:
        left.count()
        clear(*arguments)

    def counted_let_go(*arguments: Any) -> None:
        left.count()
        let_go(*arguments)
        left.count()

    erased._clear, stored.let_go = counted_clear, counted_let_go
    with connection.execute_wrapper(left.before_statement):
        risk.erase_person(tenant_id=tenant_id, subject=("user", f"person-{step}"), at=NOON)


if __name__ == "__main__":
    kill_at_each(int(sys.argv[2]), partial(_erase, UUID(sys.argv[1])))
