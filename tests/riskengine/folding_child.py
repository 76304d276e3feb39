"""Folds, in process after process, each of which is killed a little further on; prints how each one ended.

`python -m tests.riskengine.folding_child STEPS`: the first dies before its first statement or script, the second before its
second, and so on.
"""

import sys
from datetime import timedelta
from typing import Any

from tests.killed import Countdown, kill_at_each


def _fold(_step: int, left: Countdown) -> None:
    from django.db import connections  # noqa: PLC0415 - not before Django is set up

    from isolation.clock import now  # noqa: PLC0415 - as above
    from riskengine import folding  # noqa: PLC0415 - as above

    def before_script(event: str, _arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            left.count()

    sys.addaudithook(before_script)
    publish = folding._publish

    def counted_publish(changed: Any) -> None:
        left.count()
        publish(changed)

    folding._publish = counted_publish
    with connections["sweep"].execute_wrapper(left.before_statement):
        folding.fold(clock=now, until=now() + timedelta(seconds=30), batch=20)


if __name__ == "__main__":
    kill_at_each(int(sys.argv[1]), _fold)
