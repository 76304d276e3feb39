"""Doors of plans over time, and of what is paid for, each gone through once."""

from typing import Any

from audit.api import Kind
from licensing import api as licensing
from tests.audit.told import Told
from tests.authlevels.acme import NOON, Acme, later
from tiergate import FeatureKind, FeatureSpec, Term

BY_OLGA: dict[str, Any] = {"by": "account:olga", "at": NOON}


def _catalogue() -> None:
    with licensing.edit_catalogue(**BY_OLGA) as edit:
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH, title="Exports"))
        edit.put_plan(licensing.PlanSpec(key="gold", terms=(Term(feature="exports", value=True),)))


def _settled(acme: Acme) -> None:
    _catalogue()
    licensing.settle_subscription(tenant_id=acme.tenant_id, plan="gold", external_id="sub_1", at=NOON)


def _draft(_acme: Acme) -> str:
    _catalogue()
    return str(licensing.begin_draft(plan="gold", **BY_OLGA).ref)


def _edited(acme: Acme) -> str:
    ref = _draft(acme)
    licensing.edit_draft(ref=ref, grace_days=3, **BY_OLGA)
    return ref


def _discarded(acme: Acme) -> None:
    licensing.discard_draft(ref=_draft(acme), **BY_OLGA)


def _published(acme: Acme) -> str:
    ref = _edited(acme)
    licensing.publish_version(ref=ref, **BY_OLGA)
    return ref


def _retired(acme: Acme) -> None:
    licensing.retire_version(ref=_published(acme), **BY_OLGA)


def _moved(acme: Acme) -> None:
    _catalogue()
    licensing.put_subscription(tenant_id=acme.tenant_id, plan="gold", **BY_OLGA)
    new = _published(acme)
    preview = licensing.preview_migration(from_version="gold@1", to_version=new, tenants=[acme.tenant_id], at=later(1))
    licensing.run_migration(digest=preview.digest, by="account:olga", at=later(1))


def _scheduled(acme: Acme) -> None:
    _catalogue()
    with licensing.edit_catalogue(**BY_OLGA) as edit:
        edit.put_plan(licensing.PlanSpec(key="tin"))
    licensing.put_subscription(tenant_id=acme.tenant_id, plan="gold", **BY_OLGA)
    licensing.schedule_change(tenant_id=acme.tenant_id, plan="tin", effective_at=later(60), **BY_OLGA)


def _cancelled(acme: Acme) -> None:
    _scheduled(acme)
    licensing.cancel_change(tenant_id=acme.tenant_id, by="account:olga", at=later(1))


def _applied(acme: Acme) -> None:
    _scheduled(acme)
    assert licensing.apply_due_changes(at=later(60)) == 1


def _trial(acme: Acme) -> None:
    _catalogue()
    licensing.start_trial(tenant_id=acme.tenant_id, plan="gold", days=14, **BY_OLGA)


TOLD: Told = {
    "settle_subscription": (_settled, {Kind.SUBSCRIPTION_CHANGED}),
    "begin_draft": (_draft, {Kind.CATALOG_APPLIED}),
    "edit_draft": (_edited, {Kind.CATALOG_APPLIED}),
    "discard_draft": (_discarded, {Kind.CATALOG_APPLIED}),
    "publish_version": (_published, {Kind.CATALOG_APPLIED}),
    "retire_version": (_retired, {Kind.CATALOG_APPLIED}),
    "schedule_change": (_scheduled, {Kind.CHANGE_SCHEDULED}),
    "cancel_change": (_cancelled, {Kind.CHANGE_CANCELLED}),
    "apply_due_changes": (_applied, {Kind.SUBSCRIPTION_CHANGED}),
    "start_trial": (_trial, {Kind.SUBSCRIPTION_CHANGED}),
    "run_migration": (_moved, {Kind.SUBSCRIPTION_CHANGED}),
}
