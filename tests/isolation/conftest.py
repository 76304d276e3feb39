from datetime import UTC, datetime
from uuid import UUID

import pytest

import audit.api
import licensing.api
from isolation.api import tenant_transaction

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def tenants(db: None) -> tuple[UUID, UUID]:
    """Acme and Globex, each with a member named alice and one entry about her."""
    out = []
    for slug in ("acme", "globex"):
        tenant, _ = licensing.api.put_tenant(slug=slug, name=slug.title(), by="test", at=NOON)
        with tenant_transaction(tenant.id):
            licensing.api.put_member(
                tenant_id=tenant.id, subject_type="user", subject_id="alice", roles=["member"], by="test", at=NOON
            )
            audit.api.append(tenant_id=tenant.id, kind=audit.api.Kind.DECISION, at=NOON, payload={"of": slug})
        out.append(tenant.id)
    return out[0], out[1]
