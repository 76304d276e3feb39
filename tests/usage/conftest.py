"""A vendor that sells calls, and Acme on its plan."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
import redis

from licensing import api
from tests import rows
from tiergate import FeatureKind, FeatureSpec, ResetPeriod, Term

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def catalogue(db: None, valkey: redis.Redis, worlds: rows.Worlds) -> None:
    worlds.put_back("calls", _sold)
    api.forget_snapshots()


def _sold() -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="calls", kind=FeatureKind.LIMIT))
        edit.put_feature(FeatureSpec(key="mails", kind=FeatureKind.LIMIT))
        edit.put_feature(FeatureSpec(key="stores", kind=FeatureKind.LIMIT))
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH))
        edit.put_plan(
            api.PlanSpec(
                key="starter",
                rank=1,
                terms=(
                    Term(feature="calls", limit=100, reset_period=ResetPeriod.DAY),
                    Term(feature="mails", limit=10, reset_period=ResetPeriod.MONTH, rollover=4),
                    Term(feature="stores", limit=2),
                ),
            )
        )
        edit.put_plan(
            api.PlanSpec(
                key="business",
                rank=2,
                price=api.Price(amount=4900, currency="eur", interval="month"),
                terms=(
                    Term(feature="calls", limit=1000, reset_period=ResetPeriod.DAY, overage=True),
                    Term(feature="mails", unlimited=True),
                    Term(feature="exports", value=True),
                ),
            )
        )


@pytest.fixture
def acme(catalogue: None, worlds: rows.Worlds) -> UUID:
    return worlds.put_back("calls_of_acme", _subscribed, on="calls")


def _subscribed() -> UUID:
    tenant_id = api.put_tenant(slug="acme", name="Acme", by="test", at=NOON)[0].id
    api.put_subscription(
        tenant_id=tenant_id, plan="starter", active_from=datetime(2026, 9, 30, tzinfo=UTC), by="test", at=NOON
    )
    return tenant_id
