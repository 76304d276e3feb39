"""Seals, in process after process, each of which is killed a little further on; prints how each one ended.

`python -m tests.audit.sealing_child COPIES STEPS`: the first dies before its first statement or file, the second
before its second, and so on.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

from tests.killed import Countdown, kill_at_each


def _seal(copies: Path, _step: int, left: Countdown) -> None:
    from django.db import connections  # noqa: PLC0415 - not before Django is set up

    import audit.api  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above

    def before_file(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(copies) in str(arguments[0]):
            left.count()

    sys.addaudithook(before_file)
    with connections["sweep"].execute_wrapper(left.before_statement):
        audit.api.seal_all(at=now(), copies=copies, batch=3)


if __name__ == "__main__":
    kill_at_each(int(sys.argv[2]), partial(_seal, Path(sys.argv[1])))
