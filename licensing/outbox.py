"""Say what the vendor's own systems are to hear of, in the very transaction that makes it so."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from django.db import connection

from isolation.api import CrossTenantError, current_tenant_id
from licensing import names
from licensing.errors import InvalidTerm
from licensing.holdings import read_generations
from licensing.models.outbox import EventKind
from licensing.nudging import nudge

SENDS: Final = "licensing.tasks.send_webhooks"
MAX_ONCE: Final = 200
MAX_PAYLOAD: Final = 262_144

_INSERT: Final = """
    INSERT INTO licensing_outbox_event (id, tenant_id, kind, at, snapshot, payload, once, transaction)
    VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, pg_current_xact_id()::text::bigint)
    ON CONFLICT DO NOTHING
"""


def emit(*, tenant_id: UUID, kind: str, payload: Mapping[str, Any], at: datetime, once: str = "") -> UUID | None:
    """Write one event within the transaction that does what it tells, so that both stand or neither.

    Returns its id; None where it was told already. It is sent to whoever wants it after the commit.

    kind: one of `EventKind`. payload: what JSON can hold, up to 256 KiB; no person's data, since it leaves the house.
    once: names what is to be told a single time for this tenant and kind, such as ``exports:2026-11-01``.
    :raises CrossTenantError: outside a transaction of this tenant.
    :raises InvalidTerm: an unknown kind, or a payload that cannot be stored.
    """
    if current_tenant_id() != tenant_id:
        raise CrossTenantError("An event is written inside a transaction of its own tenant.")
    if kind not in set(EventKind):
        raise InvalidTerm(f"An event is one of {', '.join(EventKind)}.")
    if len(once) > MAX_ONCE:
        raise InvalidTerm(f"What is told once is named in at most {MAX_ONCE} characters.")
    body = msgspec.json.encode(names.json_value(dict(payload), at_most=MAX_PAYLOAD)).decode()
    event_id = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                event_id,
                tenant_id,
                str(kind),
                names.instant(at, "The instant"),
                str(read_generations(tenant_id)),
                body,
                once,
            ],
        )
        is_new = cursor.rowcount > 0
    if is_new:
        nudge(SENDS)
    return event_id if is_new else None
