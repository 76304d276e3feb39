"""What each process does for its figures before somebody reads them.

Where several processes share one page (`PROMETHEUS_MULTIPROC_DIR`), whoever answers reads what the others last wrote
down; so each writes once a second. A process alone writes when it is asked, and needs no thread.
"""

import os
import threading
from collections.abc import Callable
from typing import Final

import structlog
from prometheus_client import Counter, disable_created_metrics

BEAT_SECONDS: Final = 1.0

# When a series began is of use to none of our figures, and doubles the page.
disable_created_metrics()  # type: ignore[no-untyped-call]

FAILURES: Final = Counter(
    "tiergate_figure_failures_total", "Times that a figure of this page could not be read.", ["figure"]
)

_log = structlog.get_logger(__name__)
_chores: dict[str, Callable[[], None]] = {}
_beating_pid = 0
_guard = threading.Lock()


def is_shared() -> bool:
    """Say whether several processes write their figures where one of them reads them all."""
    return bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))


def before_reading(name: str, chore: Callable[[], None]) -> None:
    """Run ``chore`` before figures are read: each second where processes share a page, else when they are asked for.

    name: what is counted as failed when it raises; the same name again replaces the chore.
    """
    _chores[name] = chore


def beat() -> None:
    """Run every chore once; one that raises is counted and keeps no other from running."""
    for name, chore in list(_chores.items()):
        try:
            chore()
        except Exception:  # noqa: BLE001 - whatever it was, the other figures must be written
            FAILURES.labels(name).inc()
            _log.debug("figure_failed", figure=name, exc_info=True)


def begin() -> None:
    """Begin to write each second in this process, where that is needed; again, it does nothing.

    A thread is not inherited over a fork: call it in the process that serves.
    """
    global _beating_pid  # noqa: PLW0603 - one thread a process
    if not is_shared() or _beating_pid == os.getpid():
        return
    with _guard:
        if _beating_pid != os.getpid():
            _beating_pid = os.getpid()
            threading.Thread(target=_go_on, name="tiergate-figures", daemon=True).start()


def _go_on() -> None:
    never = threading.Event()
    while not never.wait(BEAT_SECONDS):
        beat()


def _forget_lock() -> None:
    global _guard  # noqa: PLW0603 - a lock that another thread held at the fork would stay held
    _guard = threading.Lock()


os.register_at_fork(after_in_child=_forget_lock)
