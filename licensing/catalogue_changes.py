"""Change the catalogue: one transaction, one entry in the trail, one push.

The pieces are the kernel's own (`FeatureSpec`, `ActionSpec`, `Term`), so that nothing is translated twice.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.catalogue_rows import (
    action_json,
    feature_json,
    plan_json,
    requirement_json,
    role_json,
    term_columns,
)
from licensing.catalogue_scopes import find_scope, names_of_scopes_with, scope_json, scope_spec, write_scope
from licensing.environments import read_sensitivity
from licensing.errors import CatalogueConflict, InvalidName, InvalidTerm
from licensing.models import Action, Feature, Plan, PlanTerm, PlanVersion, RoleDefault
from licensing.models.catalogue import GRACE_DAYS, PlanKind, VersionStatus
from licensing.plan_content import (
    Price,
    checked_grace,
    checked_price,
    checked_terms,
    checked_trial,
    content_digest,
    named_feature,
)
from licensing.push import publish
from licensing.roles import allowed_privileges
from tiergate import OWN_PREFIX, ActionSpec, FeatureKind, FeatureSpec, Requirement, ScopeSpec, Term

_ONE_AT_A_TIME: Final = 0x7469_6572  # any number of our own: the key of an advisory lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is now otherwise: ``old`` is None where it is new, ``new`` where it is gone."""

    what: str
    key: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSpec:
    """A plan or add-on with what it is sold as from now on.

    rank: cheapest first. price: None where it is not for sale by itself.
    is_default: tenants fall to this plan when nothing is paid for; it takes the place of the one before.
    grace_days: how long the terms go on after a payment has failed.
    trial_days: for how long it may be tried, once; 0: it is not. No add-on is, nor what tenants fall to.
    """

    key: str
    title: str = ""
    rank: int = 0
    kind: str = PlanKind.PLAN
    price: Price | None = None
    terms: tuple[Term, ...] = ()
    is_default: bool = False
    grace_days: int = GRACE_DAYS
    trial_days: int = 0


