"""Threads take turns at deciding, with one set of connections between them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from config.turns import Turn


@pytest.mark.django_db
def test_whoever_has_the_turn_works_with_its_connection() -> None:
    turn, together = Turn(), Barrier(4)
    at_work: list[int] = []

    def work(_number: int) -> tuple[int, int]:
        together.wait()
        with turn:
            at_work.append(1)
            in_turn = connections["default"]
            with in_turn.cursor() as cursor:
                cursor.execute("SELECT 1")
            assert len(at_work) == 1, "another one is at work"
            at_work.pop()
        turn.leave()
        return id(in_turn), id(connections["default"])

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(work, range(4)))
    with turn:
        connections["default"].close()
    turn.leave()
    assert len({in_turn for in_turn, _own in found}) == 1
    assert {in_turn for in_turn, _own in found}.isdisjoint({own for _in_turn, own in found})


def test_a_turn_that_failed_is_over() -> None:
    turn, at_work = Turn(), []
    with pytest.raises(ZeroDivisionError), turn:
        raise ZeroDivisionError
    with turn:
        at_work.append("the next one")
    turn.leave()
    assert at_work == ["the next one"]


def test_a_turn_that_could_not_begin_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Turn()

    def fail() -> None:
        raise OSError("the connection is gone")

    monkeypatch.setattr(connections["default"], "close", fail)
    with pytest.raises(OSError, match="gone"):
        turn.__enter__()
    monkeypatch.undo()
    at_work = []
    with turn:
        at_work.append("the next one")
    turn.leave()
    assert at_work == ["the next one"]
