"""What tests ask of data about networks: what is listed, and what the trail tells of it."""

from datetime import datetime, timedelta

import audit.api
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine import api as risk
from riskengine.data.models import ListedNetwork
from tests.authlevels.acme import NOON

SOON = NOON + timedelta(minutes=1)


def told() -> list[audit.api.Entry]:
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        found = audit.api.list_entries(tenant_id=licensing.VENDOR_TENANT_ID, limit=audit.api.MAX_PAGE)
    return [one for one in found if one.kind.startswith("risk.data")]


def listed(name: str = "reputation") -> set[str]:
    return set(ListedNetwork.objects.filter(named_by=name).values_list("network", flat=True))


def is_listed(ip: str, *, at: datetime = SOON) -> bool:
    return risk.see(at=at, ip=ip).is_listed