@dataclass(slots=True, kw_only=True)
class CatalogueEdit:
    """What is changed within one `edit_catalogue` block, collected in ``changes``."""

    at: datetime
    changes: list[Change] = field(default_factory=list)

    def put_feature(self, spec: FeatureSpec) -> None:
        """Create or replace a feature.

        :raises CatalogueConflict: its kind would change under terms or overrides that stand on it.
        :raises InvalidTerm: it counts something and is no limit.
        """
        key = names.key(spec.key, "feature")
        row = Feature.objects.filter(key=key).first()
        old = feature_json(row) if row else None
        row = row or Feature(key=key)
        row.title = names.text(spec.title, "title")
        row.kind = spec.kind.value
        row.sensitivity = spec.sensitivity.value
        row.requirement = requirement_json(spec.requirement)
        row.counts = spec.counts.value if spec.counts else ""
        if row.counts and spec.kind != FeatureKind.LIMIT:
            raise InvalidTerm(f"The feature {key} counts {row.counts}: it must be a limit.")
        self._save("feature", key, row, old, feature_json(row))

    def put_action(self, spec: ActionSpec) -> None:
        """Create or replace an action.

        :raises UnknownFeature: it needs a feature that is not in the catalogue.
        :raises InvalidName: it takes a name that belongs to Tiergate itself, or asks in an environment that is none
            of the sensitivities, or limits in a batch what it does not bind.
        """
        name = names.key(spec.name, "action")
        if name.startswith(OWN_PREFIX):
            raise InvalidName(f"Names that begin with {OWN_PREFIX!r} belong to Tiergate itself.")
        row = Action.objects.select_related("feature").filter(name=name).first()
        old = action_json(row) if row else None
        row = row or Action(name=name)
        row.title = names.text(spec.title, "title")
        row.feature = named_feature(spec.feature) if spec.feature is not None else None
        row.resource_type = names.key(spec.resource_type, "resource type") if spec.resource_type else ""
        row.privilege = names.key(spec.privilege, "privilege")
        row.environment_aware = spec.environment_aware
        row.environments = {read_sensitivity(env).value: one.to_json() for env, one in spec.environments.items()}
        row.binds = [names.text(path, "bound property", may_be_empty=False) for path in spec.binds]
        row.callers = sorted({one.value for one in spec.callers})
        row.needs_highest_held = spec.needs_highest_held
        row.requirement = requirement_json(spec.requirement)
        row.batch = _batch(spec)
        self._save("action", name, row, old, action_json(row))

    def put_role(self, key: str, privileges: Sequence[str], requirement: Requirement | None = None) -> None:
        """Create or replace what a role means in every tenant, besides what is built in.

        :raises PrivilegeReserved: it would grant what only the vendor may hold.
        """
        names.key(key, "role")
        row = RoleDefault.objects.filter(key=key).first()
        old = role_json(row) if row else None
        row = row or RoleDefault(key=key)
        row.privileges = allowed_privileges(privileges)
        row.requirement = requirement_json(requirement)
        self._save("role", key, row, old, role_json(row))

    def put_plan(self, spec: PlanSpec) -> PlanVersion:
        """Create or replace a plan or add-on, and publish its content as a version unless it is one already.

        Content that was published before is that version again: tenants who kept it and new ones share it.

        :raises UnknownFeature: a term of a feature that is not in the catalogue.
        :raises InvalidTerm: a term that does not fit its feature's kind, a feature named twice, an add-on to fall
            to or to be tried, grace of more than 90 days, or a trial of more than 365.
        """
        kind = PlanKind(spec.kind)
        if spec.is_default:
            self._take_default(kind, spec.key)
        key = names.key(spec.key, kind.label.lower())
        row = Plan.objects.select_related("current").filter(kind=kind, key=key).first()
        old = plan_json(row) if row else None
        row = row or Plan(kind=kind, key=key)
        row.title = names.text(spec.title, "title")
        row.rank = spec.rank
        row.is_default, row.trial_days = (
            spec.is_default,
            checked_trial(spec.trial_days, kind=kind, is_default=spec.is_default),
        )
        if old is None:
            row.save()
        version = self._version(row, spec)
        row.current = version
        self._save(kind.value, key, row, old, plan_json(row))
        return version

    def retire_plan(self, key: str, *, kind: str = PlanKind.PLAN) -> None:
        """Take a plan off sale; tenants who are on it keep it. One that is off sale stays so."""
        row = Plan.objects.select_related("current").filter(kind=kind, key=key).first()
        if row is None or row.current is None:
            return
        old = plan_json(row)
        row.versions.filter(status=VersionStatus.PUBLISHED).update(status=VersionStatus.RETIRED)
        row.current = None
        row.is_default = False
        self._save(kind, key, row, old, plan_json(row))

    def _take_default(self, kind: PlanKind, key: str) -> None:
        if kind != PlanKind.PLAN:
            raise InvalidTerm(f"The add-on {key} is no plan that a tenant could fall to.")
        for other in Plan.objects.select_related("current").filter(is_default=True).exclude(kind=kind, key=key):
            old = plan_json(other)
            other.is_default = False
            self._save(kind, other.key, other, old, plan_json(other))

    def put_scope(self, spec: ScopeSpec) -> None:
        """Create or replace a scope with just the actions that it stands for.

        :raises UnknownAction: one of them is not in the catalogue.
        """
        row = find_scope(spec.name)
        old = scope_json(row) if row else None
        new = {"name": spec.name, "title": spec.title.strip(), "actions": sorted(set(spec.actions))}
        if old != new:
            self.changes.append(Change(what="scope", key=spec.name, old=old, new=scope_json(write_scope(spec))))

    def remove_scope(self, name: str) -> None:
        """Forget a scope; tokens that were issued for it are dead from then on."""
        row = find_scope(name)
        if row is not None:
            old = scope_json(row)
            row.delete()
            self.changes.append(Change(what="scope", key=name, old=old, new=None))

    def remove_action(self, name: str) -> None:
        """Forget an action, so that asking about it is denied; no scope stands for it any longer."""
        row = Action.objects.select_related("feature").filter(name=name).first()
        if row is not None:
            for scope in names_of_scopes_with(name):
                self._narrow_scope(scope, name)
            row.delete()
            self.changes.append(Change(what="action", key=name, old=action_json(row), new=None))

    def _narrow_scope(self, name: str, action: str) -> None:
        row = find_scope(name)
        if row is not None:
            spec = scope_spec(row)
            rest = tuple(one for one in spec.actions if one != action)
            self.put_scope(ScopeSpec(name=name, title=spec.title, actions=rest))

    def remove_role(self, key: str) -> None:
        """Forget what a role means everywhere; what is built in, and what a tenant says of it, stays."""
        row = RoleDefault.objects.filter(key=key).first()
        if row is not None:
            row.delete()
            self.changes.append(Change(what="role", key=key, old=role_json(row), new=None))

    def remove_feature(self, key: str) -> None:
        """Forget a feature that nothing stands on.

        :raises CatalogueConflict: an action, a term of any version, or an override needs it.
        """
        row = Feature.objects.filter(key=key).first()
        if row is None:
            return
        old = feature_json(row)
        try:
            with transaction.atomic():
                row.delete()
        except (ProtectedError, IntegrityError) as error:
            msg = f"The feature {key} cannot go: actions, plan versions or overrides stand on it."
            raise CatalogueConflict(msg) from error
        self.changes.append(Change(what="feature", key=key, old=old, new=None))

    def _version(self, plan: Plan, spec: PlanSpec) -> PlanVersion:
        terms = checked_terms(spec.terms)
        price = checked_price(spec.price)
        digest = content_digest(price, [term for _feature_row, term in terms], checked_grace(spec.grace_days))
        known = plan.versions.filter(content_hash=digest).first()
        if known is not None:
            if known.status == VersionStatus.RETIRED:
                known.status = VersionStatus.PUBLISHED
                known.save(update_fields=["status"])
            return known
        last = plan.versions.order_by("-number").values_list("number", flat=True).first() or 0
        version = PlanVersion(
            plan=plan,
            kind=plan.kind,
            number=last + 1,
            content_hash=digest,
            price_amount=price["amount"] if price else None,
            price_currency=price["currency"] if price else "",
            price_interval=price["interval"] if price else "",
            grace_days=spec.grace_days,
        )
        version.save()
        PlanTerm.objects.bulk_create(
            PlanTerm(version=version, feature=feature, **term_columns(feature, term)) for feature, term in terms
        )
        version.status = VersionStatus.PUBLISHED
        version.published_at = self.at
        version.save(update_fields=["status", "published_at"])
        return version

    def _save(
        self,
        what: str,
        key: str,
        row: Feature | Action | RoleDefault | Plan,
        old: dict[str, Any] | None,
        new: dict[str, Any],
    ) -> None:
        if old == new:
            return
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            # Tenants' overrides are rows that this transaction may not see; the constraint sees them.
            msg = f"The {what} {key} cannot change so: plan versions or overrides stand on what it was."
            raise CatalogueConflict(msg) from error
        self.changes.append(Change(what=what, key=key, old=old, new=new))


