"""The rules in force are compiled before this process serves, or as soon as there is a database to read them from."""

import structlog
from django.db import connections

from decisions import api as decisions
from isolation.clock import now
from tiergate import TiergateError

_log = structlog.get_logger(__name__)


class _Rules:
    """What this process has done about them."""

    is_done = False

    def load(self) -> None:
        """Load them, unless that was done."""
        if self.is_done:
            return
        try:
            decisions.load_policy_in_force(at=now())
        except TiergateError as error:
            # What needs no rules is served: to take back a bundle that cannot be loaded may take this process.
            _log.warning("policy_not_loaded", error=error.code)
        except Exception as error:  # noqa: BLE001 - tried again by whoever asks next, and by whoever needs them
            _log.warning("policy_not_loaded", error=type(error).__name__)
            return
        finally:
            connections.close_all()
        self.is_done = True


_rules = _Rules()


def load_rules() -> None:
    """Have the rules in force compiled in this process, once, and this process told of those that are about to be."""
    _rules.load()
