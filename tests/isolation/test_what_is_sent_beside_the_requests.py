"""A process sends by one thread of its own, whatever its parent was doing, and waits for it with a bound."""

import os
import signal
import threading
import warnings
from collections.abc import Iterator

import pytest

from isolation.api import OneOfProcess, Sending
from tests.conftest import PATIENCE


class _Line(Sending):
    """Sends what waits once it may."""

    def __init__(self) -> None:
        super().__init__(name="tests-sending")
        self.may_send = threading.Event()
        self.waiting: list[int] = []
        self.sent: list[int] = []
        self._begin()

    def take(self, one: int) -> None:
        self.waiting.append(one)
        self._wake()

    def _is_behind(self) -> bool:
        return bool(self.waiting)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._something.wait()
            self._something.clear()
            while self.may_send.is_set() and self.waiting and not self._stopped.is_set():
                self.sent.append(self.waiting[0])
                del self.waiting[0]
            self._idle.set()


@pytest.fixture
def line() -> Iterator[OneOfProcess[_Line]]:
    made = OneOfProcess(_Line)
    yield made
    made.get().may_send.set()
    made.stop()


def test_what_waits_is_sent_before_the_end_and_the_next_one_is_another(line: OneOfProcess[_Line]) -> None:
    first = line.get()
    assert line.get() is first
    first.may_send.set()
    # Nobody has woken it yet.
    first.waiting.append(1)
    line.stop()
    assert (first.sent, first._thread.is_alive()) == ([1], False)
    assert line.get() is not first


def test_whoever_waits_for_what_cannot_be_sent_is_told_so(line: OneOfProcess[_Line]) -> None:
    line.get().take(1)
    assert not line.get().flush(seconds=0.01)
    line.get().may_send.set()
    assert line.get().flush(seconds=PATIENCE)


def test_a_child_has_a_thread_of_its_own_and_sends_nothing_of_its_parents(line: OneOfProcess[_Line]) -> None:
    parents = line.get()
    parents.take(1)
    with line._guard, warnings.catch_warnings():
        # That a thread is running, and another one holds the lock, is what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if not child:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)
            own = line.get()
            own.may_send.set()
            own.take(2)
            is_sent = own.flush(seconds=PATIENCE)
            os._exit(0 if is_sent and own.sent == [2] and parents.waiting == [1] else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
