"""Who put a tenant on what it was on, by the trail."""

import audit.api
from isolation.api import tenant_transaction
from licensing.history.known import Known
from licensing.subscription_rows import subscription_json

_SAME = ("plan", "version", "status", "active_from", "add_ons")


def put_there_by(known: Known) -> str | None:
    """Find in the trail who put the tenant on what it was on; None where the trail does not tell."""
    told = subscription_json(known.subscription)
    if told is None:
        return None
    with tenant_transaction(known.tenant_id):
        entries = audit.api.list_entries(
            tenant_id=known.tenant_id, kinds={audit.api.Kind.SUBSCRIPTION_CHANGED}, limit=audit.api.MAX_PAGE
        )
    found = [
        one.payload["by"]
        for one in entries
        if one.payload.get("new") and all(one.payload["new"].get(part) == told[part] for part in _SAME)
    ]
    return found[0] if found else None
