from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

import audit.api
import authlevels.api
import licensing.api
from isolation.api import tenant_transaction
from tests import rows
from tests.isolation.sides import World
from tests.isolation.world import make_world, refresh

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEPT = "two_tenants_rows"
"""The schema that holds both tenants' rows as they were made."""
TENANTS = "two_tenants"
"""The same of the tenants alone."""


@pytest.fixture
def tenants(db: None, worlds: rows.Worlds) -> tuple[UUID, UUID]:
    """Acme and Globex, each with a member named alice and one entry about her."""
    return worlds.put_back(TENANTS, _tenants)


def _tenants() -> tuple[UUID, UUID]:
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


@pytest.fixture
def world(db: None, worlds: rows.Worlds, superuser: psycopg.Connection, settings: Any) -> Iterator[World]:
    """Give each test both tenants as they were made: once, then put back row by row."""
    forget()
    made = worlds.put_back(KEPT, lambda: make_world(superuser))
    refresh(made)
    yield made
    forget()


def forget() -> None:
    """Drop what this process remembers of rows that are put back behind its back."""
    licensing.api.forget_snapshots()
    authlevels.api.forget_credentials()
