"""A tenant that only looks on: whatever becomes of the engine, nothing that is looked at goes another way."""

from contextlib import ExitStack
from types import TracebackType
from typing import Literal

import structlog
from django.db import connection, transaction

from riskengine.metrics import NOT_OBSERVED
from riskengine.requirements import Mode

_log = structlog.get_logger(__name__)

type What = Literal["decision", "sign_in", "step_up", "signal"]


class LookingOn:
    """Ask or tell the engine something; where the tenant only looks on, whatever fails at that ends here, and is counted and logged.

    Of what was written in the block nothing stays then, and a transaction around it goes on. In any other mode nothing is caught.
    """

    def __init__(self, mode: Mode, what: What) -> None:
        self._is_caught = mode == Mode.OBSERVE
        self._what = what
        self._savepoint = ExitStack()

    def __enter__(self) -> None:
        if self._is_caught and connection.in_atomic_block:
            # After a statement that failed PostgreSQL refuses all that come, up to a savepoint.
            self._savepoint.enter_context(transaction.atomic())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._savepoint.__exit__(kind, error, trace)
        if not (self._is_caught and isinstance(error, Exception)):
            return False
        _log.warning("risk_not_observed", what=self._what, error=type(error).__name__)
        NOT_OBSERVED.labels(self._what).inc()
        return True