@contextmanager
def edit_catalogue(*, by: str, at: datetime, dry_run: bool = False) -> Iterator[CatalogueEdit]:
    """Open a transaction in which the catalogue is changed, whole or not at all.

    The vendor's trail gets one entry that names every change; without a change there is none, and no snapshot
    is disturbed. Edits wait for each other.

    by: who does it. dry_run: find out what would change, and take it all back.
    """
    edit = CatalogueEdit(at=names.instant(at, "The instant"))
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(names.VENDOR_TENANT_ID):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        yield edit
        if dry_run:
            transaction.set_rollback(True)
        elif edit.changes:
            audit.api.append(
                tenant_id=names.VENDOR_TENANT_ID,
                kind=audit.api.Kind.CATALOG_APPLIED,
                at=edit.at,
                payload={
                    "by": author,
                    "changes": [
                        {"what": one.what, "key": one.key, "old": one.old, "new": one.new} for one in edit.changes
                    ],
                },
            )
            publish("catalog", "")


def _batch(spec: ActionSpec) -> dict[str, Any] | None:
    """Write what of an action may be confirmed at once.

    :raises InvalidName: it limits what the action does not bind, which nobody would look at.
    """
    if spec.batch is None:
        return None
    loose = sorted(set(spec.batch.per_item) - set(spec.binds))
    if loose:
        raise InvalidName(f"The action {spec.name} limits {loose[0]!r} in a batch, and does not bind it.")
    return {"max_items": spec.batch.max_items, "per_item": dict(spec.batch.per_item)}
