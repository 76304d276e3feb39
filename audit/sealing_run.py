"""Seal whatever waits, and copy every checkpoint out of the database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from audit.copies import copy_checkpoints, refuse_fork
from audit.sealing import BATCH, Sealed, seal

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingRun:
    """What a run did. sealed: entries. copied: checkpoints."""

    sealed: int
    copied: int


def seal_all(
    *,
    at: datetime,
    copies: Path | None,
    batch: int = BATCH,
    max_batches: int = 1_000,
    progress: Callable[[Sealed], None] | None = None,
) -> SealingRun:
    """Seal batch after batch until nothing waits, copying each checkpoint as it is made.

    Whatever ends it in between leaves a whole tree, from which the next run goes on. A directory that cannot be
    written holds up no sealing: the copies are made once it can.

    :raises CannotSeal: no key; or what should be built on was changed or set back. Nothing is sealed then.
    :raises OSError: the copies could not be made; everything is sealed then.
    """
    failed = None
    try:
        if copies is not None:
            refuse_fork(copies)
    except OSError as error:
        failed = error
    sealed = copied = 0
    for _ in range(max_batches):
        done = seal(at=at, limit=batch)
        try:
            copied += 0 if copies is None else copy_checkpoints(copies)
            failed = None
        except OSError as error:
            _log.exception("audit_copy_failed", directory=str(copies))
            failed = error
        if done is None:
            break
        sealed += done.count
        if progress is not None:
            progress(done)
        if not done.is_more:
            break
    if failed is not None:
        raise failed
    return SealingRun(sealed=sealed, copied=copied)
