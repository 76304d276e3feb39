"""What a tenant that was closed still pays for is ended at Stripe: it is served nothing, so nothing more is charged.

At once, not with the period: until then invoices could still be written, and a card that failed be tried again. What was
paid is not given back by itself: that is the vendor's to decide. A tenant that is opened again has bought nothing.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connections

import audit.api
from billing.models import Snapshot
from billing.owing import Operation, call_later
from billing.state import State, state_of
from billing.wanting import OVER, live_in
from isolation.api import by_itself, tenant_transaction
from licensing import api as licensing

SWEEP: Final = "sweep"
CLOSED: Final = "closed"
MOST_AT_ONCE: Final = 1_000

_DUE: Final = (
    "SELECT held.tenant_id FROM billing_snapshot held JOIN licensing_tenant tenant ON tenant.id = held.tenant_id "
    "WHERE tenant.status = %s AND EXISTS (SELECT FROM jsonb_array_elements(held.state -> 'subscriptions') one "
    "WHERE one ->> 'status' <> ALL (%s) AND NOT EXISTS (SELECT FROM billing_outbox owed "
    "WHERE owed.tenant_id = held.tenant_id AND owed.purpose = 'closed ' || (one ->> 'id'))) ORDER BY held.tenant_id LIMIT %s"
)


def order_ends(*, at: datetime) -> int:
    """Have what closed tenants pay for end, by what was read of them last, and return of how many it was tried. By the sweep's role."""
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(_DUE, [CLOSED, sorted(OVER), MOST_AT_ONCE])
        due = [row[0] for row in cursor.fetchall()]
    for tenant_id in due:
        with by_itself("closed", tenant_id=tenant_id), tenant_transaction(tenant_id, durable=True):
            end_if_closed(tenant_id, state_of(Snapshot.objects.get(tenant_id=tenant_id).state), at=at)
    return len(due)


def end_if_closed(tenant_id: UUID, state: State, *, at: datetime) -> None:
    """Order the end of whatever a closed tenant pays for, each once, within the transaction of the tenant."""
    if licensing.get_tenant(tenant_id).status != CLOSED:
        return
    for one in live_in(state):
        is_new = call_later(
            tenant_id=tenant_id,
            operation=Operation.CANCEL_SUBSCRIPTION,
            parameters={"subscription": one.id},
            purpose=f"closed {one.id}",
            at=at,
        )
        if is_new:
            audit.api.append(
                tenant_id=tenant_id,
                kind=audit.api.Kind.BILLING_CANCEL_ORDERED,
                at=at,
                payload={"by": "billing", "subscription": one.id, "why": "tenant_closed"},
            )
