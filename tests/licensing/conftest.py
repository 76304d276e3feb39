"""Northwind's catalogue, and the tenant acme."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from licensing import api
from tests import rows
from tiergate import ActionSpec, FeatureKind, FeatureSpec, Level, Requirement, Sensitivity, Term

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AAL2 = Requirement(level=Level.AAL2, max_age=300)
AAL3 = Requirement(level=Level.AAL3, max_age=300)


def later(days: float) -> datetime:
    return NOON + timedelta(days=days)


def plans(*, business_price: int = 4900) -> list[api.PlanSpec]:
    return [
        api.PlanSpec(
            key="starter",
            rank=1,
            price=api.Price(amount=900, currency="eur", interval="month"),
            terms=(Term(feature="reports", value=True), Term(feature="seats", limit=3)),
        ),
        api.PlanSpec(
            key="business",
            rank=2,
            price=api.Price(amount=business_price, currency="eur", interval="month"),
            terms=(
                Term(feature="reports", value=True),
                Term(feature="exports", value=True, requirement=AAL2),
                Term(feature="seats", limit=40),
            ),
        ),
        api.PlanSpec(
            key="regulated",
            rank=3,
            terms=(
                Term(feature="reports", value=True),
                Term(feature="exports", value=True, requirement=AAL3),
                Term(feature="seats", unlimited=True),
            ),
        ),
        api.PlanSpec(
            key="export-pack",
            kind="add_on",
            rank=1,
            price=api.Price(amount=1900, currency="eur", interval="month"),
            terms=(Term(feature="exports", value=True, requirement=AAL2),),
        ),
        api.PlanSpec(key="more-seats", kind="add_on", rank=1, terms=(Term(feature="seats", limit=10),)),
    ]


def fill(edit: api.CatalogueEdit, *, business_price: int = 4900) -> None:
    edit.put_feature(FeatureSpec(key="reports", kind=FeatureKind.SWITCH))
    edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH, sensitivity=Sensitivity.REGULATED))
    edit.put_feature(FeatureSpec(key="seats", kind=FeatureKind.LIMIT))
    edit.put_action(
        ActionSpec(name="reports.read", resource_type="report", privilege="reports.read", feature="reports")
    )
    edit.put_role("member", ["reports.read"])
    for spec in plans(business_price=business_price):
        edit.put_plan(spec)


@pytest.fixture
def catalogue(db: None, worlds: rows.Worlds) -> None:
    worlds.put_back("catalogue", _made)
    api.forget_snapshots()


def _made() -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        fill(edit)


@pytest.fixture
def acme(catalogue: None) -> UUID:
    return api.put_tenant(slug="acme", name="Acme", by="test", at=NOON)[0].id
