"""Having Valkey let go of people who were erased, where whoever erased them could not: they died, or Valkey was away."""

from typing import Final

import msgspec
import structlog
from django.db import connections, transaction

from riskengine import store
from riskengine.erasing import Clearing
from riskengine.valkey import ValkeyAway

SWEEP: Final = "sweep"
BATCH: Final = 100

_TAKE: Final = """
    SELECT id, clearing::text FROM riskengine_erasure WHERE clearing IS NOT NULL
    ORDER BY erased_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
_CLEARED: Final = "UPDATE riskengine_erasure SET clearing = NULL WHERE id = ANY(%s)"

_log = structlog.get_logger(__name__)
_decode: Final = msgspec.json.Decoder(Clearing).decode


def clear_erased() -> int:
    """Have Valkey let go of what is left there of people who were erased, and say of how many; again changes nothing.

    :raises django.db.DatabaseError: the database is away; whole batches are noted as done, or not at all.
    """
    count = 0
    while True:
        with transaction.atomic(using=SWEEP), connections[SWEEP].cursor() as cursor:
            cursor.execute(_TAKE, [BATCH])
            rows = cursor.fetchall()
            try:
                for _id, clearing in rows:
                    found = _decode(clearing)
                    store.let_go(found.keys, found.sessions)
            except ValkeyAway as error:
                _log.warning("risk_erasure_waits_for_valkey", error=str(error))
                return count
            cursor.execute(_CLEARED, [[row_id for row_id, _ in rows]])
        count += len(rows)
        if len(rows) < BATCH:
            return count
