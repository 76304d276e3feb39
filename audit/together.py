"""Entries of several requests committed together: to wait for the disk costs one transaction as much as another.

Whoever finds nobody at it appends at once, what others have brought meanwhile included; who comes while that goes on
waits, and is appended with the next ones. So a lone entry waits for nobody, and under load one write to the disk
serves many.
"""

import os
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import DatabaseError

from audit.errors import is_for_good

MOST: Final = 16
"""Entries in one transaction."""
LEADERS: Final = 2
"""Transactions at a time: one works while the other waits for the disk."""

type Values = Sequence[str | UUID | datetime | None]
type Append = Callable[[Sequence[Values]], None]


class _Waiting:
    """One entry, until it stands or is refused. to_append: what its thread is to append when the gate opens."""

    __slots__ = ("error", "gate", "to_append", "values")

    def __init__(self, values: Values) -> None:
        self.values = values
        self.error: Exception | None = None
        self.to_append: list[_Waiting] = []
        self.gate = threading.Lock()
        self.gate.acquire()


class Together:
    """Appends entries that come at the same time in one transaction. append: does it, for all of some or for none."""

    def __init__(self, append: Append) -> None:
        self._append = append
        self._guard = threading.Lock()
        # Nobody waits but while as many as may are appending.
        self._waiting: list[_Waiting] = []
        self._leaders = 0

    def add(self, values: Values) -> None:
        """Append an entry; it stands when this returns.

        :raises django.db.DatabaseError: it may not stand.
        """
        mine = _Waiting(values)
        with self._guard:
            if self._leaders < LEADERS:
                self._leaders += 1
                mine.to_append = [mine]
            else:
                self._waiting.append(mine)
        if not mine.to_append:
            mine.gate.acquire()
        if mine.to_append:
            self._lead(mine.to_append)
        if mine.error is not None:
            # Each thread raises one of its own: they would write their traces over each other's.
            raise type(mine.error)(*mine.error.args) from mine.error

    def _lead(self, batch: list[_Waiting]) -> None:
        try:
            self._settle(batch)
        finally:
            with self._guard:
                waiting, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                self._leaders -= not waiting
            for one in batch[1:]:
                one.gate.release()
            if waiting:
                # The first of them appends them all, itself included.
                waiting[0].to_append = waiting
                waiting[0].gate.release()

    def _settle(self, batch: list[_Waiting]) -> None:
        for one in batch:
            one.error = DatabaseError("The entry was not appended.")
        try:
            self._append([one.values for one in batch])
        except DatabaseError as error:
            if len(batch) > 1 and is_for_good(error):
                # It is one entry's fault, and none of them stands: the others do without it.
                for one in batch:
                    self._settle([one])
                return
            for one in batch:
                one.error = error
        else:
            for one in batch:
                one.error = None


class OfProcess:
    """What one process appends together; nothing of it is inherited over a fork."""

    def __init__(self, append: Append) -> None:
        self._append = append
        self._current = Together(append)
        os.register_at_fork(after_in_child=self._begin_anew)

    def add(self, values: Values) -> None:
        """Append an entry, as `Together.add` does."""
        self._current.add(values)

    def _begin_anew(self) -> None:
        self._current = Together(self._append)
