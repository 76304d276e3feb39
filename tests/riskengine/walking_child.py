"""Walks through profiles, in process after process, each of which is killed a little further on; prints how each one ended.

`python -m tests.riskengine.walking_child STEPS`: the first dies before its first statement, the second before its second, and
so on; each comes after the lease of the one before is over.
"""

import sys
from datetime import timedelta

from tests.killed import Countdown, kill_at_each


def _walk(step: int, left: Countdown) -> None:
    from django.db import connections  # noqa: PLC0415 - not before Django is set up

    from isolation.clock import now  # noqa: PLC0415 - as above
    from riskengine import recomputing  # noqa: PLC0415 - as above

    begun = now() + timedelta(hours=step)
    with connections["sweep"].execute_wrapper(left.before_statement):
        recomputing.work(clock=lambda: begun, until=begun + timedelta(seconds=30), page=3)


if __name__ == "__main__":
    kill_at_each(int(sys.argv[1]), _walk)
